-- Processed webhooks are kept for a week, to answer questions about them.
create function drip._prune_inbound(p_limit integer) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  delete from pgmq.a_drip_inbound a
  where a.msg_id in (
    select k.msg_id
    from pgmq.a_drip_inbound k
    where k.archived_at < drip.now() - interval '7 days'
    order by k.msg_id
    limit p_limit);
  get diagnostics v_count = row_count;
  delete from drip.dead_letters d
  where d.id in (
    select k.id
    from drip.dead_letters k
    where k.died_at < drip.now() - interval '90 days'
    order by k.died_at
    limit p_limit);
  delete from drip.notices n
  where n.id in (
    select k.id
    from drip.notices k
    where k.received_at < drip.now() - interval '400 days'
    order by k.id
    limit p_limit);
  return v_count;
end
$$;
comment on function drip._prune_inbound(integer) is
  'Removes archived webhooks after seven days, dead letters after ninety and notices after 400;
   returns how many webhooks.';
