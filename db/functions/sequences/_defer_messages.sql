-- Deferred until infinity, with the reason that explanations and views show. A worker that pauses a
-- program skips locked rows (drip.hold_policy).
create function drip._defer_messages(p_ids bigint[], p_reason text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
begin
  if current_setting('drip.hold_policy', true) = 'skip' then
    v_ids := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (p_ids) and m.status = 'pending'
      order by m.id
      for no key update skip locked);
  else
    v_ids := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (p_ids) and m.status = 'pending'
      order by m.id
      for no key update);
  end if;
  update drip.broadcast_messages m
  set not_before = 'infinity', deferred_reason = p_reason
  where m.id = any (v_ids) and not drip._waits_for_retry(m);
end
$$;
comment on function drip._defer_messages(bigint[], text) is
  'Defers pending messages until they are freed; waits for rows that another session is changing.';
