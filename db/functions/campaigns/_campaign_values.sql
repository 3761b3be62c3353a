-- Creating and editing read a definition the same way.
create function drip._campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_values constant jsonb := drip._read_definition(
    p_definition, drip._campaign_keys(), '', p_user, p_is_change);
begin
  perform drip._check_delays(
    (v_values ->> 'min_delay_seconds')::integer, (v_values ->> 'max_delay_seconds')::integer, '');
  return v_values;
end
$$;
comment on function drip._campaign_values(bigint, jsonb, boolean) is
  'The columns of campaigns that a definition sets, checked.';
