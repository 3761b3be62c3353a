-- A retry of an accepted message must not overtake later steps.
create function drip._may_try_again(p_message_id bigint) returns boolean
language sql stable
as $$
  select case
    when m.campaign_id is not null then c.status not in ('completed', 'cancelled')
    when m.sequence_contact_id is not null then e.completed_at is null and not exists (
      select
      from drip.broadcast_messages n
      join drip.sequence_steps ns on ns.id = n.sequence_stepid
      where n.sequence_contact_id = m.sequence_contact_id
        and ns.day_number > st.day_number
        and n.attempts > 0)
    else true
  end
  from drip.broadcast_messages m
  left join drip.campaigns c on c.id = m.campaign_id
  left join drip.sequence_contacts e on e.id = m.sequence_contact_id
  left join drip.sequence_steps st on st.id = m.sequence_stepid
  where m.id = p_message_id
$$;
comment on function drip._may_try_again(bigint) is
  'False when the message''s campaign or journey has ended, or a later step has been tried.';
