-- Completion follows from the rows: fully planned, nothing pending or in flight, and no unknown
-- outcome within unknown_hold.
create function drip._complete_campaigns(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_mark constant bigint := drip._audit_mark();
  v_done bigint[];
begin
  with done as (
    select c.id
    from drip.campaigns c
    where c.status = 'triggered'
      and c.expanded_at is not null
      and (p_user_id is null or c.user_id = p_user_id)
      and not exists (
        select
        from drip.broadcast_messages m
        where m.campaign_id = c.id and m.status = 'pending')
      and not exists (
        select
        from drip.broadcast_messages m
        where m.status = 'processing' and m.campaign_id = c.id)
      and not exists (
        select
        from drip.broadcast_messages m
        where m.user_id = c.user_id and m.status = 'unknown'
          and m.campaign_id = c.id and m.hold_ended_at is null)
    order by c.id
    limit p_limit
    for no key update skip locked
  ),
  completed as (
    update drip.campaigns c
    set status = 'completed', completed_at = drip.now()
    from done d
    where c.id = d.id
    returning c.id
  )
  select array_agg(k.id) into v_done from completed k;
  perform drip._audit_system(v_mark, 'complete_campaign', 'campaign', v_done);
  return coalesce(cardinality(v_done), 0);
end
$$;
comment on function drip._complete_campaigns(integer, bigint) is
  'Completes the campaigns whose messages are all finished; returns how many.';
