-- A campaign as one value, which create_campaign accepts. Instants are in UTC, whatever the
-- session's time zone.
create function drip.get_campaign(p_campaign text) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set time zone 'UTC'
set intervalstyle = 'postgres'
as $$
declare
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
begin
  perform drip._require_role('drip_app');
  return (
    select
      jsonb_build_object(
        'id', c.id, 'user', u.name, 'status', c.status, 'status_reason', c.status_reason,
        'scheduled_local', c.scheduled_at at time zone u.time_zone,
        'audience_count', c.audience_count, 'audience_taken_at', c.audience_taken_at,
        'began_at', c.began_at, 'began_definition', c.began_definition,
        'expanded_at', c.expanded_at,
        'paused_at', c.paused_at, 'last_error', c.last_error, 'last_run_at', c.last_run_at,
        'completed_at', c.completed_at, 'created_at', c.created_at, 'updated_at', c.updated_at)
      || drip._campaign_definition(c.id)
    from drip.campaigns c
    join drip.users u on u.id = c.user_id
    where c.id = v_campaign.id);
end
$$;
comment on function drip.get_campaign(text) is
  'The campaign as JSON: its definition, and its id, tenant, status, times and last error.';
grant execute on function drip.get_campaign(text) to drip_app;
