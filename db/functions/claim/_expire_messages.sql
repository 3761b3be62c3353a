-- Past its expires_at a message becomes expired, visibly, even where its device cannot send. Paused
-- messages do not expire: the resume decides about their time.
create function drip._expire_messages(p_limit integer, p_user_id bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
  v_count bigint;
  v_enrollments bigint[];
begin
  with late as (
    select m.id
    from drip.broadcast_messages m
    where m.status = 'pending' and m.expires_at is not null and m.expires_at <= v_now
      and (p_user_id is null or m.user_id = p_user_id)
      and coalesce(m.deferred_reason, '') not in ('sequence_paused', 'campaign_paused')
      -- a message that waits after a failure is not marked by a pause
      and not (
        m.failures > 0
        and exists (
          select from drip.sequences s where s.id = m.sequence_id and s.status = 'paused'))
      -- a pause of a large campaign marks its messages later, a resume unmarks them later
      and not exists (
        select
        from drip.campaigns c
        where c.id = m.campaign_id
          and (c.status in ('paused', 'failed') or m.lead_id > c.freed_to_lead_id))
      and not exists (
        select
        from drip.sequence_contacts e
        join drip.leads l on l.id = e.lead_id
        where e.id = m.sequence_contact_id
          and (e.paused_at is not null or l.paused_until is not null))
    order by m.expires_at
    limit p_limit
    for no key update skip locked
  ),
  expired as (
    update drip.broadcast_messages m
    set status = 'expired', status_reason = 'expired', finished_at = v_now,
      not_before = null, deferred_reason = null
    from late l
    where m.id = l.id
    returning m.sequence_contact_id
  )
  select count(*), array_agg(distinct e.sequence_contact_id)
    filter (where e.sequence_contact_id is not null)
  into v_count, v_enrollments
  from expired e;
  if v_enrollments is not null then
    perform drip._advance_journeys(v_enrollments);
    perform drip._sync_enrollments(v_enrollments);
  end if;
  return v_count;
end
$$;
comment on function drip._expire_messages(integer, bigint) is
  'Expires pending messages whose time is over; returns how many.';
