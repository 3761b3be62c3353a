-- Calculates one device's queue without touching a row: class, due time and id decide the order, as
-- in the claim; hours, days, caps, ramp and pacing decide the times. A unit arrives at its due
-- time, or at the end of its contact's pause. It stands for one message or for many of the same
-- kind: of those, as many leave at once as fit before the next instant that may change the order,
-- so the cost grows with units and days, not with messages.
create function drip._forecast_queue(
  p_device_id bigint, p_until timestamptz, p_lanes jsonb, p_lane integer[],
  p_arrives timestamptz[], p_due timestamptz[], p_key bigint[], p_messages bigint[],
  p_seconds numeric[], p_expires timestamptz[], p_source integer[])
returns table (
  fate text, source integer, day date, messages bigint, first_at timestamptz,
  last_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  c_rounds constant integer := 500000;
  v_at timestamptz;
  -- with its day, its ramp and its last send as they are at v_at
  v_device record;
  v_cap integer;
  v_opens timestamptz := '-infinity';
  v_closes timestamptz := 'infinity';
  v_day date;
  v_day_ends timestamptz := '-infinity';
  -- lanes: units that share class and hours. v_order has the units, lane by lane: from v_next to
  -- v_ready those that have arrived, in claim order, then the others in order of arrival
  v_order integer[] := array(select generate_series(1, cardinality(p_lane)));
  v_lanes constant integer := jsonb_array_length(p_lanes);
  v_class smallint[];
  v_next integer[];
  v_ready integer[];
  v_last integer[];
  v_arrives_late boolean[];
  v_is_sorted boolean[];
  v_lane_opens timestamptz[];
  v_lane_closes timestamptz[];
  v_best integer;
  v_place integer;
  v_unit integer;
  v_end integer;
  v_span record;
  v_waits_until timestamptz;
  v_upcoming timestamptz;
  v_stop timestamptz;
  v_pace numeric;
  v_count bigint;
  -- messages left on the present day, by source
  v_left bigint[] := array_fill(0::bigint, array[coalesce((
    select max(s.id) from unnest(p_source) as s (id)), 0)]);
  v_firsts timestamptz[] := array_fill(null::timestamptz, array[cardinality(v_left)]);
  v_lasts timestamptz[] := v_firsts;
begin
  select d.* into v_device from drip._queue_device(p_device_id) d;
  v_at := v_device.free_at;
  v_day := (drip.now() at time zone v_device.zone)::date;
  v_day_ends := (v_day + 1)::timestamp at time zone v_device.zone;
  if v_device.active_from is not null then
    v_closes := '-infinity';
  end if;
  select l.class, l.next, l.ready, l.last, l.arrives_late, l.is_sorted, l.opens, l.closes
  into
    v_class, v_next, v_ready, v_last, v_arrives_late, v_is_sorted, v_lane_opens, v_lane_closes
  from drip._queue_lanes(p_lanes, p_lane, p_arrives, p_due, p_key) l;

  -- units, days and closings bound the rounds; units beyond that count as left
  for v_round in 1 .. c_rounds loop
    exit when v_at > p_until;
    if v_at >= v_day_ends then
      return query
        select d.* from drip._queue_day(v_day, v_cap, v_left, v_firsts, v_lasts) d;
      v_cap := null;
      v_left := array_fill(0::bigint, array[cardinality(v_left)]);
      v_day := (v_at at time zone v_device.zone)::date;
      v_day_ends := (v_day + 1)::timestamp at time zone v_device.zone;
      v_device.used := 0;
    end if;
    v_waits_until := null;
    if v_at >= v_closes then
      select s.opens, s.closes
      into v_opens, v_closes
      from drip._window_span(
        v_at, v_device.zone, v_device.active_from, v_device.active_to, null, false) s;
    end if;
    if v_opens > v_at then
      v_waits_until := v_opens;
    end if;
    v_cap := drip._queue_cap(
      v_at, v_device.daily_cap, v_device.ramp, v_device.zone, v_device.first_day,
      v_device.last_sent_at, v_device.breaker_since);
    if v_device.used >= v_cap then
      v_waits_until := v_day_ends;
    end if;

    v_best := null;
    v_upcoming := 'infinity';
    for i in 1 .. v_lanes loop
      continue when v_next[i] > v_last[i];
      v_end := v_ready[i];
      while v_end < v_last[i] and p_arrives[v_order[v_end + 1]] <= v_at loop
        v_end := v_end + 1;
      end loop;
      if v_end < v_last[i] then
        v_upcoming := least(v_upcoming, p_arrives[v_order[v_end + 1]]);
      end if;
      if v_end > v_ready[i] then
        v_ready[i] := v_end;
        if v_arrives_late[i] then
          v_order[v_next[i]:v_end] :=
            drip._claim_order(v_order[v_next[i]:v_end], p_due, p_key);
        end if;
      end if;
      continue when v_next[i] > v_end;
      v_unit := v_order[v_next[i]];
      if v_best is null
        or (v_class[i], p_due[v_unit], p_key[v_unit])
          < (v_class[v_best], p_due[v_place], p_key[v_place])
      then
        v_best := i;
        v_place := v_unit;
      end if;
    end loop;
    if v_best is null then
      exit when v_upcoming = 'infinity';
      v_at := v_upcoming;
      continue;
    end if;

    if v_at >= v_lane_closes[v_best] then
      select w.opens, w.closes
      into v_span
      from drip._lane_span(p_lanes -> (v_best - 1), v_at) w;
      v_lane_opens[v_best] := coalesce(v_span.opens, 'infinity');
      v_lane_closes[v_best] := coalesce(v_span.closes, 'infinity');
    end if;
    if p_expires[v_place] <= v_at then
      return query
        select
          'expires', p_source[v_place], (p_expires[v_place] at time zone v_device.zone)::date,
          p_messages[v_place], p_expires[v_place], p_expires[v_place];
      v_next[v_best] := v_next[v_best] + 1;
      continue;
    end if;
    if v_lane_opens[v_best] = 'infinity' then
      -- its days never come
      return query
        select r.*
        from drip._queue_rest(
          'waits', v_next[v_best:v_best], v_last[v_best:v_best], v_order, p_source,
          p_messages) r;
      v_next[v_best] := v_last[v_best] + 1;
      continue;
    end if;
    if v_lane_opens[v_best] > v_at then
      select d.ready, d.units, d.arrives, d.due
      into v_ready, v_order, p_arrives, p_due
      from drip._defer_lanes(
        v_best, v_at, v_class, v_lane_opens, v_next, v_last, v_is_sorted, p_key, v_ready,
        v_order, p_arrives, p_due) d;
      continue;
    end if;
    if v_waits_until is not null then
      -- the claim looks at it all the while
      v_at := least(v_waits_until, v_lane_closes[v_best], v_upcoming, p_expires[v_place]);
      continue;
    end if;
    v_count := p_messages[v_place];
    v_pace := p_seconds[v_place] / v_count;
    if v_pace > 0 and v_count > 1 then
      v_stop := least(
        v_day_ends, v_closes, p_until + interval '1 microsecond', v_lane_closes[v_best],
        p_expires[v_place],
        drip._next_arrival(v_class, v_ready, v_last, v_class[v_best], v_order, p_arrives));
      v_count := least(v_count, ceil(extract(epoch from v_stop - v_at) / v_pace)::bigint);
    end if;
    v_count := least(v_count, v_cap - v_device.used);
    if v_device.ramp is not null
      and v_at >= drip._ramp_restarts_at(v_device.zone, v_device.first_day, v_device.last_sent_at)
    then
      v_device.first_day := v_day;
    end if;
    v_device.last_sent_at := v_at + (v_count - 1) * v_pace * interval '1 second';
    if v_left[p_source[v_place]] = 0 then
      v_firsts[p_source[v_place]] := v_at;
    end if;
    v_left[p_source[v_place]] := v_left[p_source[v_place]] + v_count;
    v_lasts[p_source[v_place]] := v_device.last_sent_at;
    v_device.used := v_device.used + v_count;
    v_at := v_at + v_count * v_pace * interval '1 second';
    if v_count = p_messages[v_place] then
      v_next[v_best] := v_next[v_best] + 1;
    else
      p_messages[v_place] := p_messages[v_place] - v_count;
      p_seconds[v_place] := p_seconds[v_place] - v_count * v_pace;
    end if;
  end loop;

  return query
    select d.* from drip._queue_day(v_day, v_cap, v_left, v_firsts, v_lasts) d;
  return query
    select r.* from drip._queue_rest('left', v_next, v_last, v_order, p_source, p_messages) r;
end
$$;
comment on function drip._forecast_queue(
  bigint, timestamptz, jsonb, integer[], timestamptz[], timestamptz[], bigint[], bigint[],
  numeric[], timestamptz[], integer[]) is
  'When the units of one device''s queue leave, by source and local day, if every send succeeds:
   leaves, expires, left at p_until, or waits for hours that never come; and the cap of each day
   that has one. Units are in the order of lane, arrival, due time and key.';

-- The starting point: caps, hours and the device's progress today.
create function drip._queue_device(p_device_id bigint)
returns table (
  zone text, daily_cap integer, ramp integer[], active_from time, active_to time, first_day date,
  last_sent_at timestamptz, breaker_since date, free_at timestamptz, used bigint)
language sql stable
as $$
  select
    u.time_zone, d.daily_cap, d.ramp, d.active_from, d.active_to,
    drip._ramp_first_day(d.ramp_started_on, p.ramp_from, p.ramp_of), p.last_sent_at,
    p.breaker_since, greatest(drip.now(), e.device_free_at), coalesce(e.used_today, 0)
  from drip.user_devices d
  join drip.users u on u.id = d.user_id
  join drip._device_evidence e on e.live_device_id = d.id
  left join drip.device_pacing p on p.device_id = d.id
  where d.id = p_device_id
$$;
comment on function drip._queue_device(bigint) is
  'A device at the start of _forecast_queue: free from when, sent today, its limits.';

-- Units come lane by lane, and within a lane in the order of arrival; whether that equals the order
-- of the claim is checked once.
create function drip._queue_lanes(
  p_lanes jsonb, p_lane integer[], p_arrives timestamptz[], p_due timestamptz[], p_key bigint[],
  out class smallint[], out next integer[], out ready integer[], out last integer[],
  out arrives_late boolean[], out is_sorted boolean[], out opens timestamptz[],
  out closes timestamptz[])
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lane jsonb;
  v_end integer := 0;
begin
  for i in 1 .. jsonb_array_length(p_lanes) loop
    v_lane := p_lanes -> (i - 1);
    class[i] := (v_lane ->> 'priority')::smallint;
    next[i] := v_end + 1;
    ready[i] := v_end;
    arrives_late[i] := false;
    is_sorted[i] := true;
    loop
      v_end := v_end + 1;
      if p_due[v_end] < p_arrives[v_end] then
        arrives_late[i] := true;
        is_sorted[i] := false;
      end if;
      exit when p_lane[v_end + 1] is distinct from i;
      if p_key[v_end + 1] < p_key[v_end] then
        is_sorted[i] := false;
      end if;
    end loop;
    last[i] := v_end;
    opens[i] := '-infinity';
    closes[i] := case when v_lane ->> 'zone' is null then 'infinity' else '-infinity' end;
  end loop;
end
$$;
comment on function drip._queue_lanes(
  jsonb, integer[], timestamptz[], timestamptz[], bigint[]) is
  'The lanes of a queue at its start: first and last unit, and whether they need sorting.';

create function drip._queue_rest(
  p_fate text, p_next integer[], p_last integer[], p_units integer[], p_source integer[],
  p_messages bigint[])
returns table (
  fate text, source integer, day date, messages bigint, first_at timestamptz,
  last_at timestamptz)
language sql stable
as $$
  select
    p_fate, p_source[u.place], null::date, p_messages[u.place], null::timestamptz,
    null::timestamptz
  from unnest(p_next, p_last) as l (next, last)
  cross join lateral unnest(p_units[l.next:l.last]) as u (place)
$$;
comment on function drip._queue_rest(
  text, integer[], integer[], integer[], integer[], bigint[]) is
  'The units of these lanes that do not leave, with their fate.';

-- The claim defers the first unit outside its hours to their beginning, from where it is ordered by
-- id, and the other units of the class that have arrived as well.
create function drip._defer_lanes(
  p_lane integer, p_at timestamptz, p_class smallint[], p_opens timestamptz[], p_next integer[],
  p_last integer[], p_is_sorted boolean[], p_key bigint[], inout ready integer[],
  inout units integer[], inout arrives timestamptz[], inout due timestamptz[])
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_end integer;
begin
  for i in 1 .. cardinality(p_class) loop
    continue when i <> p_lane
      and (p_class[i] <> p_class[p_lane] or p_next[i] > ready[i] or p_opens[i] <= p_at);
    v_end := p_next[i] - 1;
    while v_end < p_last[i] and arrives[units[v_end + 1]] <= p_opens[i] loop
      v_end := v_end + 1;
      if arrives[units[v_end]] < p_opens[i] then
        arrives[units[v_end]] := p_opens[i];
        due[units[v_end]] := p_opens[i];
      end if;
    end loop;
    if not p_is_sorted[i] then
      units[p_next[i]:v_end] := drip._claim_order(units[p_next[i]:v_end], due, p_key);
    end if;
    ready[i] := p_next[i] - 1;
  end loop;
end
$$;
comment on function drip._defer_lanes(
  integer, timestamptz, smallint[], timestamptz[], integer[], integer[], boolean[], bigint[],
  integer[], integer[], timestamptz[], timestamptz[]) is
  'Moves units that arrive before their lane''s hours to their beginning, in the claim''s order: of
   one lane, and of those of its class where units wait for hours.';

-- One expression, so that the planner inlines it.
create function drip._queue_cap(
  p_at timestamptz, p_daily_cap integer, p_ramp integer[], p_zone text, p_first_day date,
  p_last_sent_at timestamptz, p_breaker_since date)
returns integer
language sql stable
as $$
  select case
    when p_ramp is null then p_daily_cap
    else least(p_daily_cap, p_ramp[drip._ramp_day(
      p_at, p_zone, p_first_day, drip._ramp_restarts_at(p_zone, p_first_day, p_last_sent_at),
      p_breaker_since)])
  end
$$;
comment on function drip._queue_cap(
  timestamptz, integer, integer[], text, date, timestamptz, date) is
  'How many messages a device may send on the day of an instant, by its cap and its ramp.';

create function drip._next_arrival(
  p_class smallint[], p_ready integer[], p_last integer[], p_before smallint, p_units integer[],
  p_arrives timestamptz[])
returns timestamptz
language sql stable
as $$
  select min(p_arrives[p_units[l.ready + 1]])
  from unnest(p_class, p_ready, p_last) as l (class, ready, last)
  where l.class < p_before and l.ready < l.last
$$;
comment on function drip._next_arrival(
  smallint[], integer[], integer[], smallint, integer[], timestamptz[]) is
  'When the next unit of a more urgent class arrives.';

create function drip._queue_day(
  p_day date, p_cap bigint, p_left bigint[], p_firsts timestamptz[], p_lasts timestamptz[])
returns table (
  fate text, source integer, day date, messages bigint, first_at timestamptz,
  last_at timestamptz)
language sql stable
as $$
  select 'leaves', s.id::integer, p_day, s.messages, p_firsts[s.id], p_lasts[s.id]
  from unnest(p_left) with ordinality as s (messages, id)
  where s.messages > 0
  union all
  select 'cap', null, p_day, p_cap, null, null
  where p_cap is not null
$$;
comment on function drip._queue_day(date, bigint, bigint[], timestamptz[], timestamptz[]) is
  'What has left a queue on a day, by source, and the cap of that day where it has one.';

create function drip._lane_span(
  p_lane jsonb, p_at timestamptz, out opens timestamptz, out closes timestamptz)
returns record
language sql stable
as $$
  select s.opens, s.closes
  from drip._window_span(
    p_at, p_lane ->> 'zone', (p_lane ->> 'from')::time, (p_lane ->> 'to')::time,
    (select array_agg(n.value::smallint)
     from jsonb_array_elements_text(nullif(p_lane -> 'days', 'null')) n),
    (p_lane ->> 'skip_weekends')::boolean) s
$$;
comment on function drip._lane_span(jsonb, timestamptz) is
  'The span of a lane''s hours that contains the instant, else the next one.';

create function drip._claim_order(p_places integer[], p_due timestamptz[], p_key bigint[])
returns integer[]
language sql stable
as $$
  select array(
    select o.place
    from unnest(p_places) as o (place)
    order by p_due[o.place], p_key[o.place])
$$;
comment on function drip._claim_order(integer[], timestamptz[], bigint[]) is
  'Units of a lane in the order of the claim: by due time, then by id.';
