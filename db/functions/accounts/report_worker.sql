-- A heartbeat shows people which workers are alive.
create function drip.report_worker(
  p_worker text,
  p_version text default null,
  p_concurrency integer default null,
  p_stopping boolean default false)
returns table (worker text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_worker text := nullif(btrim(left(p_worker, 200)), '');
  v_seen drip.workers;
begin
  perform drip._require_role('drip_worker');
  if v_worker is null then
    perform drip._fail('DR001', 'the worker has no name', 'Pass p_worker.');
  end if;
  select w.* into v_seen from drip.workers w where w.name = v_worker;
  insert into drip.workers as w (name, version, concurrency, started_at, last_seen, stopped_at)
  values (
    v_worker, p_version, p_concurrency, v_now, v_now, case when p_stopping then v_now end)
  on conflict (name) do update
  set version = coalesce(excluded.version, w.version),
    concurrency = coalesce(excluded.concurrency, w.concurrency),
    started_at = case
      when w.stopped_at is not null and not coalesce(p_stopping, false) then v_now
      else w.started_at
    end,
    last_seen = v_now,
    stopped_at = excluded.stopped_at;
  return query
    select
      v_worker,
      case
        when p_stopping then 'stopped'
        when v_seen.name is null or v_seen.stopped_at is not null then 'started'
        else 'seen'
      end;
end
$$;
comment on function drip.report_worker(text, text, integer, boolean) is
  'Records that a worker is alive, with its version and free send slots. Outcome: started, seen,
   stopped.';
grant execute on function drip.report_worker(text, text, integer, boolean) to drip_worker;
