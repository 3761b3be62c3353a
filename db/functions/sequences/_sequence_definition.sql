-- Definitions are compared and exported, so they must be complete and in a fixed order.
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
  'The definition of this sequence, with every settable key.';
