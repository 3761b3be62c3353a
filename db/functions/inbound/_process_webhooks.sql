-- A batch of webhooks as sets: receipts for messages, what contacts wrote for leads. What a contact
-- writes takes effect once, when its row in inbound_messages is new.
create function drip._process_webhooks(p_webhooks jsonb)
returns table (applied bigint, parked bigint, problems jsonb)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- Meta reports up to 1,000 at once. A megabyte has room for 170,000 receipts, which took 15 s:
  -- half of the worker's time-out, after which the same body would be read again and again.
  c_most_facts constant integer := 5000;
  v_facts jsonb;
  v_receipts jsonb;
  v_applied bigint := 0;
  v_parked bigint := 0;
  v_heard bigint;
  v_problems jsonb;
begin
  select jsonb_agg(to_jsonb(q))
  into v_facts
  from (
    select
      w.place, w.received_at, t.user_id, t.platform, d.device_id, r.*,
      -- a receipt may lack an instance
      coalesce(d.device_id, td.id, (
        select min(o.id) from drip.user_devices o where o.account_id = ta.id)) as speaker_id,
      -- providers retry for a week; an older time, or a future one, comes from a wrong clock
      case
        when r.occurred_at between w.received_at - interval '14 days' and w.received_at
          then r.occurred_at
        else w.received_at
      end as at,
      case
        when t.user_id is null then pg_catalog.format('there is no %s %s', w.kind, w.id)
        when count(*) over (partition by w.place) > c_most_facts
          then pg_catalog.format('it reports more than %s things', c_most_facts)
        when not d.is_spoken_for and r.kind <> 'ignored'
          then pg_catalog.format(
            'webhooks of the %2$s %3$s may not report on the device of instance %1$s',
            r.instance, w.kind, w.id)
        when d.device_id is null
          and r.kind in ('message', 'own_message', 'preference', 'number_change')
          then pg_catalog.format(
            'no device of the tenant has the instance %s', coalesce(r.instance, '(none)'))
      end as problem
    from jsonb_to_recordset(p_webhooks) as w (
      place bigint, kind text, id bigint, received_at timestamptz, body text)
    left join drip.user_devices td on w.kind = 'device' and td.id = w.id
    left join drip.sender_accounts ta on w.kind = 'account' and ta.id = w.id
    cross join lateral (
      select
        coalesce(td.user_id, ta.user_id) as user_id,
        coalesce(td.platform, ta.platform) as platform
    ) t
    left join lateral (
      select x.* from drip._read_webhook(t.platform, w.body::jsonb) x limit c_most_facts + 1
    ) r on true
    left join lateral drip._webhook_device(t.user_id, t.platform, td.id, ta.id, r.instance) d
      on true
  ) q;

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
    'recipient', f.contact,
    'message_ref', substring(f.ref from '^([0-9]{1,18}):[0-9]{1,9}$')::bigint,
    'attempt_ref', substring(f.ref from '^[0-9]{1,18}:([0-9]{1,9})$')::integer,
    'error_code', case when f.state = 'failed' then coalesce(f.error_code, 'FAILED') end,
    'error_message', f.error_message))
  into v_receipts
  from jsonb_to_recordset(v_facts) as f (
    user_id bigint, speaker_id bigint, platform text, kind text, state text, contact text, ref text,
    provider_message_id text, at timestamptz, error_code text, error_message text, problem text)
  where f.kind = 'receipt' and f.problem is null;
  if v_receipts is not null then
    select r.applied, r.parked into v_applied, v_parked from drip._apply_receipts(v_receipts) r;
  end if;
  v_heard := drip._process_replies(v_facts);
  return query select v_applied + v_heard, v_parked, v_problems;
end
$$;
comment on function drip._process_webhooks(jsonb) is
  'Applies webhooks [{place, kind, id, received_at, body}]: the number of messages changed and of
   new inbound messages, receipts parked, and problems [{place, error}] of those that name none of
   our devices, or one that their address may not report on.';
