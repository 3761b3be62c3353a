-- Skipping or shifting a pause keeps the time of day.
create function drip._whole_days(p_from timestamptz, p_to timestamptz) returns integer
language sql immutable parallel safe
as $$
  select floor(extract(epoch from p_to - p_from) / 86400)::integer
$$;
comment on function drip._whole_days(timestamptz, timestamptz) is
  'How many times 24 hours lie between two instants.';
