-- An unknown placeholder or an unclosed variant would reach every contact as it is, so saving it is
-- refused. An attribute without a fallback must exist on some lead or journey of the tenant: one
-- lookup per attribute. For a tenant without leads this is checked when the program starts.
create function drip._check_texts(
  p_user_id bigint, p_paths text[], p_texts text[], p_judge_attributes boolean,
  p_lead_id bigint default null)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found record;
begin
  for v_found in
    select t.path as at, t.text, t.path ~ '(^|[._])caption$' as is_caption
    from unnest(p_paths, p_texts) with ordinality as t (path, text, place)
    where length(t.text) > drip._limit('caption')
      or length(t.text) - length(replace(t.text, '{', '')) > drip._limit('placeholders')
    order by t.place
  loop
    perform drip._check_length(
      v_found.text, case when v_found.is_caption then 'caption' else 'text' end, v_found.at);
    perform drip._check_count(
      (select count(*) from drip._placeholders(v_found.text) h where h.is_known), 'placeholders',
      format('the placeholders of %s', v_found.at));
  end loop;

  for v_found in
    select t.path as at, m.token, m.said
    from unnest(p_paths, p_texts) with ordinality as t (path, text, place)
    cross join lateral drip._mistaken_token(t.text) m
    where t.text ~ e'%|[{]|\\*\\|' and m.token is not null
    order by t.place
    limit 1
  loop
    perform drip._fail(
      'DR017', format('%s: there is no placeholder %s', v_found.at, left(v_found.token, 80)),
      case
        when v_found.said !~ '[[:alpha:]]' then 'Placeholders have names: write {name}, {phone} or'
          || ' {attributes.city}, with one brace on each side.'
        when v_found.token ~ e'^\\{[^{]*\\|' then format(
          'Variants are written [[%s]].', left(btrim(v_found.token, '{}'), 80))
        else format(
          'The nearest known one is %s. It has one brace on each side and no blanks.',
          case
            when v_found.said ~ e'^(name|phone|attributes\\.[[:alnum:]_]+)$'
              then '{' || v_found.said || '}'
            else drip._nearest_placeholder(p_user_id, v_found.said)
          end)
      end);
  end loop;

  for v_found in
    select t.path as at, h.placeholder, h.path, h.is_known, h.is_nested
    from unnest(p_paths, p_texts) with ordinality as t (path, text, place)
    cross join lateral drip._placeholders(t.text) h
    where position('{' in t.text) > 0 and (h.is_nested or not h.is_known)
    order by t.place, h.place
    limit 1
  loop
    if v_found.is_nested then
      perform drip._fail(
        'DR017',
        format(
          '%s: the fallback of %s contains a placeholder or a variant', v_found.at,
          '{' || v_found.path || '}'),
        'A fallback may contain only {name} and {phone}.');
    end if;
    perform drip._fail(
      'DR017', format('%s: there is no placeholder %s', v_found.at, left(v_found.placeholder, 60)),
      format(
        'The nearest known one is %s.%s', drip._nearest_placeholder(p_user_id, v_found.path),
        case
          when v_found.placeholder ~ e'\\|' then ' Variants are written [[Hi|Hello]].' else ''
        end));
  end loop;

  for v_found in
    select t.path as at, drip._bracket_problem(t.text) as problem
    from unnest(p_paths, p_texts) with ordinality as t (path, text, place)
    where t.text ~ e'\\[\\[|\\]\\]' and drip._bracket_problem(t.text) is not null
    order by t.place
    limit 1
  loop
    perform drip._fail(
      'DR017', format('%s: %s', v_found.at, v_found.problem),
      'Write variants as [[Hi|Hello|Salam]], without another one inside.');
  end loop;

  for v_found in
    select t.path as at, m.inside[1] as placeholder
    from unnest(p_paths, p_texts) with ordinality as t (path, text, place)
    cross join lateral (
      select regexp_match(
        replace(replace(t.text, '{name}', chr(6)), '{phone}', chr(6)),
        e'(\\{[[:alpha:]_][^{}|]*)' || chr(6) || e'[^{}]*\\}') as inside
    ) m
    where m.inside is not null
    order by t.place
    limit 1
  loop
    perform drip._fail(
      'DR017',
      format(
        '%s: a placeholder stands inside %s', v_found.at, left(v_found.placeholder, 60) || '…'),
      'Close it before the next one begins; only a fallback may contain {name} and {phone}.');
  end loop;

  if not p_judge_attributes then
    return;
  end if;
  for v_found in
    select w.attribute, w.at
    from (
      select distinct on (substr(h.path, 12))
        substr(h.path, 12) as attribute, t.path as at, t.place
      from unnest(p_paths, p_texts) with ordinality as t (path, text, place)
      cross join lateral drip._placeholders(t.text) h
      where position('{attributes.' in t.text) > 0 and h.path ~ e'^attributes\\.'
        and h.fallback is null
      order by substr(h.path, 12), t.place
    ) w
    order by w.place, w.attribute
  loop
    if not exists (
        select
        from drip.leads l
        where l.id = p_lead_id and l.attributes ? v_found.attribute)
      and not exists (
        select
        from drip.leads l
        where l.user_id = p_user_id and l.attributes ? v_found.attribute)
      and not exists (
        select
        from drip.sequence_contacts e
        where e.user_id = p_user_id and e.attributes ? v_found.attribute)
      and exists (
        select
        from drip.leads l
        where l.user_id = p_user_id and l.id is distinct from p_lead_id)
    then
      perform drip._fail(
        'DR017',
        format('%s: no lead has the attribute %s', v_found.at, quote_literal(v_found.attribute)),
        format(
          'The nearest known placeholder is %s; or give it a fallback: {attributes.%s|friend}.',
          drip._nearest_placeholder(p_user_id, 'attributes.' || v_found.attribute),
          v_found.attribute));
    end if;
  end loop;
end
$$;
comment on function drip._check_texts(bigint, text[], text[], boolean, bigint) is
  'DR017, with the path, for an unknown placeholder or a variant that is not closed.';

-- From the newest leads and journeys: enough to know the attributes in use.
create function drip._nearest_placeholder(p_user_id bigint, p_path text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_sample constant integer := 2000;
  v_word constant text := regexp_replace(btrim(p_path), e'^.*\\.', '');
  v_attributes text[];
  v_nearest text;
begin
  select array_agg(q.key)
  into v_attributes
  from (
    select distinct k.key
    from (
      (select l.attributes
       from drip.leads l
       where l.user_id = p_user_id and l.attributes <> '{}'
       order by l.id desc
       limit c_sample)
      union all
      (select e.attributes
       from drip.sequence_contacts e
       where e.user_id = p_user_id and e.attributes <> '{}'
       order by e.id desc
       limit c_sample)
    ) a
    cross join lateral jsonb_object_keys(a.attributes) as k (key)
    where k.key ~ '^[[:alnum:]_]+$'
    order by k.key
    limit 200
  ) q;
  if drip._edit_distance(lower(btrim(split_part(p_path, '.', 1))), 'attributes') <= 3
    and v_attributes is not null
  then
    return '{attributes.' || drip._nearest(v_word, v_attributes) || '}';
  end if;
  v_nearest := drip._nearest(v_word, array['name', 'phone'] || v_attributes);
  return case
    when v_nearest in ('name', 'phone') then '{' || v_nearest || '}'
    else '{attributes.' || v_nearest || '}'
  end;
end
$$;
comment on function drip._nearest_placeholder(bigint, text) is
  'The placeholder that was probably meant, by the attributes of the tenant''s leads.';

-- Forms of other systems, which would reach every contact as they are: doubled braces,
-- {first name}, ${name}, %name%, *|NAME|*, {Hi there|Hello}. Square and angle brackets are left: a
-- person may be asked to answer with [name] [address]. So is ${attributes.price}, a price. JSON has
-- a quote or a brace behind its own, and prose more than three words.
create function drip._mistaken_token(p_text text) returns table (token text, said text)
language sql immutable parallel safe
as $$
  select m.token, lower(replace(btrim(split_part(btrim(m.token, '{}$%*|#/ '), '|', 1)), ' ', '_'))
  from (
    select coalesce(
      substring(
        p_text from e'\\{\\{[[:space:]]*[#/^&>!]?[[:space:]]*[[:alnum:]_][^{}\\n]{0,60}\\}{1,2}'),
      substring(
        p_text from e'\\{ *[[:alpha:]_][[:alnum:]_]{0,20}(?: +[[:alnum:]_]{1,20}){1,2} *\\}'),
      substring(p_text from e'\\{ +[[:alpha:]_][[:alnum:]_.]{0,40} *\\}'),
      substring(p_text from e'\\{[[:alpha:]_][[:alnum:]_.]{0,40} +\\}'),
      substring(
        p_text from e'\\{(?!name\\||phone\\||attributes\\.[[:alnum:]_]+\\|)[^{}|":\\n]{1,80}'
          || e' [^{}|":\\n]{0,80}\\|[^{}"\\n]{0,200}\\}'),
      substring(p_text from e'\\$\\{(?:name|phone)[|}]'),
      substring(p_text from '(?i)%(?:name|phone|(?:first|last|full)[ _]?name)%'),
      substring(p_text from e'\\*\\|[[:alnum:]_:]{1,40}\\|\\*')) as token
  ) m
$$;
comment on function drip._mistaken_token(text) is
  'The first placeholder of a text in a form that _render does not fill, and the name in it; nulls
   if there is none.';

create function drip._bracket_problem(p_text text) returns text
language sql immutable parallel safe
as $$
  -- the text without its complete variants
  select case
    when p_text ~ e'\\[\\[\\[((?!\\[\\[|\\]\\]).)*\\|'
      then 'it is not clear which two of [[[ open a variant'
    when r.rest ~ e'\\[\\[.*\\]\\]' then 'a variant stands inside another'
    when position('[[' in r.rest) > 0 then 'the variant that opens with [[ does not close'
    -- a ]] alone is text, as in JSON; with a bar it was probably meant as a variant
    when r.rest ~ e'\\[[^][|]*\\|[^][]*\\]\\]'
      then 'the variant that closes with ]] opens with one ['
  end
  from (
    -- lists of lists first, as _render reads them
    select regexp_replace(
      regexp_replace(
        p_text,
        e'\\[{2,}\\s*(["0-9-][^][|]*(\\]\\s*,\\s*\\[+[^][|]*)*)?\\]{2,}', ' ', 'g'),
      e'\\[\\[((?!\\[\\[|\\]\\]).)*\\]\\]', ' ', 'g') as rest
  ) r
$$;
comment on function drip._bracket_problem(text) is
  'What is wrong with the double brackets of a text; null if nothing.';
