-- Guards and audiences are code of others, which runs in a session that may see every tenant and
-- can change each of its settings. What it cannot change is a row of a table that only our owner
-- writes: policies and _mapped_users() read it, and the caller's subtransaction takes it back.
-- Where nothing can be written, the session itself must see that one tenant alone.
create function drip._bind_tenant(p_user bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted constant text := coalesce(pg_catalog.current_setting('drip.user', true), '');
  v_seen bigint[];
begin
  if pg_catalog.current_setting('transaction_read_only')::boolean then
    -- whom the session may see, whatever it has chosen: the code could choose anew
    perform pg_catalog.set_config('drip.user', '', true);
    v_seen := drip._mapped_users();
    perform pg_catalog.set_config('drip.user', v_wanted, true);
    if v_seen <> array[p_user] then
      raise exception 'it runs for one tenant of several, which a read-only transaction cannot do'
        using errcode = 'read_only_sql_transaction',
          hint = 'Call it in a transaction that may write.';
    end if;
    return;
  end if;
  insert into drip.bound_tenants (only_user) values (p_user);
  perform pg_catalog.set_config('transaction_read_only', 'on', true);
end
$$;
comment on function drip._bind_tenant(bigint) is
  'From here to the end of the subtransaction nothing can be written, and this tenant alone is seen;
   0: none.';
