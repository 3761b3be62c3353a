-- Steps are in order; the entry step has the sequence's trigger, and each inner next_trigger is the
-- trigger of the next step.
create function drip._insert_steps(p_sequence_id bigint, p_steps jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence drip.sequences;
  v_step jsonb;
  v_values jsonb;
  v_path text;
  v_place integer := 0;
  v_given_next text;
begin
  select s.* into v_sequence from drip.sequences s where s.id = p_sequence_id;
  if jsonb_typeof(p_steps) <> 'array' then
    perform drip._fail(
      'DR004', 'steps is not a list', 'Write "steps": [{"content": "…"}, …].');
  end if;
  perform drip._check_count(jsonb_array_length(p_steps), 'steps', 'the steps');
  for v_step in select e.value from jsonb_array_elements(p_steps) e loop
    v_place := v_place + 1;
    v_path := format('steps[%s]', v_place);
    v_values := drip._read_definition(
      v_step, drip._step_keys(), v_path || '.', v_sequence.user_id, false);
    if (v_values ->> 'day_number')::integer <> v_place then
      perform drip._fail(
        'DR004', format('%s.day_number is not %s', v_path, v_place),
        'day_number is the step''s place in the list, counted from 1; leave it out.');
    end if;
    if (v_values ->> 'is_entry_point')::boolean <> (v_place = 1) then
      perform drip._fail(
        'DR004', format('%s.is_entry_point is not %s', v_path, v_place = 1),
        'A journey begins at the first step; leave is_entry_point out.');
    end if;
    v_values := v_values || jsonb_build_object(
      'trigger', coalesce(
        v_values ->> 'trigger',
        case when v_place = 1 then v_sequence.trigger else v_given_next end));
    if lower(v_given_next) <> lower(v_values ->> 'trigger') then
      perform drip._fail(
        'DR004',
        format('steps[%s].next_trigger (%s) is not the trigger of the next step (%s)',
               v_place - 1, v_given_next, v_values ->> 'trigger'),
        'Only the last step''s next_trigger leads to another sequence.');
    end if;
    v_given_next := v_values ->> 'next_trigger';
    perform drip._check_message(
      coalesce(v_values ->> 'message_type', 'text'), v_values ->> 'content',
      v_values ->> 'caption', v_values ->> 'media_url',
      nullif(v_values -> 'template', 'null'), v_path || '.', 'content');
    perform drip._check_delays(
      coalesce((v_values ->> 'min_delay_seconds')::integer, v_sequence.min_delay_seconds),
      coalesce((v_values ->> 'max_delay_seconds')::integer, v_sequence.max_delay_seconds),
      v_path || '.');
    v_values := v_values || jsonb_build_object(
      'user_id', v_sequence.user_id, 'sequence_id', p_sequence_id, 'day_number', v_place,
      'is_entry_point', v_place = 1, 'created_at', drip.now(), 'updated_at', drip.now());
    execute format(
      'insert into drip.sequence_steps (%1$s) select %1$s'
      ' from pg_catalog.jsonb_populate_record(null::drip.sequence_steps, $1)',
      drip._column_list(v_values))
    using v_values;
  end loop;
end
$$;
comment on function drip._insert_steps(bigint, jsonb) is
  'Inserts the steps of a definition in their order; errors name the step, counted from 1.';
