-- For a batch of results that raised an error: halves it until the bad result is alone and stops no
-- other. Its message becomes unknown, with the reason; where even that is refused, or the fault may
-- be the server's (XX), it stays as it is. Sorted, so that two batches lock in one order.
-- docs/decisions/poisoned-rows.md.
create function drip._record_apart(p_results jsonb, p_until timestamptz)
returns table (message_id bigint, status text, applied boolean, reason text, error text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_half constant integer := jsonb_array_length(p_results) / 2;
  v_state text;
  v_error text;
begin
  if drip._wall_clock() > p_until then
    return query
      select r.message_id, m.status, false, 'not_reached', null::text
      from jsonb_to_recordset(p_results) as r (message_id bigint)
      left join drip.broadcast_messages m on m.id = r.message_id;
    return;
  end if;
  begin
    return query
      select r.message_id, r.status, r.applied, null::text, null::text
      from drip._record_results(p_results, false) r;
    return;
  exception when others then
    if not drip._is_refusal(sqlstate) then
      raise;
    end if;
    v_state := sqlstate;
    v_error := sqlerrm;
  end;
  if v_half > 0 then
    return query
      select h.message_id, h.status, h.applied, h.reason, h.error
      from (values (0, v_half), (v_half, jsonb_array_length(p_results))) as part (first, last)
      cross join lateral drip._record_apart((
        select jsonb_agg(e.value order by e.place)
        from jsonb_array_elements(p_results) with ordinality as e (value, place)
        where e.place > part.first and e.place <= part.last), p_until) h;
    return;
  end if;
  if v_state not like 'XX%' then
    begin
      perform drip._record_results(
        jsonb_build_array(jsonb_build_object(
          'message_id', p_results #> '{0,message_id}', 'attempt', p_results #> '{0,attempt}',
          'outcome', 'unknown', 'scope', 'recipient', 'error_code', 'RESULT_REFUSED',
          'error_message', format('The database refused the sender''s answer (%s).', v_state))),
        false);
    exception when others then
      if not drip._is_refusal(sqlstate) then
        raise;
      end if;
    end;
  end if;
  -- when the lease expires, what was accepted must not be sent again
  begin
    update drip.message_attempts a
    set error_code = 'RESULT_REFUSED'
    from jsonb_to_recordset(p_results) as r (message_id bigint, attempt integer, outcome text)
    where a.message_id = r.message_id
      and a.attempt = r.attempt
      and r.outcome = 'accepted'
      and a.finished_at is null;
  exception when others then
    if not drip._is_refusal(sqlstate) then
      raise;
    end if;
  end;
  return query
    select
      r.message_id, m.status, false, 'refused: ' || v_state,
      format('message %s: %s: %s', r.message_id, v_state, v_error)
    from jsonb_to_recordset(p_results) as r (message_id bigint)
    left join drip.broadcast_messages m on m.id = r.message_id;
end
$$;
comment on function drip._record_apart(jsonb, timestamptz) is
  'record_results in halves, as far as it gets until that time; reason refused or not_reached, and
   error, for results that could not be recorded.';
