-- A reply ends journeys with stop_on_reply, once they have sent a message.
create function drip._end_replied_journeys(p_ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ended bigint[];
begin
  select array_agg(distinct e.id)
  into v_ended
  from drip.inbound_messages i
  join drip.sequence_contacts e on e.lead_id = i.lead_id
  join drip.sequences s on s.id = e.sequence_id
  where i.id = any (p_ids)
    and i.is_reply
    and i.opt_out_category is null
    and e.completed_at is null
    and s.stop_on_reply
    and exists (
      select
      from drip.broadcast_messages m
      where m.sequence_contact_id = e.id and m.status in ('processing', 'sent', 'unknown'));
  if v_ended is not null then
    perform drip._exit_enrollments(v_ended, 'lead_replied');
  end if;
end
$$;
comment on function drip._end_replied_journeys(bigint[]) is
  'Ends the journeys that these rows of inbound_messages reply to.';
