-- A stored audience is needed only until its campaign has been planned.
create function drip._prune_audiences(p_limit integer) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  with over as (
    select a.campaign_id, a.lead_id
    from drip.campaign_audience a
    join drip.campaigns c on c.id = a.campaign_id
    where c.expanded_at is not null or c.status in ('cancelled', 'completed')
    limit p_limit
    for update of a skip locked
  )
  delete from drip.campaign_audience a
  using over o
  where a.campaign_id = o.campaign_id and a.lead_id = o.lead_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip._prune_audiences(integer) is
  'Deletes the stored audiences of campaigns that are planned or over; returns how many rows.';
