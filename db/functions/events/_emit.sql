-- One event in the transaction of the change: it commits with the change or not at all.
create function drip._emit(p_user_id bigint, p_type text, p_data jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from drip.subscriptions s where s.user_id = p_user_id and p_type ~ s.matches)
  then
    perform drip._send_events(p_type, array[p_user_id], array[p_data]);
  end if;
end
$$;
comment on function drip._emit(bigint, text, jsonb) is
  'Puts one event into the tenant''s queues that are subscribed to its type.';
