-- A program's own hours and days precede the tenant's; only sequences skip weekends. Columns, not
-- rows: behind the fence of _message_evidence whole rows would be carried along with each message.
create function drip._program_window(
  p_campaign_from time, p_campaign_to time, p_campaign_days smallint[],
  p_sequence_from time, p_sequence_to time, p_sequence_days smallint[],
  p_sequence_skips_weekends boolean,
  p_user_from time, p_user_to time, p_user_days smallint[])
returns table (
  window_from time, window_to time, window_days smallint[], skip_weekends boolean)
language sql immutable parallel safe
begin atomic
  select
    coalesce(p_campaign_from, p_sequence_from, p_user_from) as window_from,
    coalesce(p_campaign_to, p_sequence_to, p_user_to) as window_to,
    coalesce(p_campaign_days, p_sequence_days, p_user_days) as window_days,
    coalesce(p_sequence_skips_weekends, false) as skip_weekends;
end;
comment on function drip._program_window(
  time, time, smallint[], time, time, smallint[], boolean, time, time, smallint[]) is
  'The hours and days of a message''s program, else of its tenant, and whether weekends are
   skipped.';
-- message_outlook calls it with the rights of its reader; it reads no table.
grant execute on function drip._program_window(
  time, time, smallint[], time, time, smallint[], boolean, time, time, smallint[])
  to drip_reader, drip_view;
