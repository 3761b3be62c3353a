-- A preview moves the clock and must leave the session unchanged.
create function drip._restore_clock(p_before text[]) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform
    set_config('drip.fake_now', coalesce(p_before[1], ''), true),
    set_config('drip.clock_token', coalesce(p_before[2], ''), true);
end
$$;
comment on function drip._restore_clock(text[]) is
  'Sets the clock back to the settings that _move_clock() returned.';
