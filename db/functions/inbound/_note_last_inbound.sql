-- A reply is recorded at once; a sweep records it where an application had locked the lead.
create function drip._note_last_inbound(p_ids bigint[]) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_leads bigint[];
  v_count bigint;
begin
  v_leads := array(
    select l.id
    from drip.leads l
    where l.id in (
      select i.lead_id
      from drip.inbound_messages i
      where i.id = any (p_ids) and i.kind not in ('preference', 'number_change'))
    order by l.id
    for no key update skip locked);
  update drip.leads l
  set last_inbound_at = q.at
  from (
    select i.lead_id, max(i.sent_at) as at
    from drip.inbound_messages i
    where i.id = any (p_ids) and i.kind not in ('preference', 'number_change')
      and i.lead_id = any (v_leads)
    group by i.lead_id
  ) q
  where l.id = q.lead_id and q.at > coalesce(l.last_inbound_at, '-infinity');
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function drip._note_last_inbound(bigint[]) is
  'Brings last_inbound_at of these messages'' leads up to date, skipping locked leads.';
