-- Applies parked receipts as soon as the result of their message is recorded.
create function drip._match_receipts(p_messages bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_ids bigint[];
begin
  v_ids := array(
    select r.id
    from drip.broadcast_messages m
    join drip.receipts r
      on r.provider_message_id = m.provider_message_id and r.user_id = m.user_id
    where m.id = any (p_messages)
    union
    select r.id
    from unnest(p_messages) as m (id)
    join drip.receipts r on r.message_ref = m.id);
  return drip._take_up_receipts(v_ids);
end
$$;
comment on function drip._match_receipts(bigint[]) is
  'Applies the parked receipts of these messages; returns how many.';
