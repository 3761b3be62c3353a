-- A bad row stopped a sweep for all tenants: run for each tenant alone, it stops only its own. The
-- order starts at random: a sweep that serves one tenant per call must not always serve the same.
create function drip._run_apart(p_task text, p_limit integer, p_once boolean default false)
returns setof jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user bigint;
begin
  for v_user in select u.user_id from drip._users_in_turn() u loop
    begin
      return query execute
        format('select to_jsonb(r) from drip.%I($1, $2) r', '_' || p_task) using p_limit, v_user;
      if p_once and found then
        return;
      end if;
    exception when others then
      if not drip._is_data_error(sqlstate) then
        raise;
      end if;
      perform drip._note_task_error(
        p_task, format('tenant %s: %s: %s', v_user, sqlstate, sqlerrm));
    end;
  end loop;
end
$$;
comment on function drip._run_apart(text, integer, boolean) is
  'The rows of the inner form of a sweep, tenant by tenant; with p_once of the first that returns
   any. Errors of rows are recorded in task_runs.';
