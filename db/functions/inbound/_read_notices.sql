-- What Meta says of templates, numbers and accounts, by the fields of its webhooks. Such a webhook
-- often names no number: it counts for the account of its WABA, else for that of its address. What
-- cannot be read is null; nothing in here raises an error.
create function drip._read_notices(p_webhooks jsonb)
returns table (
  user_id bigint, account_id bigint, device_id bigint, kind text, event text, subject text,
  name text, language text, reason text, rating text, limit_words text, ends_at timestamptz,
  stops boolean, at timestamptz, received_at timestamptz, digest text)
language sql stable
as $$
  with given as (
    select
      t.user_id, t.account_id as address_account, t.secret, td.id as address_device,
      w.received_at, e.value ->> 'id' as waba,
      c.value ->> 'field' as field,
      coalesce(c.value -> 'value', '{}') as value,
      drip._webhook_time(e.value ->> 'time') as told_at,
      md5(concat_ws(' ', w.kind, w.id, e.value ->> 'id', c.value,
        coalesce(e.value ->> 'time', w.received_at::date::text))) as digest
    from jsonb_to_recordset(p_webhooks) as w (
      kind text, id bigint, received_at timestamptz, body text)
    left join drip.user_devices td on w.kind = 'device' and td.id = w.id
    left join drip.sender_accounts ta on w.kind = 'account' and ta.id = w.id
    cross join lateral (
      select
        coalesce(td.user_id, ta.user_id) as user_id,
        coalesce(ta.id, td.account_id) as account_id,
        coalesce(ta.webhook_secret_name, drip._webhook_secret(td)) as secret
    ) t
    cross join lateral jsonb_array_elements(
      -- most webhooks hold receipts: they are not read twice
      case
        when coalesce(td.platform, ta.platform) = 'cloud_api'
          and w.body ~ '"(message_template_|phone_number_quality_|business_capab|account_[au])'
          then drip._json_list(w.body::jsonb -> 'entry')
        else '[]'
      end) e
    cross join lateral jsonb_array_elements(drip._json_list(e.value -> 'changes')) c
    where c.value ->> 'field' in (
      'message_template_status_update', 'message_template_quality_update',
      'phone_number_quality_update', 'business_capability_update', 'account_update',
      'account_alerts')
  )
  select
    g.user_id, a.id, d.id, k.kind,
    coalesce(left(upper(btrim(k.event)), 60), 'UNKNOWN'),
    case
      when k.kind in ('template_status', 'template_quality')
        then left(concat_ws(' ', k.name, k.language), 200)
      else left(coalesce(g.waba, ''), 60)
    end,
    left(k.name, 200), left(k.language, 30),
    drip.mask_phones_in(left(k.reason, 300)), left(upper(k.rating), 30),
    left(upper(k.limit_words), 30), k.ends_at, coalesce(k.stops, false),
    case
      when g.told_at between g.received_at - interval '14 days' and g.received_at then g.told_at
      else g.received_at
    end,
    g.received_at, g.digest
  from given g
  cross join lateral (
    select
      f.value ->> 'message_template_name' as template,
      f.value ->> 'message_template_language' as locale,
      -- a restriction of adding numbers hinders no message
      array(
        select x.value ->> 'expiration'
        from jsonb_array_elements(drip._json_list(f.value -> 'restriction_info')) x
        where x.value ->> 'restriction_type' is distinct from 'RESTRICTED_ADD_PHONE_NUMBER_ACTION'
      ) as expirations
    from (select g.value) f
  ) v
  cross join lateral (
    select
      'template_status' as kind, g.value ->> 'event' as event, v.template as name,
      v.locale as language, nullif(g.value ->> 'reason', 'NONE') as reason,
      null::text as rating, null::text as limit_words, null::timestamptz as ends_at,
      upper(g.value ->> 'event')
        in ('REJECTED', 'PAUSED', 'DISABLED', 'DELETED', 'PENDING_DELETION') as stops
    where g.field = 'message_template_status_update'
    union all
    select
      'template_quality', g.value ->> 'new_quality_score', v.template, v.locale,
      'before: ' || (g.value ->> 'previous_quality_score'), g.value ->> 'new_quality_score',
      null, null, false
    where g.field = 'message_template_quality_update'
    union all
    select
      'number_quality', g.value ->> 'event', null, null, null,
      case when upper(g.value ->> 'event') = 'FLAGGED' then 'RED' end,
      coalesce(g.value ->> 'max_daily_conversations_per_business', g.value ->> 'current_limit'),
      null, false
    where g.field = 'phone_number_quality_update'
    union all
    select
      'reach', 'LIMIT', null, null, null, null,
      coalesce(
        g.value ->> 'max_daily_conversations_per_business',
        g.value ->> 'max_daily_conversation_per_phone'),
      null, false
    where g.field = 'business_capability_update'
    union all
    select
      'account', g.value ->> 'event', null, null,
      concat_ws(
        ', ', g.value #>> '{ban_info,waba_ban_state}', g.value #>> '{ban_info,waba_ban_date}',
        g.value #>> '{violation_info,violation_type}',
        nullif((
          select string_agg(x.value ->> 'restriction_type', ', ')
          from jsonb_array_elements(drip._json_list(g.value -> 'restriction_info')) x), '')),
      null, null,
      -- without a known end it waits for a person
      (select case when bool_and(drip._webhook_time(i.text) is not null)
         then max(drip._webhook_time(i.text)) end
       from unnest(v.expirations) as i (text)),
      case upper(g.value ->> 'event')
        when 'DISABLED_UPDATE' then upper(coalesce(
          g.value #>> '{ban_info,waba_ban_state}', 'DISABLE')) = 'DISABLE'
        when 'ACCOUNT_RESTRICTION' then v.expirations <> '{}'
          or jsonb_array_length(drip._json_list(g.value -> 'restriction_info')) = 0
        else upper(g.value ->> 'event')
          in ('ACCOUNT_VIOLATION', 'ACCOUNT_DELETED', 'ACCOUNT_OFFBOARDED')
      end
    where g.field = 'account_update'
    union all
    select
      'alert', coalesce(g.value #>> '{alert_info,alert_type}', g.value ->> 'alert_type'), null,
      null,
      concat_ws(
        ': ', coalesce(g.value #>> '{alert_info,alert_severity}', g.value ->> 'alert_severity'),
        coalesce(
          g.value #>> '{alert_info,alert_description}', g.value ->> 'alert_description')),
      null, null, null, false
    where g.field = 'account_alerts'
  ) k
  -- of the accounts that the address may speak of, the one of the WABA
  left join lateral (
    select o.id
    from drip.sender_accounts o
    where o.user_id = g.user_id
      and o.platform = 'cloud_api'
      and (o.id = g.address_account or o.webhook_secret_name = g.secret)
      and (g.waba = any (o.waba_ids) or (o.id = g.address_account and o.waba_ids is null))
    order by (g.waba = any (o.waba_ids)) desc nulls last, o.id = g.address_account desc, o.id
    limit 1
  ) a on true
  left join lateral (
    select o.id
    from drip.user_devices o
    where o.user_id = g.user_id
      and o.platform = 'cloud_api'
      and (o.id = g.address_device or o.account_id = a.id
           or drip._is_one_sender(g.address_device, o.id))
      and (o.instance = g.value #>> '{metadata,phone_number_id}'
           or o.phone
             = '+' || regexp_replace(g.value ->> 'display_phone_number', '[^0-9]', '', 'g')
           or (o.id = g.address_device and k.kind <> 'number_quality'))
    order by o.id = g.address_device desc nulls last, o.id
    limit 1
  ) d on true
  where g.user_id is not null
  -- a webhook with more facts is a dead letter all the same
  limit drip._most_facts()
$$;
comment on function drip._read_notices(jsonb) is
  'Meta''s notices in webhooks [{kind, id, received_at, body}]. kind: template_status,
   template_quality, number_quality, account, reach, alert; stops: what it is about cannot send, or
   not until ends_at.';
