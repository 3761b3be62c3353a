-- The one rule on what counts, for all platforms: a reply is what a person says. Edits, reactions,
-- deleted messages, notices and automatic answers are kept as what they are; they end no journey
-- and open no window. A stop word counts in whatever form it comes, other than in a reaction.
create function drip._heard(p_facts jsonb)
returns table (
  user_id bigint, platform text, device_id bigint, received_at timestamptz,
  provider_message_id text, contact text, contact_aliases text[], contact_name text,
  at timestamptz, message_type text, body text, payload text, media_id text, media_type text,
  lead_id bigint, phone text, category text, reply_to_message_id bigint, is_reply boolean,
  is_auto boolean)
language sql stable
as $$
  select
    k.user_id, k.platform, k.device_id, k.received_at, k.provider_message_id, k.contact,
    k.contact_aliases, k.contact_name, k.at, k.message_type, k.body, k.payload, k.media_id,
    k.media_type, k.lead_id, k.phone, k.category, k.answered,
    k.kind = 'message' and not a.is_auto, a.is_auto
  from (
    select distinct on (f.user_id, f.device_id, f.provider_message_id)
      f.*,
      l.id as lead_id,
      coalesce(l.phone, '+' || f.contact) as phone,
      case when f.kind = 'preference' then f.state else f.said end as body,
      case
        when f.kind in ('message', 'edit', 'notice') then coalesce(
          drip._stop_category(f.user_id, array[l.language, u.language], f.said),
          drip._stop_category(f.user_id, array[l.language, u.language], f.payload))
        when f.kind = 'preference' and f.state = 'stop' then 'marketing'
      end as category,
      case
        when f.kind = 'message' or (f.kind = 'preference' and f.state = 'stop')
          then drip._answered_message(f.user_id, l.id, f.context_id, f.at)
        -- an edit answers what the edited message answered
        when f.kind = 'edit' then (
          select i.reply_to_message_id
          from drip.inbound_messages i
          where i.user_id = f.user_id and i.device_id = f.device_id
            and i.provider_message_id = f.context_id)
      end as answered,
      u.auto_reply_seconds,
      u.auto_reply_repeats,
      u.auto_reply_length
    from (
      select
        g.user_id, g.platform, g.device_id, g.received_at, g.kind, g.state, g.provider_message_id,
        g.contact, g.contact_aliases, g.contact_name, g.at, g.body as said, g.payload, g.media_id,
        g.media_type, g.context_id,
        case when g.kind = 'message' then coalesce(g.message_type, 'text')
          when g.kind = 'notice' then coalesce(g.state, g.kind) else g.kind end as message_type
      from jsonb_to_recordset(p_facts) as g (
        user_id bigint, platform text, device_id bigint, received_at timestamptz, kind text,
        state text, provider_message_id text, contact text, contact_aliases text[],
        contact_name text, at timestamptz, message_type text, body text, payload text,
        media_id text, media_type text, context_id text, problem text)
      where g.problem is null
        and g.kind in ('message', 'edit', 'reaction', 'revoke', 'notice', 'preference',
                       'number_change', 'id_change')
    ) f
    join drip.users u on u.id = f.user_id
    -- what is quoted is ours; what is edited or deleted is the contact's own
    left join lateral drip._find_contact(
      f.user_id, f.platform, f.contact, f.contact_aliases,
      case when f.kind in ('message', 'reaction') then f.context_id end) l on true
    order by f.user_id, f.device_id, f.provider_message_id, f.at
  ) k
  cross join lateral (
    select k.kind = 'message' and k.message_type = 'text' and k.category is null
      and k.payload is null and k.context_id is null
      and drip._is_auto_reply(
        k.lead_id, k.device_id, k.body, k.at, k.answered, k.auto_reply_seconds,
        k.auto_reply_repeats, k.auto_reply_length) as is_auto
  ) a
$$;
comment on function drip._heard(jsonb) is
  'What contacts and their providers say among facts of webhooks: the lead, the category of an
   opt-out, the message it answers, and whether it counts as a reply.';

-- Away messages and greetings of WhatsApp Business come within seconds and repeat word for word.
-- People type little within ten seconds of what they have first to read, and repeat short answers.
create function drip._is_auto_reply(
  p_lead_id bigint, p_device_id bigint, p_body text, p_at timestamptz, p_answered bigint,
  p_seconds integer, p_repeats boolean, p_length integer)
returns boolean
language sql stable
as $$
  select p_lead_id is not null and length(btrim(p_body)) >= p_length and (
    (p_seconds is not null and exists (
      select
      from drip.broadcast_messages m
      where m.lead_id = p_lead_id
        and m.device_id = p_device_id
        and m.status in ('processing', 'sent')
        -- providers' clocks count whole seconds
        and (
          select coalesce(m.sent_at, a.claimed_at)
          from drip.message_attempts a
          where a.message_id = m.id and a.attempt = m.attempts
        ) between p_at - p_seconds * interval '1 second' and p_at + interval '2 seconds'))
    or (p_repeats and exists (
      select
      from drip.inbound_messages i
      where i.lead_id = p_lead_id
        and i.body = p_body
        and i.reply_to_message_id <> p_answered
        and i.sent_at between p_at - interval '90 days' and p_at)))
$$;
comment on function drip._is_auto_reply(
  bigint, bigint, text, timestamptz, bigint, integer, boolean, integer) is
  'True when a text of at least p_length characters came within p_seconds of a message of ours to
   the lead, or, with p_repeats, answered another message of ours before.';
