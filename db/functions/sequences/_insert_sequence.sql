-- Reads a definition of a sequence into a row of sequences and its steps. Writes only named
-- columns, so that the tables' defaults apply and a patch leaves the others alone.
create function drip._insert_sequence(p_user bigint, p_definition jsonb) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_values jsonb := drip._sequence_values(p_user, p_definition - 'steps', false);
  v_id bigint;
begin
  if v_values ->> 'name' is null then
    perform drip._fail('DR001', 'the definition has no name', 'Add "name": "…".');
  end if;
  -- A utility message goes before drip steps, unless the definition says otherwise.
  if v_values ->> 'category' = 'utility' and not v_values ? 'priority' then
    v_values := v_values || '{"priority": 1}';
  end if;
  v_values := v_values || jsonb_build_object(
    'user_id', p_user, 'created_at', drip.now(), 'updated_at', drip.now());
  execute format(
    'insert into drip.sequences (%1$s) select %1$s'
    ' from pg_catalog.jsonb_populate_record(null::drip.sequences, $1) returning id',
    drip._column_list(v_values))
  into v_id
  using v_values;
  perform drip._insert_steps(v_id, coalesce(p_definition -> 'steps', '[]'));
  return v_id;
end
$$;
comment on function drip._insert_sequence(bigint, jsonb) is
  'Inserts a draft from a definition, with its steps; returns its id.';
