-- A repeated definition returns the existing sequence; the same name with other content is an
-- error, never a silent overwrite. They are compared as the tables would store them, defaults
-- included: the definition is inserted under another name, read back, and rolled back.
create function drip.create_sequence(p_definition jsonb)
returns table (sequence_id bigint, name text, status text, steps integer, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_outcome text := 'existing';
  v_id bigint;
  v_copy bigint;
  v_wanted jsonb;
  v_constraint text;
  v_detail text;
begin
  perform drip._require_role('drip_app');
  if p_definition is null then
    perform drip._fail('DR001', 'there is no definition', 'Give a JSON object with a name.');
  end if;
  perform drip._check_json(p_definition, 'definition', 'the definition');
  perform drip._check_object(p_definition, 'the definition');
  for v_try in 1 .. 2 loop
    select s.id
    into v_id
    from drip.sequences s
    where s.user_id = v_user and s.name = btrim(p_definition ->> 'name');
    begin
      if v_id is null then
        v_id := drip._insert_sequence(v_user, p_definition);
        perform drip._check_sequence_texts(v_id);
        perform drip._check_reach(v_id);
        v_outcome := 'created';
      else
        v_copy := drip._insert_sequence(
          v_user, p_definition || jsonb_build_object('name', 'the same as ' || v_id || '?'));
        v_wanted := drip._sequence_definition(v_copy);
        raise exception using errcode = 'DR999';
      end if;
    exception
      when sqlstate 'DR999' then
        if v_wanted - 'name' is distinct from drip._sequence_definition(v_id) - 'name' then
          perform drip._fail(
            'DR013',
            format('there is another sequence %s', quote_literal(btrim(p_definition ->> 'name'))),
            'Change it with update_sequence, or choose another name.');
        end if;
      when integrity_constraint_violation then
        get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
        -- Another session has just created it: read it.
        continue when v_constraint = 'sequences_name_unique' and v_try = 1;
        perform drip._constraint_error(v_constraint, v_detail);
    end;
    exit;
  end loop;
  return query
    select
      s.id, s.name, s.status,
      (select count(*)::integer
       from drip.sequence_steps st
       where st.sequence_id = s.id and st.retired_at is null),
      v_outcome
    from drip.sequences s
    where s.id = v_id;
end
$$;
comment on function drip.create_sequence(jsonb) is
  'Creates a draft from a definition: columns of sequences, and steps as a list in order. Outcomes:
   created, existing (created by the same definition before). DR013 for a name with other content.';
grant execute on function drip.create_sequence(jsonb) to drip_app;
