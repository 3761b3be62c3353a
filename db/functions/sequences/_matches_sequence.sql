-- Which leads enroll by themselves. Compares whole tokens; the cheap strpos comes first, since a
-- sweep asks this for every lead with a trigger. Inlined while p_token is a plain value.
create function drip._matches_sequence(
  p_lead drip.leads, p_sequence drip.sequences, p_token text)
returns boolean
language sql stable
begin atomic
  select
    case (p_sequence).auto_enroll
      when 'trigger' then
        coalesce(strpos(lower((p_lead).trigger), p_token) > 0, false)
        and drip._has_token((p_lead).trigger, p_token)
      when 'niche' then
        (p_lead).niche is not null
        and ((p_sequence).include_existing or (p_lead).updated_at >= (p_sequence).started_at)
      else false
    end
    and ((p_sequence).niche is null or drip._has_token((p_lead).niche, (p_sequence).niche))
    and coalesce((p_sequence).target_status, 'all') in ('all', (p_lead).target_status);
end;
comment on function drip._matches_sequence(drip.leads, drip.sequences, text) is
  'True when the lead matches the sequence by token or niche, and by status; ignores the tenant.';
-- enrollment_gaps calls it with the rights of its reader; it reads no table.
grant execute on function drip._matches_sequence(drip.leads, drip.sequences, text)
  to drip_reader, drip_view;
