-- A list or a string in place of an object would read as an empty definition.
create function drip._check_object(p_value jsonb, p_what text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_value) is distinct from 'object' then
    perform drip._fail(
      'DR004', format('%s must be an object', p_what),
      'Its keys are column names: {"name": "…"}.');
  end if;
end
$$;
comment on function drip._check_object(jsonb, text) is
  'DR004 when the value is anything but a JSON object.';
