-- A chain that leads back to its start: without a reenroll_after it would end silently once
-- everybody has been through, so it must be a mistake. With one it is an intended loop, and that
-- setting says how often at most a contact repeats it. Two activations of one tenant wait for each
-- other, so that they cannot close a ring together.
create function drip._check_chain(p_sequence drip.sequences) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_entry text;
  v_next text;
  v_ring text[];
begin
  if p_sequence.status <> 'active' or p_sequence.auto_enroll <> 'trigger'
    or p_sequence.reenroll_after is not null
  then
    return;
  end if;
  v_entry := drip._entry_token(p_sequence);
  v_next := drip._exit_token(p_sequence.id);
  if v_entry is null or v_next is null then
    return;
  end if;
  perform drip._lock_all('chains', p_sequence.user_id);
  with recursive programs as materialized (
    select
      s.id, s.name, drip._entry_token(s) as entry_token, drip._exit_token(s.id) as exit_token
    from drip.sequences s
    where s.user_id = p_sequence.user_id
      and s.id <> p_sequence.id
      and s.status = 'active'
      and s.auto_enroll = 'trigger'
      and s.reenroll_after is null
  ),
  chain as (
    select array[p_sequence.id] as ids, array[p_sequence.name] as names, v_next as token
    union all
    select c.ids || p.id, c.names || p.name, p.exit_token
    from chain c
    join programs p on p.entry_token = c.token
    where p.id <> all (c.ids) and c.token <> v_entry
  )
  select c.names || p_sequence.name
  into v_ring
  from chain c
  where c.token = v_entry
  order by cardinality(c.names)
  limit 1;
  if v_ring is not null then
    perform drip._fail(
      'DR020',
      format('the chain leads back to its start: %s', array_to_string(v_ring, ' → ')),
      'Change the last next_trigger of one of them, or set reenroll_after on one to make it a'
      ' loop, which a contact repeats at most that often.');
  end if;
end
$$;
comment on function drip._check_chain(drip.sequences) is
  'DR020 where the sequence, as it will be, closes an unbounded ring of next_triggers.';

create function drip._exit_token(p_sequence_id bigint) returns text
language sql stable
as $$
  select lower(nullif(btrim(st.next_trigger), ''))
  from drip.sequence_steps st
  where st.sequence_id = p_sequence_id and st.retired_at is null
  order by st.day_number desc
  limit 1
$$;
comment on function drip._exit_token(bigint) is
  'The token that a lead gets at the end of the sequence, in lower case.';
