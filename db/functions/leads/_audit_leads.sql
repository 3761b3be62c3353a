-- Leads are the application's data, and verbs write thousands of them: audit lines would be a
-- second copy. Updates by hand get one line per statement and tenant, which names columns and ids
-- but no values, so that an erased lead stays erased. Verbs run as the owner, the only role that
-- may write the audit log: a role without that right is writing by hand.
create or replace function drip._audit_leads() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._audit(
    c.user_id, 'edit_leads', 'lead', null, null,
    jsonb_build_object(
      'leads', count(distinct c.id), 'columns', jsonb_agg(distinct c.key),
      'ids', to_jsonb((array_agg(distinct c.id))[1:1000])))
  from (
    select n.user_id, n.id, k.key
    from old_rows o
    join new_rows n on n.id = o.id
    cross join lateral jsonb_each(to_jsonb(n)) as k (key, value)
    where k.value is distinct from to_jsonb(o) -> k.key
      and k.key = any (drip._settings_of(tg_relid))
  ) c
  group by c.user_id;
  return null;
end
$$;
comment on function drip._audit_leads() is
  'Trigger: a line of the audit log for an update of leads by hand.';

create or replace trigger audit_leads
  after update on drip.leads
  referencing old table as old_rows new table as new_rows
  for each statement
  when (not pg_catalog.has_table_privilege('drip.audit_log', 'insert'))
  execute function drip._audit_leads();
