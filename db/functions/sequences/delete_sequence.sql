-- Only a sequence that never sent anything may be deleted; others are archived.
create function drip.delete_sequence(p_sequence text)
returns table (sequence_id bigint, name text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
begin
  perform drip._require_role('drip_app');
  -- Another session may be starting it: the row decides.
  delete from drip.sequences s where s.id = v_sequence.id and s.status = 'draft';
  if not found then
    perform drip._fail(
      'DR005', format('the sequence %s is not a draft', quote_literal(v_sequence.name)),
      'Only drafts are deleted; archive_sequence ends any other.');
  end if;
  perform drip._audit(
    v_sequence.user_id, 'delete_sequence', 'sequence', v_sequence.id, null,
    jsonb_build_object('name', v_sequence.name));
  return query select v_sequence.id, v_sequence.name, 'deleted';
end
$$;
comment on function drip.delete_sequence(text) is
  'Deletes a draft and its steps. Outcome: deleted. DR005 for any other sequence.';
grant execute on function drip.delete_sequence(text) to drip_app;
