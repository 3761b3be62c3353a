-- The inner form of enroll_matching_leads: with a tenant it serves only that one.
create function drip._enroll_matching_leads(p_limit integer, p_user_id bigint)
returns table (enrolled bigint, consumed bigint, looked_at bigint, remaining bigint)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_limit constant integer := least(greatest(coalesce(p_limit, 1000), 1), 100000);
  v_is_marking constant boolean := drip._mark_matching_leads(v_limit, p_user_id);
  v_leads bigint[];
  v_match record;
  v_done record;
  v_enrolled bigint := 0;
  v_leads_consumed bigint[] := '{}';
  v_tokens_consumed text[] := '{}';
  v_left_leads bigint[] := '{}';
  v_remaining bigint := 0;
begin
  select coalesce(array_agg(q.id), '{}')
  into v_leads
  from (
    select l.id
    from drip.leads l
    where l.enroll_check and (p_user_id is null or l.user_id = p_user_id)
    order by l.id
    limit v_limit
    for no key update skip locked
  ) q;

  for v_match in
    with programs as materialized (
      select s as program, drip._entry_token(s) as token
      from drip.sequences s
      where s.status = 'active' and s.auto_enroll <> 'manual'
    )
    select
      (p.program).id as sequence_id,
      case when (p.program).auto_enroll = 'trigger' then p.token end as token,
      array_agg(l.id order by l.phone) as lead_ids,
      array_agg(
        case when (p.program).auto_enroll = 'trigger'
          then (l.chained ->> p.token)::timestamptz end
        order by l.phone) as chained_from
    from drip.leads l
    join programs p on (p.program).user_id = l.user_id
    where l.id = any (v_leads)
      and (l.trigger is not null or l.niche is not null)
      and drip._matches_sequence(l, p.program, p.token)
      and ((p.program).auto_enroll = 'trigger'
           or drip._is_new_to_sequence(l.id, (p.program).id))
    group by 1, 2
    order by 1
  loop
    -- an edit of its steps may take long: its leads stay marked for the next run
    perform
    from drip.sequences s
    where s.id = v_match.sequence_id
    for key share skip locked;
    if not found then
      v_left_leads := v_left_leads || v_match.lead_ids;
      continue;
    end if;
    select d.enrolled, d.lead_ids
    into v_done
    from drip._enroll_chunk(
      v_match.sequence_id, v_match.lead_ids, v_match.chained_from) d;
    v_enrolled := v_enrolled + v_done.enrolled;
    if v_match.token is not null then
      v_leads_consumed := v_leads_consumed || v_done.lead_ids;
      v_tokens_consumed := v_tokens_consumed
        || array_fill(v_match.token, array[cardinality(v_done.lead_ids)]);
    end if;
  end loop;

  update drip.leads l
  set enroll_check = l.id = any (v_left_leads),
    trigger = case
      when c.tokens is null then l.trigger
      else (
        select string_agg(t.token, ',' order by t.place)
        from unnest(string_to_array(l.trigger, ',')) with ordinality as t (token, place)
        where lower(btrim(t.token)) <> all (c.tokens))
    end,
    chained = l.chained - coalesce(c.tokens, '{}')
  from unnest(v_leads) as k (id)
  left join (
    select u.lead_id, array_agg(u.token) as tokens
    from unnest(v_leads_consumed, v_tokens_consumed) as u (lead_id, token)
    group by u.lead_id
  ) c on c.lead_id = k.id
  where l.id = k.id;

  -- Fewer than the limit: the rest is locked and not worth another call now.
  if cardinality(v_leads) = v_limit then
    select count(*)
    into v_remaining
    from (select from drip.leads l where l.enroll_check limit 100000) q;
  end if;
  return query
    select
      v_enrolled,
      cardinality(v_leads_consumed)::bigint,
      cardinality(v_leads)::bigint,
      greatest(v_remaining, case when v_is_marking then 1 else 0 end);
end
$$;
comment on function drip._enroll_matching_leads(integer, bigint) is
  'enroll_matching_leads, for all tenants or for one.';

-- A lead whose enrollment fails (an unknown zone, say) must not stop the others: then each is
-- enrolled alone, and the error is recorded in task_runs, which operators read.
create function drip._enroll_chunk(
  p_sequence_id bigint, p_lead_ids bigint[], p_chained_from timestamptz[],
  out enrolled bigint, out lead_ids bigint[])
returns record
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_one record;
begin
  select
    count(*) filter (where e.outcome = 'enrolled'),
    coalesce(array_agg(e.lead_id)
      filter (where e.outcome in ('enrolled', 'already_enrolled')), '{}')
  into enrolled, lead_ids
  from drip._enroll(p_sequence_id, p_lead_ids, null, '{}', '', p_chained_from) e;
exception
  when others then
    enrolled := 0;
    lead_ids := '{}';
    if cardinality(p_lead_ids) = 1 then
      perform drip._note_task_error(
        'enroll_matching_leads',
        format('lead %s, sequence %s: %s: %s', p_lead_ids[1], p_sequence_id, sqlstate, sqlerrm));
      return;
    end if;
    for v_one in
      select c.enrolled, c.lead_ids
      from unnest(p_lead_ids, p_chained_from) as l (id, chained_from)
      cross join lateral drip._enroll_chunk(
        p_sequence_id, array[l.id], array[l.chained_from]) c
    loop
      enrolled := enrolled + v_one.enrolled;
      lead_ids := lead_ids || v_one.lead_ids;
    end loop;
end
$$;
comment on function drip._enroll_chunk(bigint, bigint[], timestamptz[]) is
  'Enrolls leads of a sweep: how many are new, and which are enrolled now.';
