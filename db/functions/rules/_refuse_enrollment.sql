-- The one list of what keeps a lead out of a sequence that takes leads, in the order in which they
-- are told: _enroll() refuses by it, the sweep's view and explanations foretell it. One expression
-- over plain facts, so that the planner inlines it.
create function drip._refuse_enrollment(
  p_enrollment_id bigint, p_completed_at timestamptz, p_opt_out text, p_reenroll_after interval,
  p_exclusive_in bigint)
returns text
language sql stable parallel safe
begin atomic
  select case
    when p_enrollment_id is not null and p_completed_at is null then 'already_enrolled'
    when p_opt_out is not null then 'suppressed'
    when p_enrollment_id is not null and p_reenroll_after is null then 'already_enrolled'
    when p_completed_at + drip._exactly(p_reenroll_after) > drip.now() then 'reenroll_later'
    when p_exclusive_in is not null then 'exclusive'
  end;
end;
comment on function drip._refuse_enrollment(bigint, timestamptz, text, interval, bigint) is
  'Why a sequence takes no lead, given its latest enrollment there, the opt-out that stops the
   sequence, and the other sequence of the group; null where it does.';
-- A view's functions run with the rights of its reader; this one reads no table.
grant execute on function drip._refuse_enrollment(bigint, timestamptz, text, interval, bigint)
  to drip_reader, drip_view;
