-- What a batch of webhooks says, with the device that each fact concerns and the reason where it
-- may not be applied.
create function drip._webhook_facts(p_webhooks jsonb)
returns table (
  place bigint, received_at timestamptz, user_id bigint, platform text, device_id bigint,
  kind text, state text, provider_message_id text, instance text, instance_jid text,
  contact text, contact_aliases text[], contact_name text, occurred_at timestamptz,
  message_type text, body text, payload text, media_id text, media_type text, context_id text,
  ref text, error_code text, error_message text, speaker_id bigint, at timestamptz,
  is_named boolean, problem text)
language sql stable
as $$
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
    d.is_named,
    case
      when t.user_id is null then format('there is no %s %s', w.kind, w.id)
    when count(*) over (partition by w.place) > drip._most_facts()
      then format('it reports more than %s things', drip._most_facts())
      when not d.is_spoken_for and r.kind <> 'ignored'
        then format(
          'webhooks of the %2$s %3$s may not report on the device of instance %1$s',
          r.instance, w.kind, w.id)
      when d.device_id is null and r.kind not in ('receipt', 'ignored')
        then format(
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
    select x.* from drip._read_webhook(t.platform, w.body::jsonb) x limit drip._most_facts() + 1
  ) r on true
  left join lateral drip._webhook_device(
    t.user_id, t.platform, td.id, ta.id, r.instance, r.instance_jid) d on true
$$;
comment on function drip._webhook_facts(jsonb) is
  'The facts of webhooks [{place, kind, id, received_at, body}], as _read_webhook gives them, with
   device_id, the device that receipts count for (speaker_id), a believable time (at), and the
   problem of those that name none of our devices, or one that their address may not report on.';
