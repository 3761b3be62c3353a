-- Meta's Cloud API: entry[].changes[] with field and value; one body may hold many of each. Since
-- 2026 a contact has an id of its own (user_id) beside its number, or in place of it.
create function drip._read_cloud_api(p_body jsonb)
returns table (
  kind text, state text, provider_message_id text, instance text, instance_jid text,
  contact text, contact_aliases text[], contact_name text, occurred_at timestamptz,
  message_type text, body text, payload text, media_id text, media_type text, context_id text,
  ref text, error_code text, error_message text)
language sql stable
as $$
  with changes as (
    select
      c.value ->> 'field' as field,
      coalesce(c.value -> 'value', '{}') as value,
      c.value #>> '{value,metadata,phone_number_id}' as instance,
      q.people,
      q.users
    from jsonb_array_elements(drip._json_list(p_body -> 'entry')) e
    cross join lateral jsonb_array_elements(drip._json_list(e.value -> 'changes')) c
    -- keyed by number and by id: searching the list for each sender took minutes for thousands
    cross join lateral (
      select
        jsonb_object_agg(p.value ->> 'wa_id', p.value) filter (
          where p.value ->> 'wa_id' is not null) as people,
        jsonb_object_agg(p.value ->> 'user_id', p.value) filter (
          where p.value ->> 'user_id' is not null) as users
      from jsonb_array_elements(drip._json_list(c.value #> '{value,contacts}')) p
      where jsonb_typeof(p.value) = 'object'
    ) q
  ),
  messages as (
    select
      k.instance,
      m.value as message,
      m.value ->> 'type' as type,
      coalesce(m.value -> (m.value ->> 'type'), '{}') as part,
      i.contact,
      i.aliases,
      i.name
    from changes k
    cross join lateral jsonb_array_elements(drip._json_list(k.value -> 'messages')) m
    cross join lateral drip._meta_contact(
      m.value ->> 'from',
      array[
        m.value ->> 'from_user_id', m.value ->> 'user_id', m.value ->> 'from_parent_user_id',
        m.value ->> 'parent_user_id'],
      k.people, k.users) i
    where k.field = 'messages' and coalesce(m.value ->> 'id', '') <> ''
  )
  select
    'receipt'::text as kind,
    s.value ->> 'status' as state,
    s.value ->> 'id' as provider_message_id,
    k.instance,
    null::text as instance_jid,
    i.contact,
    i.aliases as contact_aliases,
    null::text as contact_name,
    drip._webhook_time(s.value ->> 'timestamp') as occurred_at,
    null::text as message_type,
    null::text as body,
    null::text as payload,
    null::text as media_id,
    null::text as media_type,
    null::text as context_id,
    s.value ->> 'biz_opaque_callback_data' as ref,
    drip._meta_code(s.value #>> '{errors,0,code}') as error_code,
    -- people without the right to see phones read this text
    drip.mask_phones_in(left(coalesce(
      s.value #>> '{errors,0,error_data,details}', s.value #>> '{errors,0,title}',
      s.value #>> '{errors,0,message}'), 500)) as error_message
  from changes k
  cross join lateral jsonb_array_elements(drip._json_list(k.value -> 'statuses')) s
  cross join lateral drip._meta_contact(
    s.value ->> 'recipient_id',
    array[
      s.value ->> 'recipient_user_id', s.value ->> 'recipient_parent_user_id',
      s.value ->> 'parent_user_id'],
    k.people, k.users) i
  where k.field = 'messages'
    and s.value ->> 'status' in ('sent', 'delivered', 'read', 'played', 'failed')
    and coalesce(s.value ->> 'id', '') <> ''
  union all
  select
    case
      when m.message ->> 'group_id' is not null then 'ignored'
      when m.type in ('edit', 'reaction', 'revoke') then m.type
      when m.type = 'interactive' and m.part ->> 'type' = 'call_permission_reply' then 'notice'
      -- what a person says; other types, also of times to come, say nothing
      when m.type in ('text', 'button', 'interactive', 'image', 'video', 'audio', 'voice',
                      'document', 'sticker', 'location', 'contacts', 'order') then 'message'
      else 'notice'
    end,
    case when m.message ->> 'group_id' is not null then 'group or status' else m.type end,
    m.message ->> 'id',
    m.instance,
    null,
    m.contact,
    m.aliases,
    m.name,
    drip._webhook_time(m.message ->> 'timestamp'),
    m.type,
    coalesce(
      m.message #>> '{text,body}', m.message #>> '{button,text}',
      m.message #>> '{interactive,button_reply,title}',
      m.message #>> '{interactive,list_reply,title}',
      m.message #>> '{interactive,nfm_reply,body}',
      m.message #>> '{edit,message,text,body}',
      m.part #>> array['message', m.part #>> '{message,type}', 'caption'],
      m.message #>> '{reaction,emoji}',
      m.message #>> '{order,text}',
      m.part ->> 'caption'),
    coalesce(
      m.message #>> '{button,payload}', m.message #>> '{interactive,button_reply,id}',
      m.message #>> '{interactive,list_reply,id}',
      m.message #>> '{interactive,nfm_reply,response_json}',
      case when m.type in ('location', 'contacts', 'order', 'unsupported')
        then (m.message -> m.type)::text end),
    case when m.type in ('image', 'video', 'audio', 'voice', 'document', 'sticker')
      then m.part ->> 'id' end,
    case when m.type in ('image', 'video', 'audio', 'voice', 'document', 'sticker')
      then m.part ->> 'mime_type' end,
    coalesce(
      m.message #>> '{context,id}', m.message #>> '{edit,original_message_id}',
      m.message #>> '{reaction,message_id}', m.message #>> '{revoke,original_message_id}'),
    null, null, null
  from messages m
  where m.type is distinct from 'system'
  union all
  -- a new number comes with a new id; of some contacts the id alone is told
  select
    q.kind, coalesce(m.part ->> 'type', 'system'), concat_ws(':', q.part, m.message ->> 'id'),
    m.instance, null, m.contact, q.aliases, m.name,
    drip._webhook_time(m.message ->> 'timestamp'), 'system', q.body, null, null, null, null, null,
    null, null
  from messages m
  cross join lateral (
    select array(
      select distinct o.id
      from unnest(
        m.aliases || array[
          m.part ->> 'previous_user_id', m.part ->> 'previous_parent_user_id']) as o (id)
      where o.id is not null and o.id not in (
        coalesce(m.part ->> 'user_id', ''), coalesce(m.part ->> 'parent_user_id', ''))
      order by 1) as aliases
  ) a
  cross join lateral (
    select 'number_change' as kind, null as part, a.aliases, m.part ->> 'wa_id' as body
    where m.part ->> 'type' in ('user_changed_number', 'customer_changed_number')
    union all
    select 'id_change', o.part, a.aliases, o.id
    from (
      values ('user_id', m.part ->> 'user_id'), ('parent', m.part ->> 'parent_user_id')
    ) as o (part, id)
    where m.part ->> 'type' in (
        'user_changed_number', 'customer_changed_number', 'user_changed_user_id')
      and o.id <> ''
    union all
    select 'notice', null, m.aliases, m.part ->> 'body'
    where coalesce(m.part ->> 'type', '') not in (
      'user_changed_number', 'customer_changed_number', 'user_changed_user_id')
  ) q
  where m.type = 'system'
  union all
  -- partners pass changed ids on under a field of their own
  select
    'id_change', k.field, concat_ws(':', k.field, u.previous, u.current), k.instance, null,
    u.contact, u.aliases, u.name, u.at, 'system', u.current, null, null, null, null, null, null,
    null
  from changes k
  cross join lateral drip._meta_id_updates(k.value, k.people, k.users) u
  where k.field = 'user_id_update'
  union all
  select
    'preference',
    -- who signs up again wants marketing again
    case u.value ->> 'value' when 'signup' then 'resume' else u.value ->> 'value' end,
    concat_ws(':', 'preference', u.value ->> 'wa_id', u.value ->> 'user_id', u.value ->> 'value',
              u.value ->> 'timestamp'),
    k.instance, null, i.contact, i.aliases, i.name,
    drip._webhook_time(u.value ->> 'timestamp'), null, null, null, null, null, null, null, null,
    null
  from changes k
  cross join lateral jsonb_array_elements(drip._json_list(k.value -> 'user_preferences')) u
  cross join lateral drip._meta_contact(
    u.value ->> 'wa_id', array[u.value ->> 'user_id', u.value ->> 'parent_user_id'],
    k.people, k.users) i
  where k.field = 'user_preferences'
    and u.value ->> 'category' = 'marketing_messages'
    and u.value ->> 'value' in ('stop', 'resume', 'signup')
  union all
  select
    'ignored', left('field ' || coalesce(k.field, 'without a name'), 60), null, k.instance, null,
    null, null, null, null, null, null, null, null, null, null, null, null, null
  from changes k
  where coalesce(k.field, '') not in ('messages', 'user_preferences', 'user_id_update')
$$;
comment on function drip._read_cloud_api(jsonb) is
  'The facts in a webhook of Meta''s Cloud API; see _read_webhook.';

create function drip._meta_id_updates(p_value jsonb, p_people jsonb, p_users jsonb)
returns table (
  previous text, current text, contact text, aliases text[], name text, at timestamptz)
language sql stable
as $$
  select d.previous, d.current, i.contact, i.aliases, i.name,
    drip._webhook_time(u.value ->> 'timestamp')
  from jsonb_array_elements(drip._json_list(p_value -> 'user_id_update')) u
  cross join lateral (
    select u.value -> c.name ->> 'previous' as previous, u.value -> c.name ->> 'current' as current
    from (values ('user_id'), ('parent_user_id')) as c (name)
  ) d
  cross join lateral drip._meta_contact(
    coalesce(
      u.value ->> 'wa_id',
      case when jsonb_array_length(drip._json_list(p_value -> 'contacts')) = 1
        then p_value #>> '{contacts,0,wa_id}' end),
    array[d.previous], p_people, p_users) i
  where d.current <> ''
$$;
comment on function drip._meta_id_updates(jsonb, jsonb, jsonb) is
  'The changed ids in a change of Meta''s, each with the contact as far as it is told.';

create function drip._meta_contact(
  p_number text, p_ids text[], p_people jsonb, p_users jsonb,
  out contact text, out aliases text[], out name text)
language sql immutable parallel safe
as $$
  select
    coalesce(drip._wa_phone(p_number), drip._wa_phone(u.person ->> 'wa_id')),
    array(
      select distinct o.id
      from unnest(
        p_ids || array[
          q.person ->> 'user_id', u.person ->> 'parent_user_id', q.person ->> 'parent_user_id',
          -- in place of a number there may be an id
          case when drip._wa_phone(p_number) is null then p_number end]) as o (id)
      where o.id <> ''
      order by 1),
    coalesce(q.person #>> '{profile,name}', u.person #>> '{profile,name}')
  from (select p_people -> p_number as person) q
  cross join (
    select (
      select p_users -> o.id
      from unnest(p_ids) as o (id)
      where p_users ? o.id
      limit 1) as person
  ) u
$$;
comment on function drip._meta_contact(text, text[], jsonb, jsonb) is
  'Who is meant by a number or ids: digits of the phone, where it is known, all ids, and the name in
   the profile; p_people and p_users are the webhook''s contacts by number and by id.';

-- Permission errors have a hundred codes with one meaning.
create function drip._meta_code(p_code text) returns text
language sql immutable parallel safe
as $$
  select case when p_code ~ e'^2\\d\\d$' then '200' else p_code end
$$;
comment on function drip._meta_code(text) is 'Meta''s error code in the form of error_codes.';
