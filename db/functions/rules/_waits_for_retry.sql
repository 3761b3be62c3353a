-- The wait that a sender asked for after a failure survives a pause and its end: the claim judges
-- the pause by itself, and nothing else remembers the wait.
create function drip._waits_for_retry(p_message drip.broadcast_messages) returns boolean
language sql stable parallel safe
as $$
  select p_message.failures > 0
    and coalesce(p_message.deferred_reason = 'not_due', false)
    and p_message.not_before > drip.now()
$$;
comment on function drip._waits_for_retry(drip.broadcast_messages) is
  'True while a message waits after a failure, for as long as the sender or error_codes said.';
