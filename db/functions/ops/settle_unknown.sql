-- A person's decision on an unknown message is recorded like a late result, so that journey,
-- campaign and counts follow.
create function drip.settle_unknown(
  p_messages bigint[], p_outcome text, p_reason text default null, p_dry_run boolean default true)
returns table (message_id bigint, status text, applied boolean, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_users constant bigint[] := drip._mapped_users();
  v_results jsonb;
  v_done bigint[] := '{}';
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform drip._check_count(cardinality(p_messages), 'messages', 'the messages');
  if coalesce(p_outcome, '') not in ('sent', 'failed') then
    perform drip._fail(
      'DR001', pg_catalog.format('%s cannot settle a message', pg_catalog.quote_nullable(
        left(p_outcome, 60))),
      'Use sent or failed.');
  end if;
  if not p_dry_run then
    select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'message_id', q.id,
      'attempt', q.attempts,
      'outcome', case p_outcome when 'sent' then 'accepted' else 'permanent' end,
      'error_code', case p_outcome when 'failed' then 'SETTLED' end,
      'error_message', case p_outcome when 'failed' then nullif(btrim(p_reason), '') end)))
    into v_results
    from (
      select m.id, m.attempts
      from drip.broadcast_messages m
      where m.id = any (p_messages) and m.user_id = any (v_users) and m.status = 'unknown'
      order by m.id
      for no key update skip locked
    ) q;
    if v_results is not null then
      v_done := array(
        select r.message_id from drip._record_results(v_results, false) r where r.applied);
      perform drip._audit_messages('settle_unknown', v_done, p_reason);
    end if;
  end if;
  return query
    select r.*
    from drip._report_messages(p_messages, v_users, v_done, p_dry_run, array['unknown']) r;
end
$$;
comment on function drip.settle_unknown(bigint[], text, text, boolean) is
  'Settles unknown messages as sent or failed. Where applied is false, reason says why: dry_run,
   not_found, held (locked by another session; try again), or its status.';
grant execute on function drip.settle_unknown(bigint[], text, text, boolean) to drip_operator;
