-- The placeholders of a text, known ones and look-alikes: _render fills the former and prints the
-- latter unchanged. Other braces (JSON, prose) are text. A fallback may contain {name} and {phone},
-- which _render fills first, but no other placeholder and no variant.
create function drip._placeholders(p_text text)
returns table (
  place bigint, placeholder text, path text, fallback text, is_known boolean, is_nested boolean)
language sql immutable parallel safe
as $$
  select
    q.place,
    '{' || split_part(q.part, '}', 1) || '}',
    q.path,
    q.fallback,
    q.is_known,
    q.is_known and (
      q.fallback ~ e'\\[\\[|\\]\\]'
      or (not q.is_closed
          and q.has_open_fallback))
  from (
    select
      t.place,
      t.part,
      t.has_open_fallback,
      p.path,
      case when f.has_fallback then substr(split_part(t.part, '}', 1), length(p.path) + 2) end
        as fallback,
      position('}' in t.part) > 0 as is_closed,
      p.path in ('name', 'phone') or p.path ~ e'^attributes\\.[[:alnum:]_]+$' as is_known
    from (
      select
        s.part,
        s.place,
        w.has_open_fallback,
        bool_or(position('}' in s.part) > 0) over (
          order by s.place rows between 1 following and unbounded following) as closes_later
      -- depends on the whole text, so calculated once
      from (
        select replace(replace(p_text, '{name}', ''), '{phone}', '')
          ~ e'\\{(name|phone|attributes\\.[[:alnum:]_]+)\\|[^{}]*\\{' as has_open_fallback
        offset 0
      ) w
      cross join unnest(string_to_array(p_text, '{')) with ordinality as s (part, place)
    ) t
    cross join lateral (
      select split_part(split_part(t.part, '}', 1), '|', 1) as path
    ) p
    cross join lateral (
      select p.path <> split_part(t.part, '}', 1) as has_fallback
    ) f
    where t.place > 1
      and (position('}' in t.part) > 0 or (f.has_fallback and t.closes_later))
  ) q
  where q.is_known
    or q.path ~ e'^[[:alpha:]_][[:alnum:]_]*(\\.[[:alnum:]_]+)*$'
    -- with spaces it is prose, unless one of ours was meant
    or q.path ~* e'^\\s*(name|phone|attributes\\..*)\\s*$'
$$;
comment on function drip._placeholders(text) is
  'Each placeholder of a text in order, as written: its path, its fallback (null for none), whether
   _render fills it, and whether its fallback contains something that _render would print
   unchanged.';
