-- Makes enrollment independent of notifications, and of whether the lead or the sequence changed
-- first: a changed sequence is compared with all leads, one with a trigger every five minutes with
-- the leads that have a trigger. A long comparison runs in chunks, by lead id.
create function drip._mark_matching_leads(p_limit integer, p_user_id bigint default null)
returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
  v_now constant timestamptz := drip.now();
  v_sequence drip.sequences;
  v_token text;
  v_ids bigint[];
  v_is_unfinished boolean := false;
begin
  for v_sequence in
    select s.*
    from drip.sequences s
    where s.status = 'active'
      and s.auto_enroll <> 'manual'
      and (p_user_id is null or s.user_id = p_user_id)
      and (s.swept_at is null
           or s.swept_to_lead_id > 0
           or (s.auto_enroll = 'trigger' and s.swept_at <= v_now - interval '5 minutes'))
    order by s.swept_at nulls first, s.id
    limit 100
    for no key update skip locked
  loop
    v_token := drip._entry_token(v_sequence);
    if v_sequence.auto_enroll = 'trigger' then
      v_ids := array(
        select l.id
        from drip.leads l
        where l.user_id = v_sequence.user_id
          and l.trigger is not null
          and not l.enroll_check
          and l.id > v_sequence.swept_to_lead_id
          and drip._matches_sequence(l, v_sequence, v_token)
          and not drip._is_barred(l.id, l.phone, v_sequence)
        order by l.id
        limit p_limit);
    else
      v_ids := array(
        select l.id
        from drip.leads l
        where l.user_id = v_sequence.user_id
          and l.niche is not null
          and not l.enroll_check
          and l.id > v_sequence.swept_to_lead_id
          and drip._matches_sequence(l, v_sequence, v_token)
          and drip._is_new_to_sequence(l.id, v_sequence.id)
          and not drip._is_barred(l.id, l.phone, v_sequence)
        order by l.id
        limit p_limit);
    end if;
    with free as (
      select l.id
      from drip.leads l
      where l.id = any (v_ids) and not l.enroll_check
      order by l.id
      for no key update skip locked
    )
    update drip.leads l set enroll_check = true from free f where l.id = f.id;
    if cardinality(v_ids) = p_limit then
      v_is_unfinished := true;
      update drip.sequences s
      set swept_to_lead_id = v_ids[cardinality(v_ids)]
      where s.id = v_sequence.id;
    else
      update drip.sequences s
      set swept_at = v_now, swept_to_lead_id = 0
      where s.id = v_sequence.id;
    end if;
  end loop;
  return v_is_unfinished;
end
$$;
comment on function drip._mark_matching_leads(integer, bigint) is
  'Marks unmarked leads that match a sequence; true while a comparison is under way.';

-- Leads that enrollment would only skip: opted out, or in another sequence of the group.
create function drip._is_barred(p_lead bigint, p_phone text, p_sequence drip.sequences)
returns boolean
language sql stable
as $$
  select
    drip._is_stopped(p_sequence.user_id, p_phone, p_sequence.category)
    or (
      p_sequence.exclusive_group is not null
      and exists (
        select
        from drip.sequence_contacts e
        where e.user_id = p_sequence.user_id and e.lead_id = p_lead
          and e.exclusive_group = p_sequence.exclusive_group
          and e.sequence_id <> p_sequence.id
          and e.status in ('pending', 'active', 'sent', 'failed', 'paused')))
$$;
comment on function drip._is_barred(bigint, text, drip.sequences) is
  'True when an opt-out or another sequence of its group keeps the lead out for now.';
