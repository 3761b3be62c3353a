-- Every login may notify a channel, so only sealed payloads are trusted.
create function drip._open_devices(p_sealed text) returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_parts text[];
  v_numbers bigint[];
begin
  if length(p_sealed) > 8000 or p_sealed !~ '^[0-9a-f]{16}(,[0-9a-f]{1,16})+$' then
    return null;
  end if;
  v_parts := string_to_array(p_sealed, ',');
  v_numbers := array(
    select ('x' || lpad(p.part, 16, '0'))::bit(64)::bigint # drip._wake_key(v_parts[1], p.place)
    from unnest(v_parts[2:]) with ordinality p (part, place)
    order by p.place);
  return case when drip._wake_mark(v_numbers) = v_parts[1] then v_numbers[2:] end;
end
$$;
comment on function drip._open_devices(text) is
  'The devices of a sealed text, empty for all; null for a text that we have not sealed.';
