-- Who asks about one message wants the last row of its journey up to there.
create function drip._look_ahead(
  p_message_id bigint, out verdict text, out reason text, out at timestamptz)
returns record
language sql stable
as $$
  select a.verdict, a.reason, a.at
  from drip._look_along(p_message_id, 'infinity', 50) a
  where a.message_id = p_message_id
$$;
comment on function drip._look_ahead(bigint) is
  'What becomes of a pending message, and when: go, drop, or wait without a time. Moves the clock,
   which the caller gives back.';
