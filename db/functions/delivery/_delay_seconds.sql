-- The device is the floor, bound by bound; the draw is seeded from the message, so that a preview
-- agrees with what happens.
create function drip._delay_seconds(
  p_message_id bigint, p_device_min integer, p_device_max integer, p_program_min integer,
  p_program_max integer)
returns numeric
language sql immutable parallel safe
as $$
  select round((
    b.low + (greatest(b.low, b.high) - b.low) * drip._seeded_fraction(p_message_id, 1)
  )::numeric, 3)
  from (
    select
      greatest(p_device_min, p_program_min)::float8 as low,
      greatest(p_device_max, p_program_max)::float8 as high
  ) b
$$;
comment on function drip._delay_seconds(bigint, integer, integer, integer, integer) is
  'Seconds from the claim of a message to the next claim of its device.';
