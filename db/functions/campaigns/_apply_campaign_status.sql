-- Applies a new status to the messages, whoever wrote it. No message is claimed once a pause or a
-- cancel has committed: it waits for the claims that are judging this campaign, and later claims
-- read its row. sweep_campaigns changes the rows of large campaigns in chunks.
create or replace function drip._apply_campaign_status() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
  v_freed record;
begin
  if new.status in ('paused', 'failed', 'cancelled') then
    perform drip._shut_out_claims(new.id);
    if new.sweeps is null and new.status = 'cancelled' then
      v_ids := array(
        select m.id
        from drip.broadcast_messages m
        where m.campaign_id = new.id and m.status = 'pending'
        order by m.id
        for no key update);
      perform drip._cancel_rows(v_ids);
    elsif new.sweeps is null then
      perform drip._defer_messages(
        array(
          select m.id
          from drip.broadcast_messages m
          where m.campaign_id = new.id and m.status = 'pending'),
        'campaign_paused');
    end if;
  elsif old.status in ('paused', 'failed') then
    if new.sweeps is null then
      v_ids := array(
        select m.id
        from drip.broadcast_messages m
        where m.campaign_id = new.id and m.status = 'pending'
        order by m.id
        for no key update);
      select f.moved, f.skipped
      into v_freed
      from drip._free_rows(
        v_ids, new.local_time_per_lead,
        coalesce(nullif(current_setting('drip.resume_policy', true), ''), 'shift'),
        coalesce(old.paused_at, drip.now()), drip.now()) f;
    else
      select c.moved, c.skipped into v_freed from drip._count_freed(new) c;
    end if;
    -- The verb reads this within the transaction.
    perform set_config(
      'drip.resumed', json_build_array(v_freed.moved, v_freed.skipped)::text, true);
    perform drip._forget_results(new.id, null);
  end if;
  return null;
end
$$;
comment on function drip._apply_campaign_status() is
  'Trigger: defers, frees or cancels the pending messages of a campaign when its status changes.';

create or replace trigger apply_campaign_status
  after update of status on drip.campaigns
  for each row when (new.status is distinct from old.status)
  execute function drip._apply_campaign_status();

create function drip._count_freed(
  p_campaign drip.campaigns, out moved bigint, out skipped bigint)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_policy constant text := p_campaign.sweeps -> -1 ->> 'policy';
  v_from constant timestamptz := p_campaign.sweeps -> -1 ->> 'from';
  v_to constant timestamptz := p_campaign.sweeps -> -1 ->> 'to';
  v_count bigint := 0;
begin
  if v_policy = 'shift'
    and (not p_campaign.local_time_per_lead or drip._whole_days(v_from, v_to) > 0)
  then
    v_count := null;
  elsif v_policy <> 'catch_up' then
    select count(*)
    into v_count
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id and m.status = 'pending'
      and m.scheduled_at > v_from and m.scheduled_at <= v_to;
  end if;
  moved := case v_policy when 'shift' then v_count else 0 end;
  skipped := case v_policy when 'skip' then v_count else 0 end;
end
$$;
comment on function drip._count_freed(drip.campaigns) is
  'What resuming a large campaign will do to its messages; null = to all pending ones.';

-- A campaign that is due now is expanded within a second, later ones by the minute's sweep; the
-- same holds for rows that a change of status leaves to the sweep.
create or replace function drip._announce_campaign() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.sweeps is not null then
    perform pg_notify('drip_campaign', '');
  else
    perform drip._announce_expansion(new);
  end if;
  return null;
end
$$;
comment on function drip._announce_campaign() is
  'Trigger: notifies the workers that a campaign is due or has rows left to change.';

create or replace trigger announce_campaign
  after insert or update of status, scheduled_at on drip.campaigns
  for each row when (
    (new.status in ('pending', 'triggered') and new.expanded_at is null)
    or new.sweeps is not null)
  execute function drip._announce_campaign();
