-- For an application, inside its own transaction: commits or rolls back with the application's
-- work, and waits only for a transaction that is enrolling the same lead or phone.
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
  'Enrolls a phone; an unknown one becomes a lead. p_at is the first step''s time (default: now
   plus start_delay); p_key allows several journeys of one lead side by side. Outcomes: enrolled,
   already_enrolled, suppressed, exclusive, sequence_not_active, invalid_phone; reason has
   details.';
grant execute on function drip.enroll_lead(text, text, timestamptz, text, jsonb, text) to drip_app;
