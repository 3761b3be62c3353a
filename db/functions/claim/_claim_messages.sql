-- The inner form: with a tenant it serves that one alone.
-- The planner settings keep the plans nested loops over indexes, whatever statistics say: the sets
-- are small, the tables large, and a plan cached while a table was empty must not scan it later.
create function drip._claim_messages(
  p_worker text, p_limit integer, p_user_id bigint, p_guards boolean default true)
returns table (
  message_id bigint, attempt integer, user_id bigint, device_id bigint, platform text,
  endpoint text, instance text, secret_name text, recipient_phone text, message_type text,
  content text, media_url text, caption text, template jsonb, lease_expires_at timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_material = off
set jit = off
as $$
#variable_conflict use_column
declare
  c_lease constant interval := interval '90 seconds';
  c_park constant interval := interval '15 seconds';
  c_relook constant interval := interval '1 minute';
  c_device_reasons constant text[] := array[
    'device_disabled', 'device_attention', 'device_offline', 'breaker_open',
    'device_closed_hours', 'ramp', 'device_cap', 'device_pacing', 'account_blocked',
    'user_inactive'];
  c_stopped constant text[] := array['campaign_paused', 'campaign_cancelled'];
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
  v_open bigint[];
  v_after timestamptz[];
  v_depth integer;
  v_heads bigint[];
  v_ids bigint[] := '{}';
  v_delays numeric[] := '{}';
  v_leads bigint[] := '{}';
  v_pass_ids bigint[];
  v_pass_leads bigint[];
  v_pass_delays numeric[];
  v_blocked bigint[];
  v_busy bigint[];
  v_until timestamptz[];
  v_contact_rules boolean;
  v_account_caps boolean;
  v_accounts bigint[] := '{}';
  v_guards boolean;
  v_steps bigint[];
  v_campaigns bigint[];
  v_shut bigint[];
  v_guarded bigint[];
  v_asked bigint[];
  v_verdicts text[];
  v_reasons text[];
  v_untils timestamptz[];
  v_exits bigint[];
begin
  select array_agg(q.device_id)
  into v_devices
  from (
    select p.device_id
    from drip.device_pacing p
    where p.next_look_at <= v_now
      and p.next_send_at <= v_now
      and (p_user_id is null or p.user_id = p_user_id)
    order by p.next_look_at
    limit p_limit
    for update skip locked
  ) q;
  if v_devices is null then
    return;
  end if;

  select exists (
    select from drip.users u where u.contact_gap is not null or u.contact_cap is not null
  ) into v_contact_rules;
  select exists (
    select from drip.sender_accounts a where a.reach_cap is not null
  ) into v_account_caps;
  v_guards := p_guards and exists (select from drip.guards g);

  v_open := v_devices;
  -- a second look costs about 70 µs a waiting head: eight of a class keep a claim below twice its
  -- usual cost, and a class full of them hides no other; what is behind the thousands of a campaign
  -- that was stopped a moment ago is found by jumping over their common time
  foreach v_depth in array array[1, 24, 25] loop
    select array_agg(h.id order by h.id), array_agg(h.sequence_stepid),
      array_agg(distinct h.campaign_id)
    into v_heads, v_steps, v_campaigns
    from unnest(v_open, v_after) as t (device_id, after)
    join drip.user_devices d on d.id = t.device_id
    cross join lateral (
      select count(*)::integer as messages
      from drip.broadcast_messages b
      where b.device_id = t.device_id and b.status = 'processing'
    ) busy
    cross join lateral (
      select c.id, c.sequence_stepid, c.campaign_id
      from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
      cross join lateral (
        select m.id, m.sequence_stepid, m.campaign_id
        from drip.broadcast_messages m
        where m.device_id = t.device_id
          and m.status = 'pending'
          and m.priority = class.priority
          and m.due_at <= v_now
          and m.due_at > coalesce(t.after, '-infinity')
        order by m.due_at, m.id
        limit case when v_depth = 1 then 50 else 8 end
        for update skip locked
      ) c
      limit case
        when busy.messages >= d.burst then 0
        when v_depth = 1 and d.max_delay_seconds = 0 and d.daily_cap is null and d.ramp is null
          then d.burst - busy.messages
        else v_depth
      end
    ) h;
    exit when v_heads is null;

    -- whoever pauses or cancels a campaign waits for this transaction, or is waited for by a later
    -- one: its row may be ahead of its messages
    v_shut := array(
      select k.id
      from unnest(v_campaigns) as k (id)
      where k.id is not null and drip._try_lock_any('campaign', k.id) is null);
    if cardinality(v_shut) > 0 then
      v_heads := array(
        select m.id
        from drip.broadcast_messages m
        where m.id = any (v_heads) and (m.campaign_id = any (v_shut)) is not true
        order by m.id);
      exit when v_heads = '{}';
    end if;

    -- two devices must not judge the same contact's gap at once: the loser looks again later
    if v_contact_rules then
      v_heads := drip._lock_contacts(v_heads);
      exit when v_heads is null;
    end if;

    -- one contact of a capped account at a look, or its devices pass the cap together
    if v_account_caps then
      select array_agg(q.id order by q.id)
      into v_heads
      from (
        select distinct on (coalesce(a.id, -m.id)) m.id, a.id as account_id
        from drip.broadcast_messages m
        join drip.user_devices d on d.id = m.device_id
        left join drip.sender_accounts a on a.id = d.account_id and a.reach_cap is not null
        where m.id = any (v_heads)
          and (a.id is null or a.id <> all (v_accounts))
        order by coalesce(a.id, -m.id), m.priority, m.due_at, m.id
      ) q
      where q.account_id is null or drip._try_lock('account', q.account_id, 0);
      exit when v_heads is null;
    end if;

    -- guards are asked last, so only about what nothing else holds
    v_asked := null;
    if v_guards then
      -- the heads have a few steps between them
      select array_agg(st.id)
      into v_steps
      from drip.sequence_steps st
      join drip.sequences s on s.id = st.sequence_id
      where st.id = any (v_steps) and (s.exit_if is not null or st.only_if is not null);
      if v_steps is not null then
        select array_agg(f.message_id order by f.priority, f.due_at, f.message_id)
        into v_guarded
        from drip._message_facts f
        where f.message_id = any (v_heads)
          and f.sequence_stepid = any (v_steps)
          and f.verdict = 'go';
        select array_agg(c.message_id), array_agg(c.verdict), array_agg(c.reason),
          array_agg(c.until)
        into v_asked, v_verdicts, v_reasons, v_untils
        from drip._consult_guards(v_guarded, v_depth > 1) c;
        -- the time for guards is over for this claim; what is guarded waits for the next
        v_guards := not coalesce('later' = any (v_verdicts), false);
      end if;
    end if;

    with judged as materialized (
      select
        f.message_id,
        case when g.is_asked then coalesce(v_verdicts[g.place], 'later') else f.verdict end
          as verdict,
        case when g.is_asked then v_reasons[g.place] else f.reason end as reason,
        case when g.is_asked then v_untils[g.place] else f.until end as until,
        f.device_id, f.lead_id, f.priority, f.due_at, f.burst, f.is_capped, f.enrollment_id,
        drip._delay_seconds(
          drip._message_seed(f.message_id, f.lead_id, f.campaign_id, f.sequence_stepid),
          f.device_min_seconds, f.device_max_seconds, f.program_min_seconds,
          f.program_max_seconds) as delay_seconds
      from drip._message_facts f
      cross join lateral (
        select
          (f.exit_if is not null or f.only_if is not null) and f.verdict = 'go' as is_asked,
          case
            when f.exit_if is not null or f.only_if is not null
              then array_position(v_asked, f.message_id)
          end as place
      ) g
      where f.message_id = any (v_heads)
    ),
    dropped as (
      update drip.broadcast_messages m
      set status = case j.reason
          when 'expired' then 'expired'
          when 'guard_false' then 'skipped'
          else 'cancelled'
        end,
        status_reason = j.reason,
        finished_at = v_now,
        not_before = null,
        deferred_reason = null
      from judged j
      where j.verdict = 'drop' and m.id = j.message_id
      returning m.sequence_contact_id
    ),
    deferred as (
      update drip.broadcast_messages m
      set not_before = case when j.until > v_now then j.until else v_now + c_relook end,
        deferred_reason = j.reason
      from judged j
      where j.verdict = 'wait'
        and j.reason <> all (c_device_reasons)
        and m.id = j.message_id
      returning m.id
    ),
    chosen as (
      select g.message_id, g.lead_id, g.delay_seconds
      from (
        select
          j.message_id,
          j.lead_id,
          j.delay_seconds,
          -- the first look took no more heads than fit; the deeper one sees more
          case
            when v_depth = 1 then null
            when j.is_capped then 1
            else j.burst - (
              select count(*)
              from drip.broadcast_messages b
              where b.device_id = j.device_id and b.status = 'processing')
          end as free_slots,
          row_number() over (
            partition by j.device_id order by j.priority, j.due_at, j.message_id)
            as place_on_device,
          sum(j.delay_seconds) over (
            partition by j.device_id order by j.priority, j.due_at, j.message_id
            rows between unbounded preceding and 1 preceding) as before_it,
          row_number() over (
            partition by j.lead_id order by j.priority, j.due_at, j.message_id) as place_of_lead
        from judged j
        where j.verdict = 'go'
      ) g
      where coalesce(g.before_it, 0) = 0
        and g.place_of_lead = 1
        and g.lead_id <> all (v_leads)
        and (g.free_slots is null or g.place_on_device <= g.free_slots)
      order by g.place_on_device, g.message_id
      limit greatest(p_limit - cardinality(v_ids), 0)
    )
    select
      (select array_agg(c.message_id order by c.message_id) from chosen c),
      (select array_agg(c.delay_seconds order by c.message_id) from chosen c),
      (select array_agg(c.lead_id) from chosen c),
      -- what looks deeper: devices of which neither a message goes nor the device itself waits
      (select array_agg(q.device_id order by q.device_id)
       from (
         select j.device_id
         from judged j
         group by j.device_id
         having bool_and(j.verdict <> 'go' and coalesce(j.reason <> all (c_device_reasons), true))
           and (v_depth = 1 or bool_and(j.reason = any (c_stopped)))
       ) q),
      (select array_agg(q.after order by q.device_id)
       from (
         select j.device_id, case when v_depth > 1 then max(j.due_at) end as after
         from judged j
         group by j.device_id
         having bool_and(j.verdict <> 'go' and coalesce(j.reason <> all (c_device_reasons), true))
           and (v_depth = 1 or bool_and(j.reason = any (c_stopped)))
       ) q),
      (select array_agg(d.sequence_contact_id)
       from dropped d
       where d.sequence_contact_id is not null),
      (select array_agg(q.device_id order by q.device_id)
       from (
         select distinct j.device_id from judged j where j.reason = any (c_device_reasons)
       ) q),
      (select array_agg(q.until order by q.device_id)
       from (
         select j.device_id, max(j.until) as until
         from judged j
         where j.reason = any (c_device_reasons)
         group by j.device_id
       ) q),
      (select array_agg(j.enrollment_id) from judged j where j.verdict = 'exit')
    into v_pass_ids, v_pass_delays, v_pass_leads, v_open, v_after, v_busy, v_blocked, v_until,
      v_exits;

    v_ids := v_ids || coalesce(v_pass_ids, '{}');
    v_delays := v_delays || coalesce(v_pass_delays, '{}');
    v_leads := v_leads || coalesce(v_pass_leads, '{}');
    if v_account_caps then
      v_accounts := array(
        select d.account_id
        from drip.broadcast_messages m
        join drip.user_devices d on d.id = m.device_id
        where m.id = any (v_ids) and d.account_id is not null);
    end if;
    if v_busy is not null then
      if v_asked is not null then
        perform drip._advance_journeys(v_busy);
      end if;
      perform drip._sync_enrollments(v_busy);
    end if;
    if v_exits is not null then
      perform drip._exit_guarded(v_exits);
    end if;
    if v_blocked is not null then
      update drip.device_pacing p
      set next_look_at = least(coalesce(b.until, v_now + c_park), v_now + c_park)
      from unnest(v_blocked, v_until) as b (device_id, until)
      where p.device_id = b.device_id;
    end if;
    exit when v_open is null;
  end loop;

  if cardinality(v_ids) > 0 then
    return query
      with claimed as (
        update drip.broadcast_messages m
        set status = 'processing',
          status_reason = null,
          attempts = m.attempts + 1,
          worker_id = p_worker,
          lease_expires_at = v_now + c_lease,
          not_before = null,
          deferred_reason = null,
          error_code = null,
          error_message = null,
          recipient_phone = x.recipient_phone,
          recipient_name = x.lead_name,
          message_type = x.message_type,
          variant = x.variant,
          content = t.content,
          caption = t.caption,
          media_url = t.media_url,
          template = t.template
        from unnest(v_ids, v_delays) as a (id, delay_seconds)
        join drip._message_texts x on x.message_id = a.id
        join drip.user_devices d on d.id = x.device_id
        cross join lateral drip._render_message(
          x.message_type, x.content, x.caption, x.media_url, x.template, x.has_greeting, x.user_id,
          x.language, x.zone, v_now, x.lead_name, x.recipient_phone, x.lead_attributes,
          x.enrollment_attributes, x.message_id) t
        where m.id = a.id
        returning
          m.id, m.attempts, m.user_id, m.device_id, m.recipient_phone, m.message_type, m.content,
          m.media_url, m.caption, m.template, m.lease_expires_at, a.delay_seconds,
          d.platform, d.endpoint, d.instance, d.secret_name, d.burst
      ),
      logged as (
        insert into drip.message_attempts (
          message_id, attempt, user_id, device_id, worker_id, claimed_at, delay_seconds)
        select c.id, c.attempts, c.user_id, c.device_id, p_worker, v_now, c.delay_seconds
        from claimed c
      ),
      paced as (
        update drip.device_pacing p
        set next_send_at = v_now + q.delay_seconds * interval '1 second',
          next_look_at = case
            when q.messages >= q.burst then v_now + c_park
            when q.messages + (
              select count(*)
              from drip.broadcast_messages b
              where b.device_id = q.device_id and b.status = 'processing') >= q.burst
              then v_now + c_park
            else v_now
          end
        from (
          select
            c.device_id,
            max(c.delay_seconds) as delay_seconds,
            count(*) as messages,
            max(c.burst) as burst
          from claimed c
          group by c.device_id
        ) q
        where p.device_id = q.device_id
      )
      select
        c.id, c.attempts, c.user_id, c.device_id, c.platform, c.endpoint, c.instance,
        c.secret_name, c.recipient_phone, c.message_type, c.content, c.media_url, c.caption,
        c.template, c.lease_expires_at
      from claimed c
      order by c.id;
  end if;

  -- park what had nothing to give: until its head is due, but a lost notification costs 15 s
  update drip.device_pacing p
  set next_look_at = case
      when busy.is_full then v_now + c_park
      else least(coalesce(head.due_at, v_now + c_park), v_now + c_park)
    end
  from unnest(v_devices) as t (device_id)
  join drip.user_devices d on d.id = t.device_id
  cross join lateral (
    select count(*) >= d.burst as is_full
    from drip.broadcast_messages b
    where b.device_id = t.device_id and b.status = 'processing'
  ) busy
  cross join lateral (
    select min(c.due_at) as due_at
    from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
    cross join lateral (
      select m.due_at
      from drip.broadcast_messages m
      where m.device_id = t.device_id and m.status = 'pending' and m.priority = class.priority
      order by m.due_at, m.id
      limit 1
    ) c
  ) head
  where p.device_id = t.device_id
    and p.next_look_at <= v_now
    and p.next_send_at <= v_now;
end
$$;
comment on function drip._claim_messages(text, integer, bigint, boolean) is
  'The claim, for all tenants or for one.';
