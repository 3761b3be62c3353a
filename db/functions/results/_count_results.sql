-- The breaker of a program: when more than a fifth of at least 50 results of today and yesterday
-- (UTC) failed because of the contacts, the program pauses itself. Each transaction counts in a
-- slot of its own, so that sessions that record at once never wait for each other; a batch without
-- such failures is not judged.
create function drip._count_results(p_programs jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_sample constant integer := 50;
  c_share constant numeric := 0.2;
  v_today constant date := (drip.now() at time zone 'UTC')::date;
  -- when all are locked, any: then two sessions may wait for each other's row of one program
  v_slot constant integer := coalesce(
    drip._try_lock_any('results', 0), pg_catalog.pg_backend_pid() % 64);
  v_failing jsonb;
begin
  insert into drip.program_results as r (
    user_id, campaign_id, sequence_id, on_day, slot, results, failures)
  select
    p.user_id, p.campaign_id, p.sequence_id, v_today, v_slot, p.results, p.failures
  from jsonb_to_recordset(p_programs) as p (
    user_id bigint, campaign_id bigint, sequence_id bigint, results bigint, failures bigint)
  order by p.campaign_id, p.sequence_id
  on conflict (campaign_id, sequence_id, on_day, slot) do update
  set results = r.results + excluded.results,
    failures = r.failures + excluded.failures;

  select jsonb_agg(q.*)
  into v_failing
  from (
    select
      p.campaign_id,
      p.sequence_id,
      pg_catalog.format(
        '%s of %s messages failed for reasons of their contacts (%s %%)',
        t.failures, t.results, round(100 * t.failures / t.results)) as meaning
    from jsonb_to_recordset(p_programs) as p (
      campaign_id bigint, sequence_id bigint, failures bigint)
    cross join lateral (
      select sum(o.results) as results, sum(o.failures) as failures
      from (
        select r.results, r.failures
        from drip.program_results r
        where r.campaign_id = p.campaign_id and r.on_day >= v_today - 1
        union all
        select r.results, r.failures
        from drip.program_results r
        where p.campaign_id is null
          and r.campaign_id is null
          and r.sequence_id = p.sequence_id
          and r.on_day >= v_today - 1
      ) o
    ) t
    where p.failures > 0 and t.results >= c_sample and t.failures > c_share * t.results
  ) q;
  if v_failing is not null then
    perform drip._stop_programs(v_failing);
  end if;
end
$$;
comment on function drip._count_results(jsonb) is
  'Counts results [{user_id, campaign_id, sequence_id, results, failures}] of programs, and pauses
   those that fail too often.';
