-- Settings are JSON by column name, applied one by one, so that an error names its key.
create function drip._apply_settings(
  p_row anyelement, p_settings jsonb, p_known text[], p_what text)
returns anyelement
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row alias for $0;
  v_setting record;
begin
  v_row := p_row;
  if coalesce(jsonb_typeof(p_settings), 'null') not in ('null', 'object') then
    perform drip._fail(
      'DR001', pg_catalog.format('the settings of %s are not a JSON object', p_what),
      'Write {"column": value, …}.');
  end if;
  if coalesce(jsonb_typeof(p_settings), 'null') = 'null' then
    return v_row;
  end if;
  perform drip._check_json(p_settings, 'settings', format('the settings of %s', p_what));
  for v_setting in
    select s.key, s.value from jsonb_each(p_settings) s order by s.key
  loop
    if v_setting.key <> all (p_known) then
      perform drip._fail(
        'DR003',
        pg_catalog.format('%s has no setting %s', p_what, pg_catalog.quote_literal(v_setting.key)),
        pg_catalog.format(
          'The nearest one is %s.', drip._nearest(v_setting.key, p_known)));
    end if;
    begin
      v_row := jsonb_populate_record(
        v_row, jsonb_build_object(v_setting.key, v_setting.value));
    exception when data_exception or syntax_error_or_access_rule_violation then
      perform drip._fail(
        'DR004',
        pg_catalog.format(
          '%s cannot be %s', v_setting.key, left(v_setting.value::text, 100)),
        pg_catalog.format('The column has the type %s.', (
          select pg_catalog.format_type(a.atttypid, a.atttypmod)
          from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.typrelid = a.attrelid
          where t.oid = pg_catalog.pg_typeof(p_row)::oid and a.attname = v_setting.key)));
    end;
  end loop;
  return v_row;
end
$$;
comment on function drip._apply_settings(anyelement, jsonb, text[], text) is
  'The row with settings {"column": value} applied; DR003 unknown key, DR004 wrong value.';
