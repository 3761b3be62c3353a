-- The worker names the campaign that it plans: when the audience ends its session, it knows which
-- campaign to blame.
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
    -- a row with bad data: expand_campaigns records its error
    return query
      select c.id
      from drip.campaigns c
      where c.status in ('pending', 'triggered') and c.expanded_at is null
      order by c.scheduled_at, c.id;
  end;
end
$$;
comment on function drip.list_due_campaigns() is
  'The campaigns that expand_campaigns would plan now, in its order.';
grant execute on function drip.list_due_campaigns() to drip_worker;
