-- The same days and hours as _window_opens_at(), with the end of the stretch: what counts over a
-- window asks once a stretch, not once a message.
create function drip._window_span(
  p_at timestamptz, p_zone text, p_from time, p_to time, p_days smallint[],
  p_skip_weekends boolean, out opens timestamptz, out closes timestamptz)
returns record
language sql stable parallel safe
as $$
  select greatest(p_at, w.opens), w.closes
  from (
    select
      (day.date + coalesce(p_from, time '00:00')) at time zone p_zone as opens,
      case
        when p_from is null then (day.date + 1)::timestamp
        when p_to <= p_from then day.date + 1 + p_to
        else day.date + p_to
      end at time zone p_zone as closes
    from (
      select (p_at at time zone p_zone)::date + n as date
      from generate_series(-1, 8) n
      where n <= 1 or p_days is not null or p_skip_weekends is distinct from false
    ) day
    where (p_days is null or extract(isodow from day.date) = any (p_days))
      and not (p_skip_weekends and extract(isodow from day.date) in (6, 7))
  ) w
  where w.closes > p_at
  order by greatest(p_at, w.opens), w.closes desc
  limit 1
$$;
comment on function drip._window_span(timestamptz, text, time, time, smallint[], boolean) is
  'The stretch of the window that contains the instant, else the next one; nulls if there is none.';
