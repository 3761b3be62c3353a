-- The whole of a sequence in one value; create_sequence accepts it. Instants in UTC, whatever the
-- session is set to.
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
  'The sequence as JSON: its definition with all steps, and its id, user, status and times.';
grant execute on function drip.get_sequence(text) to drip_app;

create function drip._sequence_definition(p_sequence_id bigint) returns jsonb
language sql stable
as $$
  select
    (select jsonb_object_agg(c.key, c.value)
     from jsonb_each(to_jsonb(s)) as c (key, value)
     join jsonb_each_text(drip._sequence_keys()) as k (key, kind) on k.key = c.key
     where k.kind <> 'read' and c.key <> 'device_id')
    || jsonb_build_object(
      'device', (select d.name from drip.user_devices d where d.id = s.device_id),
      'steps', coalesce((
        select jsonb_agg(q.step order by q.day_number)
        from (
          select st.day_number, jsonb_object_agg(c.key, c.value) as step
          from drip.sequence_steps st
          cross join jsonb_each(to_jsonb(st)) as c (key, value)
          join jsonb_each_text(drip._step_keys()) as k (key, kind) on k.key = c.key
          where st.sequence_id = s.id and st.retired_at is null and k.kind <> 'read'
          group by st.day_number
        ) q), '[]'))
  from drip.sequences s
  where s.id = p_sequence_id
$$;
comment on function drip._sequence_definition(bigint) is
  'What a definition of this sequence would say, every settable key included.';
