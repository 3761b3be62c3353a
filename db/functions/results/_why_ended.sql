-- A message whose program has ended is dropped with the program's reason.
create function drip._why_ended(p_campaign_id bigint, p_enrollment_id bigint) returns text
language sql stable
as $$
  select case
    when p_campaign_id is not null then (
      select 'campaign_cancelled'
      from drip.campaigns c
      where c.id = p_campaign_id and c.status = 'cancelled')
    when p_enrollment_id is not null then (
      select 'enrollment_finished'
      from drip.sequence_contacts e
      where e.id = p_enrollment_id and e.completed_at is not null)
  end
$$;
comment on function drip._why_ended(bigint, bigint) is
  'The reason code when the campaign was cancelled or the journey has ended, else null.';
