-- The device's bounds are minimums for both bounds; the draw is seeded from the message
-- (_message_seed), so that previews predict it. One expression, so that the planner inlines it.
create function drip._delay_seconds(
  p_seed bigint, p_device_min integer, p_device_max integer, p_program_min integer,
  p_program_max integer)
returns numeric
language sql immutable parallel safe
as $$
  select round((
    greatest(p_device_min, p_program_min)
    + (greatest(p_device_min, p_program_min, p_device_max, p_program_max)
       - greatest(p_device_min, p_program_min)) * drip._seeded_fraction(p_seed, 1)
  )::numeric, 3)
$$;
comment on function drip._delay_seconds(bigint, integer, integer, integer, integer) is
  'Seconds from the claim of a message to the next claim of its device.';
