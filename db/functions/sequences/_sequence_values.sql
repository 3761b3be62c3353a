-- device is another name for device_id; both mean the same column.
create function drip._sequence_values(p_user bigint, p_definition jsonb, p_is_change boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_values jsonb := drip._read_definition(
    p_definition, drip._sequence_keys(), '', p_user, p_is_change);
begin
  if v_values ? 'device' then
    if v_values ? 'device_id' and v_values -> 'device' <> v_values -> 'device_id' then
      perform drip._fail(
        'DR004', 'device and device_id name two devices', 'Leave one of them out.');
    end if;
    v_values := v_values - 'device' || jsonb_build_object('device_id', v_values -> 'device');
  end if;
  perform drip._check_delays(
    (v_values ->> 'min_delay_seconds')::integer, (v_values ->> 'max_delay_seconds')::integer, '');
  return v_values;
end
$$;
comment on function drip._sequence_values(bigint, jsonb, boolean) is
  'The columns of sequences that a definition sets, checked.';
