-- A queue's name becomes part of a table's name.
create function drip._check_event_queue(p_queue text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue constant text := lower(btrim(p_queue));
begin
  if coalesce(v_queue, '') !~ '^[a-z][a-z0-9_]{0,29}$' then
    perform drip._fail(
      'DR001', pg_catalog.format('%s cannot name a queue',
                                 pg_catalog.quote_nullable(left(p_queue, 60))),
      'Use up to 30 letters, digits and _, beginning with a letter, such as crm_events.');
  end if;
  return v_queue;
end
$$;
comment on function drip._check_event_queue(text) is
  'The name of a queue in lower case; DR001 where the name is not allowed.';
