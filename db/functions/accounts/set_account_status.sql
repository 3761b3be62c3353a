-- A person's decision on an account: nothing else ends a stop of all its devices.
create function drip.set_account_status(
  p_account text, p_status text, p_reason text default null)
returns table (account_id bigint, status text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_account drip.sender_accounts := drip._find_account(p_account);
  v_status text := lower(btrim(p_status));
  v_reason text := nullif(btrim(p_reason), '');
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform drip._check_device_status(v_status);
  select a.*
  into v_account
  from drip.sender_accounts a
  where a.id = v_account.id
  for no key update;
  if v_account.status = v_status
    and (v_status <> 'online' or v_account.blocked_until is null)
    and coalesce(v_reason, v_account.status_reason) is not distinct from v_account.status_reason
  then
    return query select v_account.id, v_status, 'unchanged'::text;
    return;
  end if;
  update drip.sender_accounts a
  set status = v_status,
    status_reason = v_reason,
    blocked_until = case when v_status <> 'online' then a.blocked_until end
  where a.id = v_account.id;
  perform drip._audit(
    v_account.user_id, 'set_account_status', 'account', v_account.id, v_reason);
  if v_status = 'online' then
    perform drip._wake_device(d.id)
    from drip.user_devices d
    where d.account_id = v_account.id
    order by d.id;
  end if;
  return query select v_account.id, v_status, 'changed'::text;
end
$$;
comment on function drip.set_account_status(text, text, text) is
  'Sets a sender account (id or name) to online, offline, needs_attention or disabled; only this
   ends a stop of all its devices; it also ends a block early. Outcome: changed, unchanged.';
grant execute on function drip.set_account_status(text, text, text) to drip_operator;
