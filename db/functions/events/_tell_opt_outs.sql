-- Every opt-out is an event, be it from a verb, a stop word, a provider's error or psql.
create or replace function drip._tell_opt_outs() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  v_type constant text := case tg_op when 'INSERT' then 'lead.opted_out' else 'lead.opted_in' end;
begin
  if not exists (select from drip.subscriptions s where v_type ~ s.matches) then
    return null;
  end if;
  perform drip._send_events(v_type, array_agg(q.user_id), array_agg(q.data))
  from (
    select
      c.user_id,
      jsonb_build_object(
        'lead_id', l.id,
        'external_id', l.external_id,
        'phone', c.phone,
        'category', c.category,
        'reason', c.reason,
        'source', c.source) as data
    from changed_rows c
    left join lateral drip._lead_of_phone(c.user_id, c.phone) l on true
    order by c.id
  ) q
  having count(*) > 0;
  return null;
end
$$;
comment on function drip._tell_opt_outs() is
  'Trigger: emits lead.opted_out for a new suppression, lead.opted_in for a removed one.';

create or replace trigger suppressions_tell_insert
  after insert on drip.suppressions
  referencing new table as changed_rows
  for each statement execute function drip._tell_opt_outs();
comment on trigger suppressions_tell_insert on drip.suppressions is 'The event lead.opted_out.';

create or replace trigger suppressions_tell_delete
  after delete on drip.suppressions
  referencing old table as changed_rows
  for each statement execute function drip._tell_opt_outs();
comment on trigger suppressions_tell_delete on drip.suppressions is 'The event lead.opted_in.';
