-- Creates a tenant; a repeat returns the existing one, unchanged.
create function drip.create_user(
  p_name text,
  p_email text default null,
  p_time_zone text default 'UTC',
  p_default_region text default null,
  p_settings jsonb default '{}')
returns table (user_id bigint, name text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user drip.users;
  v_rule text;
  v_detail text;
begin
  perform drip._require_role('drip_operator');
  if nullif(btrim(p_name), '') is null then
    perform drip._fail('DR001', 'the tenant has no name', 'Pass p_name.');
  end if;
  perform drip._check_key(btrim(p_name), 'p_name');
  return query
    select u.id, u.name, 'existing'::text from drip.users u where u.name = btrim(p_name);
  if found then
    return;
  end if;
  select
    btrim(p_name), nullif(btrim(p_email), ''), coalesce(p_time_zone, 'UTC'),
    upper(nullif(btrim(p_default_region), '')), 'en', interval '7 days', interval '24 hours',
    0.5, 20, true, drip.now()
  into
    v_user.name, v_user.email, v_user.time_zone, v_user.default_region, v_user.language,
    v_user.contact_cap_period, v_user.unknown_hold, v_user.breaker_rate, v_user.breaker_sample,
    v_user.is_active, v_user.created_at;
  v_user := drip._apply_settings(
    v_user, p_settings, drip._settings_of('drip.users'::regclass), 'a user');
  begin
    insert into drip.users as u (
      name, email, time_zone, default_region, language, send_from, send_to, send_days,
      contact_cap, contact_cap_period, contact_gap, unknown_hold, breaker_rate, breaker_sample,
      is_active, opt_out_confirmation, created_at)
    values (
      v_user.name, v_user.email, v_user.time_zone, v_user.default_region, v_user.language,
      v_user.send_from, v_user.send_to, v_user.send_days, v_user.contact_cap,
      v_user.contact_cap_period, v_user.contact_gap, v_user.unknown_hold, v_user.breaker_rate,
      v_user.breaker_sample, v_user.is_active, v_user.opt_out_confirmation, v_user.created_at)
    on conflict (name) do nothing
    returning u.id
    into v_user.id;
  exception
    when check_violation then
      get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_rule, v_detail);
    when not_null_violation then
      get stacked diagnostics v_rule = column_name;
      perform drip._fail('DR004', pg_catalog.format('%s cannot be null', v_rule), 'Leave it out.');
  end;
  if v_user.id is null then
    return query
      select u.id, u.name, 'existing'::text from drip.users u where u.name = v_user.name;
    return;
  end if;
  perform drip._audit(
    v_user.id, 'create_user', 'user', v_user.id, null,
    jsonb_build_object('name', v_user.name) || coalesce(p_settings, '{}'));
  return query select v_user.id, v_user.name, 'created'::text;
end
$$;
comment on function drip.create_user(text, text, text, text, jsonb) is
  'Creates a tenant: IANA zone, ISO region for phones without +, settings by column name of
   drip.users. Outcome: created, existing (by name; unchanged).';
grant execute on function drip.create_user(text, text, text, text, jsonb) to drip_operator;
