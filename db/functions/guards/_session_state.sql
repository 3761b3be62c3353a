-- Session locks and prepared statements outlive the subtransaction in which foreign code runs.
create function drip._session_state() returns text[]
language sql volatile
as $$
  select array(
    select pg_catalog.format('lock %s %s %s %s', l.classid, l.objid, l.objsubid, l.mode)
    from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.pid = pg_catalog.pg_backend_pid()
    union all
    select pg_catalog.format('statement %s %s %s', s.name, s.from_sql, s.prepare_time)
    from pg_catalog.pg_prepared_statements s)
$$;
comment on function drip._session_state() is
  'What a rollback does not undo in this session: advisory locks, prepared statements.';
