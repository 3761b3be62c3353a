-- A cancel and the sweep that finishes it set the same columns.
create function drip._cancel_rows(p_ids bigint[]) returns void
language sql volatile
as $$
  update drip.broadcast_messages m
  set status = 'cancelled', status_reason = 'campaign_cancelled', finished_at = drip.now(),
    not_before = null, deferred_reason = null
  where m.id = any (p_ids) and m.status = 'pending'
$$;
comment on function drip._cancel_rows(bigint[]) is
  'Cancels messages of a cancelled campaign that the caller has locked.';
