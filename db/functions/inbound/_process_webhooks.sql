-- A batch of webhooks as sets: receipts for messages, what contacts wrote for leads. What a contact
-- writes takes effect once, when its row in inbound_messages is new.
create function drip._process_webhooks(p_webhooks jsonb)
returns table (applied bigint, parked bigint, problems jsonb)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_facts jsonb;
  v_receipts jsonb;
  v_applied bigint := 0;
  v_parked bigint := 0;
  v_heard bigint;
  v_problems jsonb;
begin
  -- first, since it locks programs, accounts and devices
  perform drip._process_notices(p_webhooks);
  select jsonb_agg(to_jsonb(f)) into v_facts from drip._webhook_facts(p_webhooks) f;

  select jsonb_agg(jsonb_build_object('place', q.place, 'error', q.problem))
  into v_problems
  from (
    select distinct on (f.place) f.place, f.problem
    from jsonb_to_recordset(v_facts) as f (place bigint, problem text)
    where f.problem is not null
    order by f.place
  ) q;

  select jsonb_agg(jsonb_build_object(
    'user_id', f.user_id, 'device_id', f.speaker_id, 'platform', f.platform,
    'provider_message_id', f.provider_message_id, 'kind', f.state, 'occurred_at', f.at,
    'recipient', f.contact, 'aliases', f.contact_aliases,
    'message_ref', substring(f.ref from '^([0-9]{1,18}):[0-9]{1,9}$')::bigint,
    'attempt_ref', substring(f.ref from '^[0-9]{1,18}:([0-9]{1,9})$')::integer,
    'error_code', case when f.state = 'failed' then coalesce(f.error_code, 'FAILED') end,
    'error_message', f.error_message))
  into v_receipts
  from jsonb_to_recordset(v_facts) as f (
    user_id bigint, speaker_id bigint, platform text, kind text, state text, contact text,
    contact_aliases text[], ref text, provider_message_id text, at timestamptz, error_code text,
    error_message text, problem text)
  where f.kind = 'receipt' and f.problem is null;
  if v_receipts is not null then
    select r.applied, r.parked into v_applied, v_parked from drip._apply_receipts(v_receipts) r;
  end if;
  v_heard := drip._process_replies(v_facts);
  perform drip._learn_sessions(v_facts);
  return query select v_applied + v_heard, v_parked, v_problems;
end
$$;
comment on function drip._process_webhooks(jsonb) is
  'Applies webhooks [{place, kind, id, received_at, body}]: the number of messages changed and of
   new inbound messages, receipts parked, and problems [{place, error}] of those that name none of
   our devices, or one that their address may not report on.';
