-- What a provider announces takes effect before a send fails for it: programs of a paused template
-- and a disabled account stop. Nothing starts by itself again. A notice counts once, and an older
-- one than the newest of its subject is kept without effect.
create function drip._process_notices(p_webhooks jsonb) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_facts jsonb;
  v_programs jsonb;
begin
  select jsonb_agg(to_jsonb(q) order by q.at, q.digest)
  into v_facts
  from (
    select distinct on (n.user_id, n.digest) n.*
    from drip._read_notices(p_webhooks) n
    where not exists (
      select from drip.notices o where o.user_id = n.user_id and o.digest = n.digest)
    order by n.user_id, n.digest
  ) q;
  if v_facts is null then
    return 0;
  end if;
  with added as (
    insert into drip.notices as o (
      user_id, account_id, device_id, kind, event, subject, words, occurred_at, received_at, digest)
    select
      n.user_id, n.account_id, n.device_id, n.kind, n.event, n.subject,
      drip._notice_words(n.kind, n.event, n.name, n.language, n.reason, n.limit_words), n.at,
      n.received_at, n.digest
    from jsonb_to_recordset(v_facts) as n (
      user_id bigint, account_id bigint, device_id bigint, kind text, event text, subject text,
      name text, language text, reason text, limit_words text, at timestamptz,
      received_at timestamptz, digest text)
    order by n.at, n.digest
    on conflict (user_id, digest) do nothing
    returning o.id, o.user_id, o.kind, o.subject, o.account_id, o.occurred_at, o.words, o.digest
  )
  select jsonb_agg(
    f.value || jsonb_build_object('notice_id', a.id, 'words', a.words) order by a.id)
  into v_facts
  from added a
  join jsonb_array_elements(v_facts) f
    on f.value ->> 'digest' = a.digest and (f.value ->> 'user_id')::bigint = a.user_id
  -- one that another has overtaken says what no longer holds
  where not exists (
    select
    from drip.notices o
    where o.user_id = a.user_id and o.kind = a.kind and o.subject = a.subject
      and o.account_id is not distinct from a.account_id
      and (o.occurred_at, o.id) > (a.occurred_at, a.id))
    and not exists (
      select
      from added o
      where o.user_id = a.user_id and o.kind = a.kind and o.subject = a.subject
        and o.account_id is not distinct from a.account_id
        and (o.occurred_at, o.id) > (a.occurred_at, a.id));
  if v_facts is null then
    return 0;
  end if;
  perform drip._stop_noticed_accounts(v_facts);
  v_programs := drip._stop_noticed_programs(v_facts);
  perform drip._note_limits(v_facts);
  perform drip._emit_notices(v_facts, v_programs);
  return jsonb_array_length(v_facts);
end
$$;
comment on function drip._process_notices(jsonb) is
  'Applies what providers say of templates, numbers and accounts in webhooks [{kind, id,
   received_at, body}]; returns how many notices had an effect.';

create function drip._notice_words(
  p_kind text, p_event text, p_name text, p_language text, p_reason text, p_limit text)
returns text
language sql immutable parallel safe
as $$
  select left(
    case p_kind
      when 'template_status' then drip._template_words(p_name, p_language) || p_event
      when 'template_quality' then drip._template_words(p_name, p_language) || 'rated ' || p_event
      when 'number_quality' then 'Meta: the number is ' || p_event
      when 'reach' then 'Meta: people reached in 24 hours, at most'
      else 'Meta: ' || p_event
    end
    || coalesce(': ' || nullif(p_reason, ''), '') || coalesce(': ' || p_limit, ''), 500)
$$;
comment on function drip._notice_words(text, text, text, text, text, text) is
  'A notice in words.';

-- A stopped program has them as the beginning of its reason: so it is found again.
create function drip._template_words(p_name text, p_language text) returns text
language sql immutable parallel safe
as $$
  select format('Meta: the template %s (%s) is ', p_name, coalesce(p_language, 'any language'))
$$;
comment on function drip._template_words(text, text) is
  'The beginning of what is said of a template.';

-- An account without a known end of its restriction waits for a person.
create function drip._stop_noticed_accounts(p_facts jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_stops jsonb;
begin
  select jsonb_agg(to_jsonb(q))
  into v_stops
  from (
    -- a device without an account is stopped itself, and has no end of a block
    select distinct on (n.account_id, n.device_id)
      n.device_id, n.account_id, 'account' as scope, n.words as meaning, false as auto_resume,
      false as check_ends_stop,
      case when n.ends_at is null or n.account_id is null then 'stop' else 'retry' end as action,
      greatest(coalesce(n.ends_at, v_now) - v_now, interval '0') as device_wait
    from jsonb_to_recordset(p_facts) as n (
      account_id bigint, device_id bigint, kind text, stops boolean, ends_at timestamptz,
      words text, at timestamptz)
    where n.kind = 'account'
      and n.stops
      and num_nonnulls(n.account_id, n.device_id) > 0
      and coalesce(n.ends_at > v_now, true)
    order by n.account_id, n.device_id, n.ends_at desc nulls first
  ) q;
  if v_stops is null then
    return;
  end if;
  -- _stop_devices skips what others have locked; nobody would say it again
  perform
  from drip.user_devices d
  where d.id in (
      select (e.value ->> 'device_id')::bigint
      from jsonb_array_elements(v_stops) e
      where e.value ->> 'account_id' is null)
  order by d.id
  for no key update;
  perform
  from drip.sender_accounts a
  where a.id in (select (e.value ->> 'account_id')::bigint from jsonb_array_elements(v_stops) e)
  order by a.id
  for no key update;
  perform drip._stop_devices(v_stops);
end
$$;
comment on function drip._stop_noticed_accounts(jsonb) is
  'Stops the accounts that the provider has disabled, and blocks restricted ones until the end.';

create function drip._stop_noticed_programs(p_facts jsonb) returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_programs jsonb;
  v_told jsonb;
begin
  select jsonb_agg(to_jsonb(q))
  into v_programs
  from (
    select
      n.notice_id, n.stops, n.words as meaning, c.id as campaign_id, null::bigint as sequence_id
    from jsonb_to_recordset(p_facts) as n (
      notice_id bigint, user_id bigint, account_id bigint, kind text, event text, name text,
      language text, stops boolean, words text)
    join drip.campaigns c on c.user_id = n.user_id and c.message_type = 'template'
    where n.kind = 'template_status'
      and ((n.stops and c.status in ('pending', 'triggered'))
           or (n.event in ('APPROVED', 'REINSTATED') and c.status = 'paused'
               and starts_with(c.status_reason, drip._template_words(n.name, n.language))))
      and exists (
        select
        from drip._campaign_texts(c) t
        where drip._is_template(t.template, n.name, n.language))
      and drip._may_use_account(c.devices, n.account_id)
    union all
    select n.notice_id, n.stops, n.words, null, s.id
    from jsonb_to_recordset(p_facts) as n (
      notice_id bigint, user_id bigint, account_id bigint, kind text, event text, name text,
      language text, stops boolean, words text)
    join drip.sequences s on s.user_id = n.user_id
    where n.kind = 'template_status'
      and ((n.stops and s.status = 'active')
           or (n.event in ('APPROVED', 'REINSTATED') and s.status = 'paused'
               and starts_with(s.status_reason, drip._template_words(n.name, n.language))))
      and exists (
        select
        from drip.sequence_steps t
        where t.sequence_id = s.id and t.retired_at is null and t.message_type = 'template'
          and drip._is_template(t.template, n.name, n.language))
      and drip._may_use_account(
        case when s.device_id is not null then array[s.device_id] end, n.account_id)
  ) q;
  if v_programs is null then
    return null;
  end if;
  -- _stop_programs skips what others have locked; nobody would say it again
  perform
  from drip.campaigns c
  where c.id in (select (e.value ->> 'campaign_id')::bigint from jsonb_array_elements(v_programs) e)
  order by c.id
  for no key update;
  perform
  from drip.sequences s
  where s.id in (select (e.value ->> 'sequence_id')::bigint from jsonb_array_elements(v_programs) e)
  order by s.id
  for no key update;
  select jsonb_agg(e.value)
  into v_told
  from jsonb_array_elements(v_programs) e
  where (e.value ->> 'stops')::boolean;
  if v_told is not null then
    perform drip._stop_programs(v_told);
  end if;
  -- people decide when a program goes on; they see that it could
  update drip.campaigns c
  set status_reason = p.meaning || ' again; it was not resumed'
  from jsonb_to_recordset(v_programs) as p (campaign_id bigint, meaning text, stops boolean)
  where c.id = p.campaign_id and not p.stops and c.status = 'paused';
  update drip.sequences s
  set status_reason = p.meaning || ' again; it was not resumed'
  from jsonb_to_recordset(v_programs) as p (sequence_id bigint, meaning text, stops boolean)
  where s.id = p.sequence_id and not p.stops and s.status = 'paused';
  update drip.notices o
  set paused_sequences = p.sequences, paused_campaigns = p.campaigns
  from (
    select
      q.notice_id,
      coalesce(array_agg(q.sequence_id order by q.sequence_id)
               filter (where q.sequence_id is not null), '{}') as sequences,
      coalesce(array_agg(q.campaign_id order by q.campaign_id)
               filter (where q.campaign_id is not null), '{}') as campaigns
    from jsonb_to_recordset(v_programs) as q (
      notice_id bigint, sequence_id bigint, campaign_id bigint)
    group by q.notice_id
  ) p
  where o.id = p.notice_id;
  return v_programs;
end
$$;
comment on function drip._stop_noticed_programs(jsonb) is
  'Pauses the sequences and campaigns that use a template which cannot be sent, and notes at paused
   ones that it can be again; returns them.';

create function drip._is_template(p_template jsonb, p_name text, p_language text) returns boolean
language sql immutable parallel safe
as $$
  select btrim(p_template ->> 'name') = p_name
    and (p_language is null
         or lower(replace(p_language, '-', '_')) = lower(replace(btrim(coalesce(
           p_template #>> '{language,code}', p_template ->> 'language')), '-', '_')))
$$;
comment on function drip._is_template(jsonb, text, text) is
  'True when a message''s template is the one of this name and language.';

-- Another account may have a template of the same name.
create function drip._may_use_account(p_devices bigint[], p_account_id bigint) returns boolean
language sql stable
as $$
  select p_devices is null or p_account_id is null or exists (
    select
    from drip.user_devices d
    where d.id = any (p_devices) and d.account_id = p_account_id)
$$;
comment on function drip._may_use_account(bigint[], bigint) is
  'False when a program names its devices, and none belongs to the account.';

-- A new limit is proposed: a cap that rose by itself would surprise as much as one that fell.
create function drip._note_limits(p_facts jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  update drip.sender_accounts a
  set messaging_limit = n.limit_words, proposed_reach_cap = drip._tier_cap(n.limit_words),
    proposed_at = n.at
  from (
    select distinct on (q.account_id) q.account_id, q.limit_words, q.at
    from jsonb_to_recordset(p_facts) as q (
      account_id bigint, kind text, limit_words text, at timestamptz)
    where q.kind in ('reach', 'number_quality') and q.limit_words is not null
      and q.account_id is not null
    order by q.account_id, q.at desc, q.limit_words
  ) n
  where a.id = n.account_id
    and (a.messaging_limit is distinct from n.limit_words
         or a.proposed_reach_cap is distinct from drip._tier_cap(n.limit_words));
  perform drip._note_quality(n.device_id, n.rating, n.limit_words)
  from jsonb_to_recordset(p_facts) as n (
    device_id bigint, kind text, rating text, limit_words text, at timestamptz)
  where n.kind = 'number_quality' and n.device_id is not null
  order by n.device_id, n.at;
end
$$;
comment on function drip._note_limits(jsonb) is
  'Stores limits and ratings that a provider told: a cap is proposed, never applied.';

create function drip._tier_cap(p_words text) returns integer
language sql immutable parallel safe
as $$
  select case
    when p_words ~ '^TIER_[1-9][0-9]{0,5}K$' then substring(p_words from '[0-9]+')::integer * 1000
    when p_words ~ '^(TIER_)?[1-9][0-9]{0,8}$' then substring(p_words from '[0-9]+')::integer
  end
$$;
comment on function drip._tier_cap(text) is
  'The number of people in Meta''s word for a limit, such as TIER_2K; null = none.';
