-- The leads of a tenant in a registered audience. Raises an error where the view returns more than
-- its bound or exceeds its time limit: nobody is left out silently.
create function drip._audience_leads(
  p_audience text, p_user bigint, p_only bigint default null)
returns setof bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_audience drip.audiences;
  v_view regclass;
  v_only text;
  v_began timestamptz;
  v_keys text[];
  v_region drip.regions;
  v_context text;
begin
  select a.*
  into v_audience
  from drip.audiences a
  where a.name = p_audience
    and a.unregistered_at is null
    and coalesce(a.user_id, p_user) = p_user;
  v_view := drip._audience_view(v_audience);
  if v_view is null then
    perform drip._fail(
      'DR012', format('the view of the audience %s no longer exists', quote_literal(p_audience)),
      'Create the view again, or change the campaign.');
  end if;
  -- a view may have an index for one key; phones can be written in many ways
  if p_only is not null and v_audience.key_column <> 'phone' then
    select case v_audience.key_column when 'lead_id' then l.id::text else l.external_id end
    into v_only
    from drip.leads l
    where l.id = p_only;
    if v_only is null then
      return;
    end if;
  end if;
  v_began := drip._wall_clock();
  begin
    v_keys := drip._audience_keys(
      v_view, v_audience.key_column, v_audience.max_rows + 1, p_user, v_only);
  exception
    when others then
      get stacked diagnostics v_context = pg_exception_context;
      -- a lock or a full disk is not the view's fault, unless its own code raised the error
      if drip._is_passing_error(sqlstate) and not drip._is_raised(v_context) then
        raise;
      end if;
      perform drip._fail(
        'DR018',
        format('the audience %s cannot be read: %s', quote_literal(p_audience), sqlerrm),
        case
          when sqlstate = '42501' then format(
            'It is read with the rights of drip_guard: grant select on %s to drip_guard;', v_view)
          else 'Mend the view, or change the campaign.'
        end);
  end;
  if cardinality(v_keys) > v_audience.max_rows then
    perform drip._fail(
      'DR018',
      format('the audience %s returns more leads than its limit of %s', quote_literal(p_audience),
             v_audience.max_rows),
      'Narrow the view, or have an operator register it again with a higher p_max_rows.');
  end if;
  if drip._wall_clock() - v_began > v_audience.time_limit then
    perform drip._fail_slow_audience(v_audience);
  end if;

  if v_audience.key_column = 'lead_id' then
    return query
      select l.id
      from unnest(v_keys) as k (key)
      join drip.leads l on l.id = k.key::bigint
      where l.user_id = p_user;
  elsif v_audience.key_column = 'external_id' then
    return query
      select l.id
      from unnest(v_keys) as k (key)
      join drip.leads l on l.user_id = p_user and l.external_id = k.key;
  else
    -- a number with the region's trunk prefix is read by replacing it: a tenth of the time
    select g.*
    into v_region
    from drip.users u
    join drip.regions g on g.region = u.default_region
    where u.id = p_user;
    return query
      with keys as materialized (
        select
          k.key,
          case
            when k.key ~ e'^\\+[1-9][0-9]{6,14}$' then k.key
            when v_region.trunk_prefix = '0' and v_region.trunk_rule is null
              and translate(k.key, ' -', '') ~ '^0[1-9][0-9]{5,13}$'
              then '+' || v_region.calling_code || substr(translate(k.key, ' -', ''), 2)
          end as phone
        from unnest(v_keys) as k (key)
      )
      select l.id
      from keys k
      cross join lateral drip._lead_of_phone(p_user, k.phone) l
      union
      select l.id
      from keys k
      cross join lateral drip._lead_of_phone(
        p_user, drip._normalize_phone(k.key, v_region.region)) l
      where k.phone is null;
  end if;
end
$$;
comment on function drip._audience_leads(text, bigint, bigint) is
  'Ids of the tenant''s leads in a registered audience; with p_only at most that one. DR018 when it
   cannot be read within its bounds.';
