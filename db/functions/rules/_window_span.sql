-- With the end of the span, so that counting over a window takes one call per span, not per
-- message.
create function drip._window_span(
  p_at timestamptz, p_zone text, p_from time, p_to time, p_days smallint[],
  p_skip_weekends boolean, out opens timestamptz, out closes timestamptz)
returns record
language sql stable parallel safe
as $$
  select s.opens, s.closes
  from drip._window_spans(p_at, p_zone, p_from, p_to, p_days, p_skip_weekends) s
  order by s.opens, s.closes desc
  limit 1
$$;
comment on function drip._window_span(timestamptz, text, time, time, smallint[], boolean) is
  'The span of the window that contains the instant, else the next one; nulls if there is none.';
