-- One form for the webhooks of all platforms: what cannot be read comes out as ignored, so that it
-- is counted and not lost. Source: the platforms' documentation of their webhooks.
create function drip._read_webhook(p_platform text, p_body jsonb)
returns table (
  kind text, state text, provider_message_id text, instance text, contact text,
  contact_alias text, contact_name text, occurred_at timestamptz, message_type text, body text,
  payload text, context_id text, ref text, error_code text, error_message text)
language sql stable
as $$
  select r.* from drip._read_gowa(p_body) r where p_platform = 'gowa'
  union all
  select r.* from drip._read_cloud_api(p_body) r where p_platform = 'cloud_api'
$$;
comment on function drip._read_webhook(text, jsonb) is
  'The facts in a webhook''s body. kind: receipt (state sent, delivered, read, played, failed),
   message, own_message, preference (state stop, resume), number_change (body: the new number),
   ignored (state: why).';

-- GOWA v9: {"event", "device_id", "payload"}; message and message.ack matter. A chat is a phone
-- (@s.whatsapp.net), an id without a phone (@lid), a group (@g.us), a status or a channel.
create function drip._read_gowa(p_body jsonb)
returns table (
  kind text, state text, provider_message_id text, instance text, contact text,
  contact_alias text, contact_name text, occurred_at timestamptz, message_type text, body text,
  payload text, context_id text, ref text, error_code text, error_message text)
language sql stable
as $$
  with given as (
    select
      p_body ->> 'event' as event,
      p_body ->> 'device_id' as instance,
      p.payload,
      coalesce(p.payload ->> 'chat_id', p.payload ->> 'from', '') as chat,
      coalesce((p.payload ->> 'is_from_me')::boolean, false) as is_own,
      drip._webhook_time(p.payload ->> 'timestamp') as at
    from (select coalesce(p_body -> 'payload', '{}') as payload) p
  ),
  told as (
    select
      g.*,
      -- the sender of a message; for an own message or a receipt, the chat
      case when g.event = 'message' and not g.is_own
        then coalesce(g.payload ->> 'from', g.chat) else g.chat end as party,
      g.chat ~ e'@(g\\.us|broadcast|newsletter)$' or g.chat = 'status@broadcast' as is_crowd
    from given g
  )
  select
    case when t.is_own then 'own_message' else 'message' end,
    null::text,
    t.payload ->> 'id',
    t.instance,
    -- a chat with one person identifies that person as well
    coalesce(drip._jid_phone(t.party), drip._jid_phone(t.chat)),
    coalesce(
      nullif(split_part(coalesce(t.payload ->> 'from_lid', ''), '@', 1), ''),
      case when t.party like '%@lid' then split_part(split_part(t.party, '@', 1), ':', 1) end),
    t.payload ->> 'from_name',
    t.at,
    coalesce(
      case
        when t.payload ? 'image' then 'image' when t.payload ? 'video' then 'video'
        when t.payload ? 'audio' then 'audio' when t.payload ? 'document' then 'document'
        when t.payload ? 'sticker' then 'sticker' when t.payload ? 'location' then 'location'
        when t.payload ? 'contact' then 'contact'
      end, 'text'),
    t.payload ->> 'body',
    null::text,
    t.payload ->> 'replied_to_id',
    null::text, null::text, null::text
  from told t
  where t.event = 'message' and not t.is_crowd and coalesce(t.payload ->> 'id', '') <> ''
  union all
  select
    'receipt', t.payload ->> 'receipt_type', i.id, t.instance, drip._jid_phone(t.party), null,
    null, t.at, null, null, null, null, null, null, null
  from told t
  cross join lateral jsonb_array_elements_text(
    case when jsonb_typeof(t.payload -> 'ids') = 'array' then t.payload -> 'ids' else '[]' end
  ) as i (id)
  where t.event = 'message.ack'
    and not t.is_crowd
    and t.payload ->> 'receipt_type' in ('delivered', 'read', 'played')
    and i.id <> ''
  union all
  select
    'ignored',
    case
      when t.event in ('message', 'message.ack') and t.is_crowd then 'group or status'
      when t.event = 'message' then 'message without an id'
      when t.event = 'message.ack' then 'receipt of another kind'
      else left('event ' || coalesce(t.event, 'without a name'), 60)
    end,
    null, t.instance, null, null, null, t.at, null, null, null, null, null, null, null
  from told t
  where t.event not in ('message', 'message.ack') or t.event is null or t.is_crowd
    or (t.event = 'message' and coalesce(t.payload ->> 'id', '') = '')
    or (t.event = 'message.ack'
        and coalesce(t.payload ->> 'receipt_type', '') not in ('delivered', 'read', 'played'))
$$;
comment on function drip._read_gowa(jsonb) is 'The facts in a webhook of GOWA; see _read_webhook.';

-- Meta's Cloud API: entry[].changes[] with field and value; one body may hold many of each.
create function drip._read_cloud_api(p_body jsonb)
returns table (
  kind text, state text, provider_message_id text, instance text, contact text,
  contact_alias text, contact_name text, occurred_at timestamptz, message_type text, body text,
  payload text, context_id text, ref text, error_code text, error_message text)
language sql stable
as $$
  with changes as (
    select
      c.value ->> 'field' as field,
      coalesce(c.value -> 'value', '{}') as value,
      c.value #>> '{value,metadata,phone_number_id}' as instance,
      q.people,
      q.unnamed
    from jsonb_array_elements(drip._json_list(p_body -> 'entry')) e
    cross join lateral jsonb_array_elements(drip._json_list(e.value -> 'changes')) c
    -- keyed by number: searching the list for each sender took minutes for a body of thousands
    cross join lateral (
      select
        jsonb_object_agg(p.value ->> 'wa_id', p.value) filter (
          where p.value ->> 'wa_id' is not null) as people,
        (array_agg(p.value order by p.place) filter (
          where p.value ->> 'user_id' is not null))[1] as unnamed
      from jsonb_array_elements(drip._json_list(c.value #> '{value,contacts}'))
        with ordinality as p (value, place)
    ) q
  )
  select
    'receipt'::text as kind,
    s.value ->> 'status' as state,
    s.value ->> 'id' as provider_message_id,
    k.instance,
    nullif(regexp_replace(coalesce(s.value ->> 'recipient_id', ''), e'\\D', '', 'g'), '')
      as contact,
    null::text as contact_alias,
    null::text as contact_name,
    drip._webhook_time(s.value ->> 'timestamp') as occurred_at,
    null::text as message_type,
    null::text as body,
    null::text as payload,
    null::text as context_id,
    s.value ->> 'biz_opaque_callback_data' as ref,
    drip._meta_code(s.value #>> '{errors,0,code}') as error_code,
    -- people without the right to see phones read this text
    drip.mask_phones_in(left(coalesce(
      s.value #>> '{errors,0,error_data,details}', s.value #>> '{errors,0,title}',
      s.value #>> '{errors,0,message}'), 500)) as error_message
  from changes k
  cross join lateral jsonb_array_elements(drip._json_list(k.value -> 'statuses')) s
  where k.field = 'messages'
    and s.value ->> 'status' in ('sent', 'delivered', 'read', 'played', 'failed')
    and coalesce(s.value ->> 'id', '') <> ''
  union all
  select
    case
      when m.value ->> 'type' = 'system'
        then case
          when m.value #>> '{system,type}' in ('user_changed_number', 'customer_changed_number')
            then 'number_change'
          else 'ignored'
        end
      else 'message'
    end,
    case when m.value ->> 'type' = 'system' then m.value #>> '{system,type}' end,
    m.value ->> 'id',
    k.instance,
    nullif(regexp_replace(coalesce(m.value ->> 'from', ''), e'\\D', '', 'g'), ''),
    coalesce(m.value ->> 'from_user_id', m.value ->> 'user_id', p.value ->> 'user_id'),
    p.value #>> '{profile,name}',
    drip._webhook_time(m.value ->> 'timestamp'),
    m.value ->> 'type',
    case m.value ->> 'type'
      when 'system' then m.value #>> '{system,wa_id}'
      else coalesce(
        m.value #>> '{text,body}', m.value #>> '{button,text}',
        m.value #>> '{interactive,button_reply,title}',
        m.value #>> '{interactive,list_reply,title}',
        m.value #>> array[m.value ->> 'type', 'caption'])
    end,
    coalesce(
      m.value #>> '{button,payload}', m.value #>> '{interactive,button_reply,id}',
      m.value #>> '{interactive,list_reply,id}'),
    m.value #>> '{context,id}',
    null, null, null
  from changes k
  cross join lateral jsonb_array_elements(drip._json_list(k.value -> 'messages')) m
  cross join lateral (
    select case when m.value ->> 'from' is null then k.unnamed
      else k.people -> (m.value ->> 'from') end as value
  ) p
  where k.field = 'messages' and coalesce(m.value ->> 'id', '') <> ''
  union all
  select
    'preference', u.value ->> 'value',
    concat_ws(':', 'preference', u.value ->> 'wa_id', u.value ->> 'user_id', u.value ->> 'value',
              u.value ->> 'timestamp'),
    k.instance,
    nullif(regexp_replace(coalesce(u.value ->> 'wa_id', ''), e'\\D', '', 'g'), ''),
    u.value ->> 'user_id', null, drip._webhook_time(u.value ->> 'timestamp'), null, null, null,
    null, null, null, null
  from changes k
  cross join lateral jsonb_array_elements(drip._json_list(k.value -> 'user_preferences')) u
  where k.field = 'user_preferences'
    and u.value ->> 'category' = 'marketing_messages'
    and u.value ->> 'value' in ('stop', 'resume')
  union all
  select
    'ignored', left('field ' || coalesce(k.field, 'without a name'), 60), null, k.instance, null,
    null, null, null, null, null, null, null, null, null, null
  from changes k
  where k.field is distinct from 'messages' and k.field is distinct from 'user_preferences'
$$;
comment on function drip._read_cloud_api(jsonb) is
  'The facts in a webhook of Meta''s Cloud API; see _read_webhook.';

create function drip._json_list(p_value jsonb) returns jsonb
language sql immutable parallel safe
as $$
  select case when jsonb_typeof(p_value) = 'array' then p_value else jsonb '[]' end
$$;
comment on function drip._json_list(jsonb) is 'The value where it is a list, else an empty one.';

-- Permission errors have a hundred codes with one meaning.
create function drip._meta_code(p_code text) returns text
language sql immutable parallel safe
as $$
  select case when p_code ~ e'^2\\d\\d$' then '200' else p_code end
$$;
comment on function drip._meta_code(text) is 'Meta''s error code in the form of error_codes.';

create function drip._jid_phone(p_jid text) returns text
language sql immutable parallel safe
as $$
  select case
    when p_jid ~ e'^\\d{7,15}([:.]\\d+)?(@s\\.whatsapp\\.net|@c\\.us)?$'
      then substring(p_jid from e'^\\d+')
  end
$$;
comment on function drip._jid_phone(text) is
  'The digits of a WhatsApp id that is a phone, without the linked device''s number, else null.';

-- Seconds since 1970, or a time with an offset. Callers cut off times in the future. No text may
-- raise an error here: a message counts, whatever its time.
create function drip._webhook_time(p_text text) returns timestamptz
language sql stable parallel safe
as $$
  select case
    when length(p_text) > 40 then null
    when p_text ~ e'^[0-9]{9,11}(\\.[0-9]+)?$' then to_timestamp(p_text::double precision)
    when p_text ~ '^[0-9]{12,14}$' then to_timestamp(p_text::double precision / 1000)
    when p_text ~ (
        '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]'
        || e'([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?'
        || '(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$')
      and substring(p_text from 9 for 2)::integer <= extract(day from (
        make_date(
          substring(p_text from 1 for 4)::integer, substring(p_text from 6 for 2)::integer, 1)
        + interval '1 month' - interval '1 day'))
      then p_text::timestamptz
  end
$$;
comment on function drip._webhook_time(text) is
  'The instant in a webhook''s text, null where it is not a valid one.';
