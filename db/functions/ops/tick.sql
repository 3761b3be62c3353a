-- Runs one chunk of every sweep, so that psql or pg_cron can do the worker's housekeeping without
-- Python. An error in one sweep is recorded and does not stop the others.
create function drip.tick(p_plan boolean default true)
returns table (task text, rows bigint, remaining bigint, error text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
declare
  v_task text;
  v_rows bigint;
  v_remaining bigint;
  v_error text;
  v_started timestamptz;
begin
  perform drip._require_role('drip_worker');
  foreach v_task in array array[
    'refresh_statistics', 'expire_leases', 'end_unknown_holds', 'expire_messages',
    'sync_enrollments', 'end_pauses', 'bind_devices', 'fail_over', 'process_inbound',
    'match_receipts', 'note_last_inbound', 'enroll_matching_leads', 'sweep_campaigns',
    'expand_campaigns', 'complete_campaigns', 'prune_audiences', 'prune_inbound', 'prune_results',
    'drop_event_queues']
  loop
    continue when v_task = 'expand_campaigns' and not p_plan;
    v_rows := 0;
    v_remaining := 0;
    v_error := null;
    v_started := drip._wall_clock();
    begin
      case v_task
        when 'refresh_statistics' then v_rows := drip._refresh_statistics();
        when 'expire_leases' then
          select x.expired, x.remaining into v_rows, v_remaining from drip.expire_leases() x;
        when 'process_inbound' then
          select x.read, x.remaining into v_rows, v_remaining from drip.process_inbound() x;
        when 'prune_audiences' then v_rows := drip._prune_audiences(10000);
        when 'prune_inbound' then v_rows := drip._prune_inbound(10000);
        when 'prune_results' then v_rows := drip._prune_results(10000);
        when 'enroll_matching_leads' then
          select x.enrolled, x.remaining into v_rows, v_remaining
          from drip.enroll_matching_leads() x;
        when 'sweep_campaigns' then
          select x.swept, x.remaining into v_rows, v_remaining from drip.sweep_campaigns() x;
        when 'expand_campaigns' then
          select x.inserted, x.remaining into v_rows, v_remaining from drip.expand_campaigns() x;
        when 'drop_event_queues' then v_rows := drip._drop_event_queues();
        else
          select s.rows, s.error into v_rows, v_error from drip._sweep_tenants(v_task) s;
      end case;
    exception when others then
      v_error := pg_catalog.format('%s: %s', sqlstate, sqlerrm);
    end;
    insert into drip.task_runs as t (
      name, last_run_at, duration_ms, rows, last_error, last_error_at)
    values (
      v_task, drip.now(),
      round(1000 * extract(epoch from drip._wall_clock() - v_started), 1),
      coalesce(v_rows, 0), v_error, case when v_error is not null then drip.now() end)
    on conflict (name) do update
    set last_run_at = excluded.last_run_at,
      duration_ms = excluded.duration_ms,
      rows = excluded.rows,
      last_error = coalesce(excluded.last_error, t.last_error),
      last_error_at = coalesce(excluded.last_error_at, t.last_error_at);
    return query select v_task, coalesce(v_rows, 0), coalesce(v_remaining, 0), v_error;
  end loop;
end
$$;
comment on function drip.tick(boolean) is
  'Runs one chunk of each sweep; one row per sweep: what it did, what remains, its error if any.
   With p_plan false it leaves campaigns to expand_campaigns, so that it reads no audience.';
grant execute on function drip.tick(boolean) to drip_worker;

-- Sweeps all tenants at once; after an error each by itself, so that only the failing one stops.
-- Rows that an application keeps locked may fill a chunk at every tick, and the sweep passes over
-- them only then: so two tenants, others each time, have a chunk of their own.
create function drip._sweep_tenants(p_task text, out rows bigint, out error text)
returns record
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user bigint;
begin
  begin
    rows := drip._run_sweep(p_task, null);
    if p_task in ('end_pauses', 'match_receipts', 'note_last_inbound') then
      for v_user in select u.user_id from drip._users_in_turn() u limit 2 loop
        rows := rows + drip._run_sweep(p_task, v_user);
      end loop;
    end if;
    return;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
  end;
  rows := 0;
  for v_user in select u.user_id from drip._users_in_turn() u loop
    begin
      rows := rows + drip._run_sweep(p_task, v_user);
    exception when others then
      if not drip._is_data_error(sqlstate) then
        raise;
      end if;
      error := format('tenant %s: %s: %s', v_user, sqlstate, sqlerrm);
    end;
  end loop;
end
$$;
comment on function drip._sweep_tenants(text) is
  'Runs a chunk of a sweep: what it did, and the error of the last tenant that failed.';

create function drip._run_sweep(p_task text, p_user_id bigint) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return case p_task
    when 'end_unknown_holds' then drip._end_unknown_holds(1000, p_user_id)
    when 'expire_messages' then drip._expire_messages(1000, p_user_id)
    when 'sync_enrollments' then drip._drain_sync_backlog(1000, p_user_id)
    when 'end_pauses' then drip._end_lead_pauses(1000, p_user_id)
    when 'bind_devices' then drip._bind_devices(1000, p_user_id)
    when 'fail_over' then drip._move_failed_over(1000, p_user_id)
    when 'match_receipts' then drip._retry_receipts(1000, p_user_id)
    when 'note_last_inbound' then drip._renote_last_inbound(1000, p_user_id)
    when 'complete_campaigns' then drip._complete_campaigns(100, p_user_id)
  end;
end
$$;
comment on function drip._run_sweep(text, bigint) is
  'Runs a chunk of a sweep by its name, for all tenants or for one.';

-- Enrollments whose row was locked when a result was recorded.
create function drip._drain_sync_backlog(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
begin
  with taken as (
    delete from drip.sync_backlog b
    where b.id in (
      select q.id
      from drip.sync_backlog q
      where p_user_id is null or exists (
        select
        from drip.sequence_contacts e
        where e.id = q.enrollment_id and e.user_id = p_user_id)
      order by q.id
      limit p_limit
      for update skip locked)
    returning b.enrollment_id
  )
  select array_agg(distinct t.enrollment_id) into v_ids from taken t;
  if v_ids is null then
    return 0;
  end if;
  perform drip._sync_enrollments(v_ids);
  return cardinality(v_ids);
end
$$;
comment on function drip._drain_sync_backlog(integer, bigint) is
  'Syncs enrollments noted in the backlog; those still locked stay in it.';
