-- The rehearsal is the edit itself, rolled back: what it lists is what the edit then does.
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
  'Puts this list in place of the sequence''s steps; a step is matched by its id, then by its name.
   Lists each step that is added, changed, shifted or removed (step_…), and each message that moves,
   or that a live journey gains or loses, with its times. p_dry_run true changes nothing. What was
   sent stays; a journey gains nothing that stands before the last step it has had.';
grant execute on function drip.replace_steps(text, jsonb, boolean) to drip_app;
