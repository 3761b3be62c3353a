-- Unfinished campaigns that name the audience could not be planned, so it must stay; finished ones
-- keep the definition that they began with.
create function drip.unregister_audience(p_name text, p_reason text default null)
returns table (name text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_audience drip.audiences := drip._find_audience(p_name);
  v_users text[];
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform 1 from drip.audiences a where a.name = v_audience.name for update;
  v_users := array(
    select format('%s (tenant %s)', quote_literal(c.title), quote_literal(u.name))
    from drip.campaigns c
    join drip.users u on u.id = c.user_id
    where v_audience.name in (c.audience, c.exclude)
      and c.status not in ('completed', 'cancelled')
    order by u.name, c.title
    limit 4);
  perform drip._refuse_if_named(
    'audience', v_audience.name, v_users,
    'Take it out with update_campaign, or cancel the campaign.');
  if exists (
    select from drip.campaigns c where v_audience.name in (c.audience, c.exclude)
  ) then
    update drip.audiences a
    set unregistered_at = drip.now()
    where a.name = v_audience.name;
  else
    delete from drip.audiences a where a.name = v_audience.name;
  end if;
  perform drip._audit(
    v_audience.user_id, 'unregister_audience', 'audience', null, p_reason,
    jsonb_build_object('audience', v_audience.name, 'view', v_audience.view_name));
  return query select v_audience.name, 'unregistered'::text;
end
$$;
comment on function drip.unregister_audience(text, text) is
  'Removes an audience that only completed or cancelled campaigns name; its view stays. Outcome:
   unregistered.';
grant execute on function drip.unregister_audience(text, text) to drip_operator;

create function drip._find_audience(p_name text) returns drip.audiences
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := nullif(btrim(p_name), '');
  v_found drip.audiences;
begin
  if v_name is null then
    perform drip._fail('DR001', 'no audience is named', 'Pass its name; list_audiences has them.');
  end if;
  select a.*
  into v_found
  from drip.audiences a
  where a.name = v_name and a.unregistered_at is null;
  if v_found.name is null then
    perform drip._fail(
      'DR012', format('there is no audience %s', quote_literal(v_name)),
      coalesce(
        'The nearest one is ' || quote_literal(drip._nearest(v_name, array(
          select a.name from drip.audiences a where a.unregistered_at is null))) || '.',
        'None is registered; an operator does it with register_audience.'));
  end if;
  return v_found;
end
$$;
comment on function drip._find_audience(text) is
  'The audience of that name; DR012 names the nearest one.';
