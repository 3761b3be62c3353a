-- A sequence as one value, which create_sequence accepts. Instants are in UTC, whatever the time
-- zone of the session.
create function drip.get_sequence(p_sequence text) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set time zone 'UTC'
set intervalstyle = 'postgres'
as $$
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
begin
  perform drip._require_role('drip_app');
  return (
    select
      jsonb_build_object(
        'id', s.id, 'user', u.name, 'status', s.status, 'status_reason', s.status_reason,
        'paused_at', s.paused_at, 'started_at', s.started_at, 'created_at', s.created_at,
        'updated_at', s.updated_at)
      || drip._sequence_definition(s.id)
      || jsonb_build_object('steps', drip._listed_steps(s.id))
    from drip.sequences s
    join drip.users u on u.id = s.user_id
    where s.id = v_sequence.id);
end
$$;
comment on function drip.get_sequence(text) is
  'The sequence as JSON: its definition with all steps, and its id, tenant, status and times.';
grant execute on function drip.get_sequence(text) to drip_app;
