-- enroll_lead is enroll_leads with one phone.
create function drip._enroll_phones(
  p_sequence text, p_phones text[], p_names text[], p_at timestamptz, p_attributes jsonb,
  p_key text)
returns table (
  input text, enrollment_id bigint, lead_id bigint, outcome text, reason text,
  first_at timestamptz, last_at timestamptz)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_inputs text[];
  v_found bigint[];
  v_problems text[];
  v_leads bigint[];
begin
  perform drip._check_count(cardinality(p_phones), 'rows', 'the phones');
  if v_sequence.status <> 'active' then
    return query
      select p.input, null::bigint, null::bigint, 'sequence_not_active', v_sequence.status,
        null::timestamptz, null::timestamptz
      from unnest(p_phones) with ordinality as p (input, place)
      order by p.place;
    return;
  end if;
  select
    array_agg(g.input order by g.position),
    array_agg(g.lead_id order by g.position),
    array_agg(g.problem order by g.position)
  into v_inputs, v_found, v_problems
  from drip._get_or_create_leads(v_sequence.user_id, p_phones, p_names) g;
  -- Sorted by phone, so that two batches wait for each other instead of deadlocking.
  select array_agg(q.id)
  into v_leads
  from (
    select l.id
    from drip.leads l
    where l.id = any (v_found)
    order by l.phone
    for no key update
  ) q;
  return query
    with given as (
      select
        f.input, f.lead_id, f.problem, f.place,
        row_number() over (partition by f.lead_id order by f.place) as repeat
      from unnest(v_inputs, v_found, v_problems) with ordinality
        as f (input, lead_id, problem, place)
    )
    select
      g.input,
      e.enrollment_id,
      g.lead_id,
      case
        when g.lead_id is null then 'invalid_phone'
        when g.repeat > 1 and e.outcome = 'enrolled' then 'already_enrolled'
        else e.outcome
      end,
      case
        when g.lead_id is null then coalesce(g.problem, 'the phone is invalid')
        when g.repeat > 1 and e.outcome = 'enrolled' then 'pending'
        else e.reason
      end,
      e.first_at,
      e.last_at
    from given g
    left join drip._enroll(v_sequence.id, v_leads, p_at, p_attributes, p_key) e
      on e.lead_id = g.lead_id
    order by g.place;
end
$$;
comment on function drip._enroll_phones(text, text[], text[], timestamptz, jsonb, text) is
  'Enrolls phones as given, one row per phone in their order; otherwise like enroll_lead.';
