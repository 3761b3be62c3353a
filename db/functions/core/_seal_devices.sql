-- Every login may listen to drip_wake, and say something there. What is said there is sealed: who
-- listens learns no device and cannot tell whether two notifications mean the same one, and what
-- others say opens to nothing. The same devices in one transaction give the same text, which
-- Postgres then sends once.
create function drip._seal_devices(p_devices bigint[]) returns text
language sql volatile
as $$
  with plain as materialized (
    select pg_catalog.pg_current_xact_id()::text::bigint || p_devices as numbers
  ),
  marked as materialized (
    select p.numbers, drip._wake_mark(p.numbers) as mark from plain p
  )
  select m.mark || ',' || string_agg(
    to_hex(n.number # drip._wake_key(m.mark, n.place)), ',' order by n.place)
  from marked m
  cross join unnest(m.numbers) with ordinality n (number, place)
  group by m.mark
$$;
comment on function drip._seal_devices(bigint[]) is
  'The devices as text that only _open_devices reads; an empty list stands for all.';

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
  'The devices of a sealed text, empty for all; null where nobody of ours has sealed it.';

create function drip._wake_mark(p_numbers bigint[]) returns text
language sql stable
as $$
  select left(drip._wake_hash(array_to_string(p_numbers, ',')), 16)
$$;
comment on function drip._wake_mark(bigint[]) is
  'A mark of these numbers that nobody else can make.';

create function drip._wake_key(p_mark text, p_place bigint) returns bigint
language sql stable
as $$
  select ('x' || left(drip._wake_hash(p_mark || ':' || p_place), 16))::bit(64)::bigint
$$;
comment on function drip._wake_key(text, bigint) is
  'What hides the number of that place below that mark.';

create function drip._wake_hash(p_text text) returns text
language sql stable
as $$
  select encode(
    sha256(convert_to('wake:' || ps.value, 'UTF8')
      || sha256(convert_to('wake:' || ps.value || p_text, 'UTF8'))),
    'hex')
  from drip.private_settings ps
  where ps.name = 'clock_secret'
$$;
comment on function drip._wake_hash(text) is
  'A keyed hash, with the secret of this database.';
