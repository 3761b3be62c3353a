-- A rollback does not undo session locks and prepared statements.
create function drip._reset_session(p_before text[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant text[] := drip._session_state();
  v_lock record;
  v_name text;
begin
  if v_now <@ p_before then
    return;
  end if;
  if not exists (select from unnest(p_before) as b (what) where starts_with(b.what, 'lock ')) then
    perform pg_catalog.pg_advisory_unlock_all();
  else
    for v_lock in
      select l.classid, l.objid, l.objsubid, l.mode
      from pg_catalog.pg_locks l
      where l.locktype = 'advisory'
        and l.pid = pg_catalog.pg_backend_pid()
        and pg_catalog.format('lock %s %s %s %s', l.classid, l.objid, l.objsubid, l.mode)
          <> all (p_before)
    loop
      while case
        when v_lock.objsubid = 1 and v_lock.mode = 'ShareLock' then
          pg_catalog.pg_advisory_unlock_shared(
            (v_lock.classid::bigint << 32) | v_lock.objid::bigint)
        when v_lock.objsubid = 1 then
          pg_catalog.pg_advisory_unlock((v_lock.classid::bigint << 32) | v_lock.objid::bigint)
        when v_lock.mode = 'ShareLock' then
          pg_catalog.pg_advisory_unlock_shared(
            v_lock.classid::bigint::bit(32)::integer, v_lock.objid::bigint::bit(32)::integer)
        else
          pg_catalog.pg_advisory_unlock(
            v_lock.classid::bigint::bit(32)::integer, v_lock.objid::bigint::bit(32)::integer)
      end loop
        null;
      end loop;
    end loop;
  end if;
  for v_name in
    select s.name
    from pg_catalog.pg_prepared_statements s
    where pg_catalog.format('statement %s %s %s', s.name, s.from_sql, s.prepare_time)
      <> all (p_before)
  loop
    execute pg_catalog.format('deallocate %I', v_name);
  end loop;
end
$$;
comment on function drip._reset_session(text[]) is
  'Undoes what the session has acquired since this _session_state().';
