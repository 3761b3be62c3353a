-- A lock, a full disk and the like are not the campaign's fault: it waits half a minute, and such
-- errors alone never make it fail.
create function drip._note_expansion_error(
  p_campaign_id bigint, p_state text, p_error text, p_now timestamptz)
returns boolean
language sql volatile
as $$
  update drip.campaigns c
  set last_error = format('%s: %s', p_state, p_error),
    last_run_at = p_now,
    expand_attempts = n.attempts,
    status = case when n.attempts >= 5 then 'failed' else c.status end,
    status_reason = case
      when n.attempts >= 5 then format('planning failed 5 times: %s', p_error)
      else c.status_reason
    end
  from (
    select
      b.id,
      case
        when drip._is_passing_error(p_state) then greatest(b.expand_attempts, 1)
        else b.expand_attempts + 1
      end as attempts
    from drip.campaigns b
    where b.id = p_campaign_id
  ) n
  where c.id = n.id and c.id in (
    -- an application may have locked the row while the audience was read: the next try records it
    select k.id
    from drip.campaigns k
    where k.id = p_campaign_id and k.status in ('pending', 'triggered')
    for no key update skip locked)
  returning true
$$;
comment on function drip._note_expansion_error(bigint, text, text, timestamptz) is
  'Records an error of planning on the campaign, which fails after five errors of its own in a row;
   null when another session has locked its row.';
