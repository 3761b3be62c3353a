-- The only way out. _claim_messages() has the steps; a row that cannot be judged or rendered makes
-- _claim_apart() claim tenant by tenant.
create function drip.claim_messages(
  p_worker text, p_limit integer, p_user_id bigint default null, p_guards boolean default true)
returns table (
  message_id bigint, attempt integer, user_id bigint, device_id bigint, platform text,
  endpoint text, instance text, secret_name text, recipient_phone text, message_type text,
  content text, media_url text, caption text, template jsonb, lease_expires_at timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  if nullif(btrim(p_worker), '') is null then
    perform drip._fail('DR001', 'the worker has no name', 'Pass the worker''s name as p_worker.');
  end if;
  if coalesce(p_limit, 0) < 1 or p_limit > 10000 then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is not a number of free slots', coalesce(p_limit::text, 'null')),
      'Pass p_limit between 1 and 10000: the messages that can be handed over now.');
  end if;
  -- a subtransaction, measured in docs/decisions/poisoned-rows.md
  begin
    return query
      select c.* from drip._claim_messages(p_worker, p_limit, p_user_id, p_guards) c;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    return query select c.* from drip._claim_apart(p_worker, p_limit, p_user_id, p_guards) c;
  end;
end
$$;
comment on function drip.claim_messages(text, integer, bigint, boolean) is
  'Leases at most p_limit messages that may leave now, rendered and paced, for this worker to hand
   over at once; each until its lease_expires_at. p_user_id: only of that tenant; p_guards false:
   asks no guard, and guarded messages wait for a claim that asks.';
grant execute on function drip.claim_messages(text, integer, bigint, boolean) to drip_worker;
