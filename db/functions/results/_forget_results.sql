-- A resume restarts the count. A row of its own cancels the old numbers out, so that it touches no
-- row that a session is recording in.
create function drip._forget_results(p_campaign_id bigint, p_sequence_id bigint) returns void
language sql volatile
as $$
  insert into drip.program_results as r (
    user_id, campaign_id, sequence_id, on_day, slot, results, failures)
  select
    o.user_id, o.campaign_id, o.sequence_id, o.on_day, -1, -sum(o.results), -sum(o.failures)
  from drip.program_results o
  where o.campaign_id is not distinct from p_campaign_id
    and o.sequence_id is not distinct from p_sequence_id
    and o.on_day >= (drip.now() at time zone 'UTC')::date - 1
    and o.slot >= 0
  group by o.user_id, o.campaign_id, o.sequence_id, o.on_day
  on conflict (campaign_id, sequence_id, on_day, slot) do update
  set results = excluded.results, failures = excluded.failures
$$;
comment on function drip._forget_results(bigint, bigint) is
  'Restarts the count of a program''s results.';
