-- A receipt may come before the result of its message.
create function drip._take_up_receipts(p_ids bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_receipts jsonb;
begin
  with taken as (
    delete from drip.receipts r
    where r.id in (
      select k.id
      from drip.receipts k
      where k.id = any (p_ids)
      order by k.id
      for update skip locked)
    returning
      r.user_id, r.device_id, r.platform, r.provider_message_id, r.kind, r.occurred_at,
      r.received_at, r.recipient, r.aliases, r.message_ref, r.attempt_ref, r.error_code,
      r.error_message
  )
  select jsonb_agg(to_jsonb(t)) into v_receipts from taken t;
  if v_receipts is null then
    return 0;
  end if;
  perform drip._apply_receipts(v_receipts);
  return jsonb_array_length(v_receipts);
end
$$;
comment on function drip._take_up_receipts(bigint[]) is
  'Removes parked receipts and applies them; those without a message are parked again.';
