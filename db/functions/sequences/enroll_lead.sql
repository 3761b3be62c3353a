-- For an application, inside its own transaction: commits or vanishes with the application's work,
-- and waits for nobody but one that is enrolling the same lead or phone.
create function drip.enroll_lead(
  p_sequence text, p_phone text, p_at timestamptz default null, p_name text default null,
  p_attributes jsonb default '{}', p_key text default '')
returns table (
  enrollment_id bigint, lead_id bigint, outcome text, reason text,
  first_at timestamptz, last_at timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform drip._require_role('drip_app');
  perform drip._check_plan_time(p_at, 'p_at');
  perform drip._check_length(p_name, 'name', 'p_name');
  perform drip._check_json(p_attributes, 'attributes', 'p_attributes');
  perform drip._check_key(p_key, 'p_key');
  if jsonb_typeof(p_attributes) <> 'object' then
    perform drip._fail(
      'DR001', 'p_attributes is not an object', 'Give names and values: {"city": "Ipoh"}.');
  end if;
  return query
    select e.enrollment_id, e.lead_id, e.outcome, e.reason, e.first_at, e.last_at
    from drip._enroll_phones(
      p_sequence, array[p_phone], array[p_name], p_at, p_attributes, p_key) e;
end
$$;
comment on function drip.enroll_lead(text, text, timestamptz, text, jsonb, text) is
  'Enrolls a phone; an unknown one becomes a lead. p_at is the first step''s time (default: now plus
   start_delay); p_key allows several journeys of one lead side by side. Outcomes: enrolled,
   already_enrolled, suppressed, exclusive, sequence_not_active, invalid_phone; reason says more.';
grant execute on function drip.enroll_lead(text, text, timestamptz, text, jsonb, text) to drip_app;

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
        when g.lead_id is null then coalesce(g.problem, 'the phone cannot be read')
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
  'Enrolls phones as given, one row per phone in their order; the rest as in enroll_lead.';
