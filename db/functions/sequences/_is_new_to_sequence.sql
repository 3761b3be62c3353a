-- By niche a lead enrolls once; there is no token that could enroll it again.
create function drip._is_new_to_sequence(p_lead bigint, p_sequence bigint) returns boolean
language sql stable
as $$
  select not exists (
    select
    from drip.sequence_contacts e
    where e.lead_id = p_lead and e.sequence_id = p_sequence)
$$;
comment on function drip._is_new_to_sequence(bigint, bigint) is
  'True when the lead was never in the sequence.';
