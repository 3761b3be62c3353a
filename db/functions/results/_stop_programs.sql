-- An error that fails every contact alike (a missing template), or too many, waits for a person.
-- Locked rows are left to the next failure; the claim reads the live status.
create function drip._stop_programs(p_programs jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_mark constant bigint := drip._audit_mark();
begin
  perform set_config('drip.hold_policy', 'skip', true);
  update drip.campaigns c
  set status = 'paused', status_reason = r.meaning
  from jsonb_to_recordset(p_programs) as r (campaign_id bigint, meaning text)
  where c.id = r.campaign_id
    and c.status in ('pending', 'triggered')
    and c.id in (
      select k.id
      from drip.campaigns k
      where k.id in (
        select (e.value ->> 'campaign_id')::bigint from jsonb_array_elements(p_programs) e)
      order by k.id
      for no key update skip locked);

  update drip.sequences s
  set status = 'paused', status_reason = r.meaning
  from jsonb_to_recordset(p_programs) as r (sequence_id bigint, meaning text)
  where s.id = r.sequence_id
    and s.status = 'active'
    and s.id in (
      select k.id
      from drip.sequences k
      where k.id in (
        select (e.value ->> 'sequence_id')::bigint from jsonb_array_elements(p_programs) e)
      order by k.id
      for no key update skip locked);
  perform
    drip._audit_system(
      v_mark, 'pause_campaign', 'campaign', array_agg((e.value ->> 'campaign_id')::bigint)),
    drip._audit_system(
      v_mark, 'pause_sequence', 'sequence', array_agg((e.value ->> 'sequence_id')::bigint))
  from jsonb_array_elements(p_programs) e;
  perform set_config('drip.hold_policy', '', true);
end
$$;
comment on function drip._stop_programs(jsonb) is
  'Pauses campaigns and sequences [{campaign_id, sequence_id, meaning}] until a person fixes them.';
