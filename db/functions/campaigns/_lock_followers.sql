-- An edit locks all messages that it may move before it changes any, in id order.
create function drip._lock_followers(p_campaign drip.campaigns) returns bigint[]
language sql volatile
as $$
  select array(
    select m.id
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id
      and (m.status = 'pending'
           or (m.status = 'skipped'
               and (m.status_reason = 'campaign_device_limit'
                    -- the row does not say whether the contact is excluded as well
                    or (m.status_reason = 'suppressed' and p_campaign.exclude is null))))
    order by m.id
    for no key update)
$$;
comment on function drip._lock_followers(drip.campaigns) is
  'Locks the messages that an edit of their campaign may change; their ids in order.';
