-- A step with a send_time waits for the next occurrence of that local time.
create function drip._next_local_time(p_at timestamptz, p_zone text, p_time time)
returns timestamptz
language sql stable parallel safe
as $$
  select case
    when p_time is null then p_at
    else (
      select min(o.at)
      from (
        select drip._local_instant((p_at at time zone p_zone)::date + day.n + p_time, p_zone) as at
        from generate_series(0, 1) as day (n)
      ) o
      where o.at >= p_at)
  end
$$;
comment on function drip._next_local_time(timestamptz, text, time) is
  'The first instant, not before the given one, with that local time; the given one if no time.';
