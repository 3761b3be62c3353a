-- Patches one step: replaces the list of steps by one with this step changed.
create function drip.update_step(p_sequence text, p_step text, p_changes jsonb)
returns table (
  change text, step integer, step_name text, sequence_stepid bigint, changed text[],
  enrollment_id bigint, lead_id bigint, message_id bigint, at_before timestamptz,
  at_after timestamptz, applied boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_step constant drip.sequence_steps := drip._find_step(v_sequence, p_step);
  v_steps jsonb;
begin
  perform drip._require_role('drip_app');
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"content": "…"}.');
  end if;
  perform drip._check_json(p_changes, 'definition', 'p_changes');
  perform drip._read_definition(
    p_changes, drip._step_keys(), 'changes.', v_sequence.user_id, true);
  if (p_changes ->> 'day_number')::integer <> v_step.day_number
    or (p_changes ->> 'is_entry_point')::boolean <> v_step.is_entry_point
  then
    perform drip._fail(
      'DR004', 'update_step cannot change the place of a step',
      'Use replace_steps with the steps in their new order.');
  end if;
  v_steps := (
    select jsonb_agg(
      e.value || case when (e.value ->> 'id')::bigint = v_step.id then p_changes else '{}' end
      order by e.place)
    from jsonb_array_elements(drip._listed_steps(v_sequence.id)) with ordinality
      as e (value, place));
  return query
    select r.* from drip._rehearse_steps(v_sequence, v_steps, false, 'update_step') r;
end
$$;
comment on function drip.update_step(text, text, jsonb) is
  'Changes the named settings of one step (an id, a name or its position as #2) and nothing else.
   Text applies from the next claim; a changed time lists each message that moves, like
   replace_steps. No row when nothing changed.';
grant execute on function drip.update_step(text, text, jsonb) to drip_app;
