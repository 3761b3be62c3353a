-- A deleted rule must be on record to explain anything later.
create or replace function drip._audit_removed() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._audit(
    (r.removed ->> 'user_id')::bigint, 'remove_' || tg_argv[0], tg_argv[0],
    (r.removed ->> 'id')::bigint, null, jsonb_build_object('row', r.removed))
  from (select to_jsonb(t) as removed from old_rows t) r;
  return null;
end
$$;
comment on function drip._audit_removed() is
  'Trigger: logs each deleted row in the audit log.';

create or replace trigger audit_added
  after insert on drip.error_codes
  referencing new table as new_rows
  for each statement execute function drip._audit_added('error_code');
create or replace trigger audit_removed
  after delete on drip.error_codes
  referencing old table as old_rows
  for each statement execute function drip._audit_removed('error_code');
create or replace trigger audit_added
  after insert on drip.greetings
  referencing new table as new_rows
  for each statement execute function drip._audit_added('greeting');
create or replace trigger audit_removed
  after delete on drip.greetings
  referencing old table as old_rows
  for each statement execute function drip._audit_removed('greeting');
create or replace trigger audit_added
  after insert on drip.stop_words
  referencing new table as new_rows
  for each statement execute function drip._audit_added('stop_word');
create or replace trigger audit_removed
  after delete on drip.stop_words
  referencing old table as old_rows
  for each statement execute function drip._audit_removed('stop_word');
