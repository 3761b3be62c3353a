-- enroll_lead for many phones at once; a bad phone fails alone.
create function drip.enroll_leads(p_sequence text, p_phones text[])
returns table (
  phone text, enrollment_id bigint, lead_id bigint, outcome text, reason text,
  first_at timestamptz, last_at timestamptz)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  select e.input, e.enrollment_id, e.lead_id, e.outcome, e.reason, e.first_at, e.last_at
  from drip._enroll_phones(p_sequence, p_phones, null, null, '{}', '') e
  where drip._require_role('drip_app')
$$;
comment on function drip.enroll_leads(text, text[]) is
  'Enrolls phones, one row per phone as given and in its order; outcomes as in enroll_lead, a
   repeated phone is already_enrolled. Never raises for data.';
grant execute on function drip.enroll_leads(text, text[]) to drip_app;
