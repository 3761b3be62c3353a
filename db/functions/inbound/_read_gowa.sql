-- GOWA v9: {"event", "session_id", "device_id", "payload"}. The session is the one that requests
-- name; device_id is the WhatsApp id of its phone. A chat is a phone (@s.whatsapp.net), an id
-- without a phone (@lid), a group (@g.us), a status or a channel.
create function drip._read_gowa(p_body jsonb)
returns table (
  kind text, state text, provider_message_id text, instance text, instance_jid text,
  contact text, contact_aliases text[], contact_name text, occurred_at timestamptz,
  message_type text, body text, payload text, media_id text, media_type text, context_id text,
  ref text, error_code text, error_message text)
language sql stable
as $$
  with given as (
    select
      p_body ->> 'event' as event,
      coalesce(nullif(p_body ->> 'session_id', ''), p_body ->> 'device_id') as instance,
      nullif(p_body ->> 'device_id', '') as own_jid,
      p.payload,
      coalesce(p.payload ->> 'chat_id', p.payload ->> 'from', '') as chat,
      coalesce(p.payload ->> 'from', '') as sender,
      p.payload ->> 'is_from_me' = 'true' as is_own,
      drip._webhook_time(coalesce(p.payload ->> 'timestamp', p_body ->> 'timestamp')) as at
    from (
      select case when jsonb_typeof(p_body -> 'payload') = 'object'
        then p_body -> 'payload' else '{}' end as payload
    ) p
  ),
  told as (
    select
      g.*,
      coalesce(g.is_own, false) as is_mine,
      g.chat ~ e'@(g\\.us|broadcast|newsletter)$' or g.chat = 'status@broadcast' as is_crowd,
      w.contact,
      w.aliases,
      m.type as message_type,
      m.media
    from given g
    -- an own message names its chat alone; the ids of our own phone are no contact's
    cross join lateral (
      select
        case
          when q.phone is distinct from drip._jid_phone(g.own_jid) then q.phone
        end as contact,
        array(
          select distinct drip._jid_lid(o.id)
          from unnest(
            case when coalesce(g.is_own, false)
              then array[g.payload ->> 'chat_lid', g.chat]
              else array[
                -- it may come without its suffix
                split_part(g.payload ->> 'from_lid', '@', 1) || '@lid',
                g.payload ->> 'chat_lid', g.sender, g.chat]
            end) as o (id)
          where drip._jid_lid(o.id) is not null
          order by 1) as aliases
      from (
        -- a chat with one person identifies that person as well
        select coalesce(
          case when not coalesce(g.is_own, false) then drip._jid_phone(g.sender) end,
          drip._jid_phone(g.chat)) as phone
      ) q
    ) w
    left join lateral (
      select k.type, g.payload -> k.type as media
      from unnest(array[
        'image', 'video', 'video_note', 'audio', 'document', 'sticker', 'live_location',
        'location', 'contacts_array', 'contact', 'list', 'order', 'poll']) with ordinality
        as k (type, place)
      where g.payload ? k.type and jsonb_typeof(g.payload -> k.type) <> 'null'
      order by k.place
      limit 1
    ) m on true
  )
  select
    case when t.is_mine then 'own_message' else 'message' end,
    null::text,
    t.payload ->> 'id',
    t.instance, t.own_jid, t.contact, t.aliases,
    t.payload ->> 'from_name',
    t.at,
    coalesce(t.message_type, 'text'),
    coalesce(t.payload ->> 'body', t.media ->> 'caption'),
    case when t.message_type in ('list', 'order', 'contacts_array', 'contact', 'location',
                                 'live_location', 'poll')
      then t.media::text end,
    case
      when t.message_type in ('image', 'video', 'video_note', 'audio', 'document', 'sticker')
        then case when jsonb_typeof(t.media) = 'string' then t.media #>> '{}'
          else coalesce(t.media ->> 'url', t.media ->> 'media_path', t.media ->> 'path') end
    end,
    t.media ->> 'mime_type',
    nullif(t.payload ->> 'replied_to_id', ''),
    null::text, null::text, null::text
  from told t
  where t.event = 'message' and not t.is_crowd and coalesce(t.payload ->> 'id', '') <> ''
  union all
  -- an edit may have the id of the message that it changes
  select
    q.kind, null,
    concat_ws(
      ':', q.kind, q.changed,
      coalesce(nullif(t.payload ->> 'id', q.changed), t.payload ->> 'timestamp',
               p_body ->> 'timestamp'),
      left(md5(coalesce(q.body, '')), 8)),
    t.instance, t.own_jid, t.contact, t.aliases, t.payload ->> 'from_name', t.at, q.kind, q.body,
    null, null, null, q.changed, null, null, null
  from told t
  cross join lateral (
    select
      e.name as kind, e.body, e.changed
    from (
      values
        ('message.edited', 'edit', t.payload ->> 'body',
         t.payload ->> 'original_message_id'),
        ('message.reaction', 'reaction', t.payload ->> 'reaction',
         t.payload ->> 'reacted_message_id'),
        ('message.revoked', 'revoke', null, t.payload ->> 'revoked_message_id')
    ) as e (event, name, body, changed)
    where e.event = t.event and coalesce(e.changed, '') <> ''
  ) q
  where not t.is_crowd and not t.is_mine
  union all
  select
    'receipt', t.payload ->> 'receipt_type', i.id, t.instance, t.own_jid, t.contact, t.aliases,
    null, t.at, null, null, null, null, null, null, null, null, null
  from told t
  cross join lateral jsonb_array_elements_text(drip._json_list(t.payload -> 'ids')) as i (id)
  where t.event = 'message.ack'
    and not t.is_crowd
    and t.payload ->> 'receipt_type' in ('delivered', 'read', 'played')
    and i.id <> ''
  union all
  select
    'ignored', q.why, null, t.instance, t.own_jid, null, null, null, t.at, null, null, null, null,
    null, null, null, null, null
  from told t
  cross join lateral (
    select case
      when t.event is null or t.event not in (
          'message', 'message.ack', 'message.edited', 'message.reaction', 'message.revoked')
        then left('event ' || coalesce(t.event, 'without a name'), 60)
      when t.is_crowd then 'group or status'
      when t.event = 'message' then
        case when coalesce(t.payload ->> 'id', '') = '' then 'message without an id' end
      when t.event = 'message.ack' then
        case when coalesce(t.payload ->> 'receipt_type', '') not in ('delivered', 'read', 'played')
          then 'receipt of another kind' end
      when t.is_mine then 'our own change'
      when coalesce(
          t.payload ->> 'original_message_id', t.payload ->> 'reacted_message_id',
          t.payload ->> 'revoked_message_id', '') = ''
        then 'change without a message'
    end as why
  ) q
  where q.why is not null
$$;
comment on function drip._read_gowa(jsonb) is 'The facts in a webhook of GOWA; see _read_webhook.';

create function drip._jid_lid(p_jid text) returns text
language sql immutable parallel safe
as $$
  select case
    when p_jid ~ e'^\\d{5,20}([:.]\\d+)?@lid$'
      then substring(p_jid from e'^\\d+')
  end
$$;
comment on function drip._jid_lid(text) is
  'The digits of a WhatsApp id that hides the phone (@lid), else null.';
