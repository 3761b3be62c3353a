-- For our functions that calculate with a later time. An error undoes it like everything in a
-- transaction; without one the caller does, by _restore_clock().
create function drip._move_clock(p_at timestamptz) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant text[] := array[
    pg_catalog.current_setting('drip.fake_now', true),
    pg_catalog.current_setting('drip.clock_token', true)];
  v_told constant text := to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
begin
  perform
    set_config('drip.fake_now', v_told, true),
    set_config('drip.clock_token', drip._clock_token(v_told), true);
  return v_before;
end
$$;
comment on function drip._move_clock(timestamptz) is
  'Moves drip.now() for our functions called by this statement; returns the previous settings.';
