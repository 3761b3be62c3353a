-- The worker names the campaign that it plans: when its session dies of the audience, it knows of
-- whose.
create function drip.list_due_campaigns()
returns table (campaign_id bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  begin
    return query
      select c.id
      from drip.campaigns c
      where c.status in ('pending', 'triggered') and drip._is_expansion_due(c, drip.now())
      order by c.scheduled_at, c.id;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    -- a bad row: expand_campaigns notes what is wrong with it
    return query
      select c.id
      from drip.campaigns c
      where c.status in ('pending', 'triggered') and c.expanded_at is null
      order by c.scheduled_at, c.id;
  end;
end
$$;
comment on function drip.list_due_campaigns() is
  'The campaigns of which expand_campaigns would plan something now, in its order.';
grant execute on function drip.list_due_campaigns() to drip_worker;
