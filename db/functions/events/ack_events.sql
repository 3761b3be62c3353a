-- An acknowledged event leaves its queue; the facts stay in the tables and views.
create function drip.ack_events(p_queue text, p_ids bigint[])
returns table (ack_id bigint, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_name constant text := drip._find_event_queue(v_user, p_queue);
begin
  perform drip._require_role('drip_app');
  perform drip._check_count(cardinality(p_ids), 'messages', 'the events');
  return query
    with acked as (
      select d.id from pgmq.delete(v_name, p_ids) as d (id)
    )
    select g.id, case when a.id is null then 'not_waiting' else 'acked' end
    from (select distinct u.id from unnest(p_ids) as u (id) where u.id is not null) g
    left join acked a on a.id = g.id
    order by g.id;
end
$$;
comment on function drip.ack_events(text, bigint[]) is
  'Removes handled events from a queue, by the ack_id that read_events gave. One row per id;
   outcome: acked, not_waiting (acked before, or never there).';
grant execute on function drip.ack_events(text, bigint[]) to drip_app;
