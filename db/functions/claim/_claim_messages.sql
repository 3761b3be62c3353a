-- Several statements, because after skip locked only the locked row is fresh: lock ready devices;
-- on a new snapshot lock the head messages of those devices; judge them on yet another. A cancel,
-- pause or opt-out updates the pending rows, so it waits for this transaction or is seen by it.
-- With a tenant it serves only that one. The planner settings
-- make sure of nested loops over indexes, whatever statistics say: the sets are small, the tables
-- large, and a plan cached while a table was empty must not scan it later. The steps inherit them,
-- and each of their statements has a snapshot of its own.
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
  v_now constant timestamptz := drip.now();
  -- the cost of a lost notification
  v_parked_until constant timestamptz := v_now + interval '15 seconds';
  v_devices bigint[];
  v_open bigint[];
  v_after timestamptz[];
  v_depth integer;
  v_heads bigint[];
  v_steps bigint[];
  v_campaigns bigint[];
  v_contact_rules boolean;
  v_account_caps boolean;
  v_accounts bigint[] := '{}';
  v_guards boolean;
  v_asked bigint[];
  v_verdicts text[];
  v_reasons text[];
  v_untils timestamptz[];
  v_judged record;
  v_ids bigint[] := '{}';
  v_delays numeric[] := '{}';
  v_leads bigint[] := '{}';
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
  -- The second pass is for devices whose first heads all wait, though the device could send. The
  -- third looks behind the thousands of a campaign that was stopped a moment ago, by jumping over
  -- their common time.
  foreach v_depth in array array[1, 24, 24] loop
    select h.heads, h.steps, h.campaigns
    into v_heads, v_steps, v_campaigns
    from drip._lock_heads(v_open, v_after, v_depth) h;
    exit when v_heads is null;
    v_heads := drip._keep_unrivalled(
      v_heads, v_campaigns, v_contact_rules, v_account_caps, v_accounts);
    exit when v_heads is null;

    v_asked := null;
    if v_guards then
      select a.messages, a.verdicts, a.reasons, a.untils
      into v_asked, v_verdicts, v_reasons, v_untils
      from drip._ask_about_heads(v_heads, v_steps, v_depth > 1) a;
      -- this claim has no time left for guards; guarded messages wait for the next one
      v_guards := not coalesce('later' = any (v_verdicts), false);
    end if;

    select j.*
    into v_judged
    from drip._judge_heads(
      v_heads, v_depth, p_limit - cardinality(v_ids), v_leads, v_asked, v_verdicts, v_reasons,
      v_untils) j;
    v_ids := v_ids || v_judged.ids;
    v_delays := v_delays || v_judged.delays;
    v_leads := v_leads || v_judged.leads;
    if v_account_caps then
      v_accounts := array(
        select d.account_id
        from drip.broadcast_messages m
        join drip.user_devices d on d.id = m.device_id
        where m.id = any (v_ids) and d.account_id is not null);
    end if;
    if v_judged.dropped_from is not null then
      if v_asked is not null then
        perform drip._advance_journeys(v_judged.dropped_from);
      end if;
      perform drip._sync_enrollments(v_judged.dropped_from);
    end if;
    if v_judged.exits is not null then
      perform drip._exit_guarded(v_judged.exits);
    end if;
    if v_judged.blocked is not null then
      update drip.device_pacing p
      set next_look_at = least(b.until, v_parked_until)
      from unnest(v_judged.blocked, v_judged.blocked_until) as b (device_id, until)
      where p.device_id = b.device_id;
    end if;
    v_open := v_judged.unserved;
    v_after := v_judged.after;
    exit when v_open is null;
  end loop;

  if cardinality(v_ids) > 0 then
    return query
      select a.* from drip._start_attempts(p_worker, v_ids, v_delays, v_parked_until) a;
  end if;
  perform drip._park_idle(v_devices, v_parked_until);
end
$$;
comment on function drip._claim_messages(text, integer, bigint, boolean) is
  'The claim, for all tenants or for one.';
