-- Uses drip.fake_now only in a database marked as a test database, or with a token that
-- _move_clock() made for this statement: anyone can set a GUC, and no tenant may move the clock.
create function drip._fake_now() returns timestamptz
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_told constant text := nullif(pg_catalog.current_setting('drip.fake_now', true), '');
begin
  if v_told is not null and exists (
    select from drip.private_settings ps where ps.name = 'test_database' and ps.value = 'yes'
  ) or pg_catalog.current_setting('drip.clock_token', true) = drip._clock_token(v_told) then
    return v_told::timestamptz;
  end if;
  return pg_catalog.now();
end
$$;
comment on function drip._fake_now() is
  'The time that was set, where this database''s private settings or the caller''s token allow it;
   else the real time.';
grant execute on function drip._fake_now()
  to drip_reader, drip_app, drip_worker, drip_operator, drip_pii, drip_guard, drip_view;

-- The only clock of the product. No SET clause and no plpgsql, so that it is inlined and a scan
-- sees a stable value. drip.fake_now counts only where _fake_now() allows it.
create function drip.now() returns timestamptz
language sql stable parallel safe
begin atomic
  select case
    when coalesce(pg_catalog.current_setting('drip.fake_now', true), '') = ''
    then pg_catalog.now()
    else drip._fake_now()
  end;
end;
comment on function drip.now() is
  'The clock: the time of the transaction, or the time that was set in a test database.';
grant execute on function drip.now() to drip_reader, drip_worker, drip_view, drip_guard;
