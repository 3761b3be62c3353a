-- Results are fenced by the attempt: only a message's current attempt moves it, except that a late
-- outcome settles an unknown message and a late accepted one stops a planned retry.
create function drip.record_results(p_worker text, p_results jsonb)
returns table (message_id bigint, status text, applied boolean, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_bad text;
  v_error text;
  v_row record;
begin
  perform drip._require_role('drip_worker');
  if coalesce(jsonb_typeof(p_results), 'null') <> 'array' then
    perform drip._fail(
      'DR001', 'p_results is not an array of results',
      'Pass [{"message_id": 1, "attempt": 1, "outcome": "accepted", …}].');
  end if;
  perform drip._check_count(jsonb_array_length(p_results), 'messages', 'the results');
  select e.value::text
  into v_bad
  from jsonb_array_elements(p_results) e
  where coalesce(e.value ->> 'outcome', '') not in ('accepted', 'retry', 'permanent', 'unknown')
    or coalesce(e.value ->> 'scope', 'recipient') not in ('recipient', 'device', 'account')
    or coalesce(e.value ->> 'message_id', '') !~ '^[0-9]{1,18}$'
    or coalesce(e.value ->> 'attempt', '') !~ '^[0-9]{1,9}$'
    or coalesce(e.value ->> 'retry_after_seconds', '0') !~ e'^[0-9]{1,9}(\\.[0-9]+)?$'
  limit 1;
  if v_bad is not null then
    perform drip._fail(
      'DR004', pg_catalog.format('a result cannot be read: %s', left(v_bad, 200)),
      'message_id and attempt are whole numbers; outcome is accepted, retry, permanent or unknown; '
      || 'scope is recipient, device or account; retry_after_seconds is a number.');
  end if;
  -- a subtransaction, measured in docs/decisions/poisoned-rows.md
  begin
    return query
      select r.message_id, r.status, r.applied, null::text
      from drip._record_results(p_results, false) r;
    return;
  exception when others then
    if not drip._is_refusal(sqlstate) then
      raise;
    end if;
  end;
  for v_row in
    select r.message_id, r.status, r.applied, r.reason, r.error
    from drip._record_apart(
      (select jsonb_agg(e.value order by (e.value ->> 'message_id')::bigint)
       from jsonb_array_elements(p_results) e),
      drip._wall_clock() + interval '5 seconds') r
  loop
    v_error := coalesce(v_error, v_row.error);
    message_id := v_row.message_id;
    status := v_row.status;
    applied := v_row.applied;
    reason := v_row.reason;
    return next;
  end loop;
  -- last: a writer of this row must wait for nothing more
  if v_error is not null then
    perform drip._note_task_error('record_results', v_error);
  end if;
end
$$;
comment on function drip.record_results(text, jsonb) is
  'Records outcomes [{message_id, attempt, outcome: accepted|retry|permanent|unknown, scope:
   recipient|device|account, provider_message_id, error_code, error_message,
   retry_after_seconds}]; applied is false for an attempt that is no longer its message''s current
   one, and where reason says why it could not be recorded: refused and an SQLSTATE (the message has
   become unknown, or stays processing until its lease expires), or not_reached (pass it again).';
grant execute on function drip.record_results(text, jsonb) to drip_worker;
