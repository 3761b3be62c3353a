-- Skips a device that a person has locked in psql: its next result stops it.
create function drip._stop_devices(p_devices jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_mark constant bigint := drip._audit_mark();
begin
  update drip.user_devices d
  set status = 'needs_attention', status_reason = r.meaning, status_since = v_now,
    is_held = not r.check_ends_stop
  from jsonb_to_recordset(p_devices) as r (
    device_id bigint, account_id bigint, scope text, action text, meaning text,
    auto_resume boolean, check_ends_stop boolean)
  where d.id = r.device_id
    and r.action = 'stop'
    -- a device without an account is stopped itself
    and (r.scope = 'device' or r.account_id is null)
    and not r.auto_resume
    and d.status in ('online', 'offline')
    and d.id in (
      select l.id
      from drip.user_devices l
      where l.id in (
        select (e.value ->> 'device_id')::bigint from jsonb_array_elements(p_devices) e)
      for no key update skip locked);

  update drip.sender_accounts a
  set status = case
      when r.action = 'stop' and not r.auto_resume then 'needs_attention' else a.status end,
    status_reason = r.meaning,
    blocked_until = greatest(a.blocked_until, v_now + r.device_wait)
  from jsonb_to_recordset(p_devices) as r (
    account_id bigint, scope text, action text, meaning text, auto_resume boolean,
    device_wait interval)
  where a.id = r.account_id
    and r.scope = 'account'
    and a.status <> 'disabled'
    and a.id in (
      select l.id
      from drip.sender_accounts l
      where l.id in (
        select (e.value ->> 'account_id')::bigint from jsonb_array_elements(p_devices) e)
      for no key update skip locked);
  perform
    drip._audit_system(
      v_mark, 'stop_device', 'device', array_agg((e.value ->> 'device_id')::bigint)),
    drip._audit_system(
      v_mark, 'stop_account', 'account', array_agg((e.value ->> 'account_id')::bigint))
  from jsonb_array_elements(p_devices) e;
end
$$;
comment on function drip._stop_devices(jsonb) is
  'Stops the devices or accounts that a result says cannot send until a person acts.';
