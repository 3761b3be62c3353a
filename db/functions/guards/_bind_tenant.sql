-- Guards and audiences are foreign code in a session that may see every tenant, and can change all
-- of its settings. It cannot change a row that only our owner may write: policies and
-- _mapped_users() read it, and rolling back the caller's subtransaction removes it. Where nothing
-- can be written, the session itself must be limited to that one tenant.
create function drip._bind_tenant(p_user bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted constant text := coalesce(pg_catalog.current_setting('drip.user', true), '');
  v_seen bigint[];
begin
  if pg_catalog.current_setting('transaction_read_only')::boolean then
    -- what the session may see without its setting, which the code could change
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
  'Until the subtransaction ends, nothing can be written and only this tenant is seen; 0: none.';
