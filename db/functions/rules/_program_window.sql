-- A program's own hours and days go before the tenant's; only sequences skip weekends.
create function drip._program_window(
  p_campaign drip.campaigns, p_sequence drip.sequences, p_user drip.users)
returns table (
  window_from time, window_to time, window_days smallint[], skip_weekends boolean)
language sql stable parallel safe
as $$
  select
    coalesce(p_campaign.send_from, p_sequence.send_from, p_user.send_from),
    coalesce(p_campaign.send_to, p_sequence.send_to, p_user.send_to),
    coalesce(p_campaign.send_days, p_sequence.send_days, p_user.send_days),
    coalesce(p_sequence.skip_weekends, false)
$$;
comment on function drip._program_window(drip.campaigns, drip.sequences, drip.users) is
  'The hours and days of a message''s program, else of its tenant, and whether weekends are out.';
