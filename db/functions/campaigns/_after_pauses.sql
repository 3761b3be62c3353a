-- For leads whose message is planned after the pauses. The campaign's own time has moved already,
-- so a shift changes only times within the pause.
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
  'When a message planned after pauses [{policy, from, to}] goes; null = skipped.';
