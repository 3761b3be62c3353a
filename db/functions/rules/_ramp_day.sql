-- The day of a device's ramp, for the verdict, the overview and explanations: one expression over
-- plain facts, so that the planner inlines it. Days are the tenant's local ones.
create function drip._ramp_day(
  p_now timestamptz, p_zone text, p_first_day date, p_rested_at timestamptz,
  p_breaker_since date)
returns integer
language sql stable parallel safe
begin atomic
  select case
    when p_now >= p_rested_at then 1
    else greatest(
      -- an open or half-open breaker stops the count of days
      least(
        (p_now at time zone p_zone)::date,
        case when p_breaker_since is not null then greatest(p_breaker_since, p_first_day) end)
      - p_first_day + 1,
      1)
  end;
end;
comment on function drip._ramp_day(timestamptz, text, date, timestamptz, date) is
  'The day of the ramp, from 1; also 1 before its first day and after 72 h without a send.';
-- A view's functions run with the rights of its reader; these read no table.
grant execute on function drip._ramp_day(timestamptz, text, date, timestamptz, date)
  to drip_reader, drip_view;
