-- For one message: the last row of its journey up to it.
create function drip._forecast_message(
  p_message_id bigint, out verdict text, out reason text, out at timestamptz)
returns record
language sql stable
as $$
  select a.verdict, a.reason, a.at
  from drip._forecast_journey(p_message_id, 'infinity', 50) a
  where a.message_id = p_message_id
$$;
comment on function drip._forecast_message(bigint) is
  'What becomes of a pending message, and when: go, drop, or wait without a time. Moves the clock;
   the caller restores it.';
