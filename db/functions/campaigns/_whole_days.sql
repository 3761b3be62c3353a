-- Moving a time by whole days keeps the time of day.
create function drip._whole_days(p_from timestamptz, p_to timestamptz) returns integer
language sql immutable parallel safe
as $$
  select floor(extract(epoch from p_to - p_from) / 86400)::integer
$$;
comment on function drip._whole_days(timestamptz, timestamptz) is
  'The number of times 24 hours between two instants.';
