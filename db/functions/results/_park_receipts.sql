-- A receipt that cannot be applied yet is tried again while it is young; one whose message is
-- locked stays young.
create function drip._park_receipts(p_given jsonb, p_locked bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_parked bigint;
begin
  insert into drip.receipts as r (
    user_id, device_id, platform, provider_message_id, kind, occurred_at, received_at, recipient,
    aliases, message_ref, attempt_ref, error_code, error_message)
  select
    f.user_id, f.device_id, f.platform, f.provider_message_id, f.kind, f.at,
    case when f.message_id is null then f.received_at else v_now end,
    f.recipient, f.aliases, f.message_ref, f.attempt_ref, f.error_code, f.error_message
  from jsonb_to_recordset(p_given) as f (
    user_id bigint, device_id bigint, platform text, provider_message_id text, kind text,
    at timestamptz, received_at timestamptz, recipient text, aliases text[],
    message_ref bigint, attempt_ref integer, error_code text, error_message text,
    message_id bigint)
  where f.message_id is null or f.message_id <> all (p_locked)
  order by f.user_id, f.provider_message_id, f.kind
  on conflict do nothing;
  get diagnostics v_parked = row_count;
  return v_parked;
end
$$;
comment on function drip._park_receipts(jsonb, bigint[]) is
  'Stores receipts whose message is unknown or not among the locked ones; returns how many.';
