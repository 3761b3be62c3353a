-- Only these columns decide times; an edit of any other one moves nothing.
create function drip._steps_in_use(p_sequence_id bigint) returns jsonb
language sql stable
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', st.id, 'place', st.day_number, 'delay', st.trigger_delay_hours,
    'send_time', st.send_time, 'valid_for', st.valid_for, 'type', st.message_type)), '[]')
  from drip.sequence_steps st
  where st.sequence_id = p_sequence_id and st.retired_at is null
$$;
comment on function drip._steps_in_use(bigint) is
  'The columns of a sequence''s steps that decide times, for _replan_journeys.';
