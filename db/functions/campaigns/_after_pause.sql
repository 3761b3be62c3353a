-- The planned time of a message after a resume. Campaigns by each lead's local time move by whole
-- days: what was due before the pause may go now, what fell into it goes at its time the next day.
create function drip._after_pause(
  p_at timestamptz, p_policy text, p_from timestamptz, p_to timestamptz, p_is_local boolean,
  p_zone text)
returns timestamptz
language sql stable parallel safe
as $$
  select case p_policy
    when 'catch_up' then p_at
    when 'skip' then case when p_at > p_from and p_at <= p_to then null else p_at end
    else case
      when not p_is_local then p_at + drip._exactly(p_to - p_from)
      when p_at > p_from and q.at <= p_to
        then drip._next_local_time(p_to, p_zone, (p_at at time zone p_zone)::time)
      else q.at
    end
  end
  from (
    select case when p_is_local then drip._local_instant(
      (p_at at time zone p_zone) + drip._whole_days(p_from, p_to) * interval '1 day', p_zone) end
      as at
  ) q
$$;
comment on function drip._after_pause(
  timestamptz, text, timestamptz, timestamptz, boolean, text) is
  'The time of a campaign''s message after a pause, by shift, catch_up or skip; null = skipped.';
