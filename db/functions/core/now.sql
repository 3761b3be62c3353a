-- Honours drip.fake_now only in a database marked as a test database, or with the token of this
-- very statement that _move_clock() makes: anyone can set a GUC, and no tenant may move the clock.
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
  'The set time, where this database''s private settings or the caller''s token allow one; else the
   real time.';
grant execute on function drip._fake_now()
  to drip_reader, drip_app, drip_worker, drip_operator, drip_pii, drip_guard, drip_view;

-- The only clock of the product. No SET clause and no plpgsql, so that it is inlined and a scan
-- sees a stable value. A set drip.fake_now counts only where _fake_now() lets it.
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
  'The clock: the time of the transaction, or a set time in a test database.';
grant execute on function drip.now() to drip_reader, drip_worker, drip_view, drip_guard;

-- Proof that a function of ours set this time in this statement: a keyed hash, since looking ahead
-- must also work where nothing can be written. Who saw one can repeat nothing but that time, and
-- not after the statement.
create function drip._clock_token(p_told text) returns text
language sql stable parallel safe
as $$
  select encode(
    sha256(convert_to(ps.value, 'UTF8') || sha256(convert_to(
      ps.value || p_told || extract(epoch from statement_timestamp())::text, 'UTF8'))),
    'hex')
  from drip.private_settings ps
  where ps.name = 'clock_secret'
$$;
comment on function drip._clock_token(text) is
  'The token that lets drip.fake_now count, for this time and this statement.';

-- For functions of ours that look ahead. An error takes it back like everything in a transaction;
-- without one the caller does, by _restore_clock().
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
  'Moves drip.now() for the functions of ours that this statement calls; returns what was set.';

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
  'Sets the clock back to what _move_clock() found.';
