-- What a resume makes of a planned time. A campaign of each lead's own clock moves by whole days:
-- what was to go before the pause may go now, what fell into it goes at its time of the next day.
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
  'The time of a campaign''s message after a pause: by shift, catch_up or skip; null = skipped.';

create function drip._whole_days(p_from timestamptz, p_to timestamptz) returns integer
language sql immutable parallel safe
as $$
  select floor(extract(epoch from p_to - p_from) / 86400)::integer
$$;
comment on function drip._whole_days(timestamptz, timestamptz) is
  'How many times 24 hours lie between two instants.';

-- For leads whose message is planned only afterwards. The campaign's own time has moved already, so
-- of a shift only the times that fell into the pause are left.
create function drip._after_pauses(
  p_at timestamptz, p_pauses jsonb, p_is_local boolean, p_zone text)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at timestamptz := p_at;
  v_pause record;
begin
  for v_pause in
    select p.policy, p."from", p."to"
    from jsonb_array_elements(p_pauses) with ordinality as e (value, place)
    cross join lateral jsonb_to_record(e.value) as p (
      policy text, "from" timestamptz, "to" timestamptz)
    order by e.place
  loop
    if v_at > v_pause."from" and v_at <= v_pause."to" then
      v_at := case
        when v_pause.policy = 'skip' then null
        when p_is_local then drip._next_local_time(
          v_pause."to", p_zone, (v_at at time zone p_zone)::time)
        else v_at
      end;
    end if;
  end loop;
  return v_at;
end
$$;
comment on function drip._after_pauses(timestamptz, jsonb, boolean, text) is
  'When a message goes that is planned after pauses [{policy, from, to}]; null = skipped.';
