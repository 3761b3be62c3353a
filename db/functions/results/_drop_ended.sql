-- A message that comes back from a worker after its journey has ended or its campaign was cancelled
-- never leaves: it is cancelled here, since a claim might never look at it.
create function drip._drop_ended(p_ids bigint[]) returns void
language sql volatile
as $$
  update drip.broadcast_messages m
  set status = 'cancelled', status_reason = x.ended, finished_at = drip.now(),
    not_before = null, deferred_reason = null
  from (
    select q.id, drip._why_ended(q.campaign_id, q.sequence_contact_id) as ended
    from drip.broadcast_messages q
    where q.id = any (p_ids)
  ) x
  where m.id = x.id and x.ended is not null
$$;
comment on function drip._drop_ended(bigint[]) is
  'Cancels those of these messages whose journey has ended or whose campaign was cancelled.';
