-- Rules that operators insert and delete as rows: each leaves a line with the whole row.
create or replace function drip._audit_added() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._audit(
    (r.added ->> 'user_id')::bigint, 'add_' || tg_argv[0], tg_argv[0],
    (r.added ->> 'id')::bigint, null, jsonb_build_object('row', r.added))
  from (select to_jsonb(t) as added from new_rows t) r;
  return null;
end
$$;
comment on function drip._audit_added() is 'Trigger: logs each new row in the audit log.';
