-- For use after the cause is fixed. Processing is idempotent: what had taken effect counts once.
create function drip.replay_dead_letters(p_ids bigint[], p_reason text default null)
returns table (dead_letter_id bigint, outcome text, applied boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
as $$
#variable_conflict use_column
declare
  v_users constant bigint[] := drip._mapped_users();
  v_ids bigint[];
begin
  perform drip._require_role('drip_operator');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  perform drip._check_count(cardinality(p_ids), 'messages', 'the dead letters');
  v_ids := array(
    select d.id
    from drip.dead_letters d
    where d.id = any (p_ids)
      and d.replayed_at is null
      and (d.user_id is null or d.user_id = any (v_users))
    order by d.id
    for update);
  perform pgmq.send_batch('drip_inbound', array(
    select jsonb_build_object(
      'kind', d.kind, 'id', d.subject_id, 'received_at', d.received_at, 'body', d.body)
    from drip.dead_letters d
    where d.id = any (v_ids)
    order by d.id))
  where cardinality(v_ids) > 0;
  update drip.dead_letters d set replayed_at = drip.now() where d.id = any (v_ids);
  perform drip._audit(
    d.user_id, 'replay_dead_letters', 'dead_letter', d.id, p_reason)
  from drip.dead_letters d
  where d.id = any (v_ids);
  if cardinality(v_ids) > 0 then
    perform pg_notify('drip_inbound', '');
  end if;
  return query
    select
      g.id,
      case
        when g.id = any (v_ids) then 'replayed'
        when d.id is null then 'not_found'
        else 'already_replayed'
      end,
      g.id = any (v_ids)
    from unnest(p_ids) with ordinality as g (id, place)
    left join drip.dead_letters d
      on d.id = g.id
      and (d.user_id is null or d.user_id = any (v_users))
    order by g.place;
end
$$;
comment on function drip.replay_dead_letters(bigint[], text) is
  'Puts webhooks that could not be processed back into the queue. Outcome: replayed,
   already_replayed, not_found.';
grant execute on function drip.replay_dead_letters(bigint[], text) to drip_operator;
