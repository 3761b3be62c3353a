-- A notification, so that planning need not wait for the next sweep.
create function drip._announce_expansion(p_campaign drip.campaigns) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_campaign.status in ('pending', 'triggered') and p_campaign.expanded_at is null
    and drip._expands_at(p_campaign) <= drip.now() + interval '15 seconds'
  then
    perform pg_notify('drip_campaign', '');
  end if;
end
$$;
comment on function drip._announce_expansion(drip.campaigns) is
  'Notifies the workers if messages of the campaign are to be planned now.';
