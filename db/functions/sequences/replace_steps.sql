-- The rehearsal is the edit itself, rolled back: the edit does exactly what it lists.
create function drip.replace_steps(
  p_sequence text, p_steps jsonb, p_dry_run boolean default true)
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
begin
  perform drip._require_role('drip_app');
  if p_steps is null then
    perform drip._fail('DR001', 'there are no steps', 'Give a list: [{"content": "…"}, …].');
  end if;
  perform drip._check_json(p_steps, 'definition', 'the list of steps');
  return query
    select r.*
    from drip._rehearse_steps(
      v_sequence, p_steps, coalesce(p_dry_run, true), 'replace_steps') r;
end
$$;
comment on function drip.replace_steps(text, jsonb, boolean) is
  'Replaces the steps of a sequence by this list; steps are matched by id, then by name. Lists each
   step that is added, changed, shifted or removed (step_…), and each message that moves, or that a
   live journey gains or loses, with its times. p_dry_run true changes nothing. Sent messages stay;
   a journey gains no step before its latest one.';
grant execute on function drip.replace_steps(text, jsonb, boolean) to drip_app;
