-- One statement for all heads: a call for each would cost a sixth of a claim.
create function drip._lock_contacts(p_messages bigint[]) returns bigint[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(m.id order by m.id)
    from drip.broadcast_messages m
    join drip.users u on u.id = m.user_id
    cross join lateral (
      select u.contact_gap is not null or u.contact_cap is not null as has_rule
    ) r
    left join lateral (
      select k.slot
      from drip.lock_rows k
      where r.has_rule
        and k.kind = 'contacts'
        and k.object_id = m.user_id
        and k.slot = m.lead_id % 1024
      for update skip locked
    ) s on true
    where m.id = any (p_messages)
      and (not r.has_rule
           or s.slot is not null
           or not exists (
             select
             from drip.lock_rows k
             where k.kind = 'contacts' and k.object_id = m.user_id)));
end
$$;
comment on function drip._lock_contacts(bigint[]) is
  'Locks the contacts of these messages whose tenant has a contact gap or cap, until the transaction
   ends; returns the messages whose contact no other transaction has locked.';
