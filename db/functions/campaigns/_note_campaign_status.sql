-- Records what a change of status leaves to be done. Up to 5,000 pending messages change in the
-- same statement; a campaign of 500,000 would block its caller for half a minute (measured: pause
-- 12 s, resume 26 s), so its rows change in chunks, while the verdict applies the new status at
-- once. Resumes are applied one after the other and completely: two pauses move a message twice.
create function drip._note_campaign_status(p_old drip.campaigns, p_new drip.campaigns)
returns drip.campaigns
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_at_once constant integer := 5000;
  v_now constant timestamptz := drip.now();
  v_policy constant text := coalesce(
    nullif(current_setting('drip.resume_policy', true), ''), 'shift');
  v_from constant timestamptz := coalesce(p_old.paused_at, v_now);
  v_was_held constant boolean := p_old.status in ('paused', 'failed');
  v_frees jsonb := coalesce(
    jsonb_path_query_array(p_old.sweeps, '$[*] ? (@.kind == "free")'), '[]');
  v_next jsonb;
  v_is_large boolean;
begin
  p_new.paused_at := case when p_new.status in ('paused', 'failed') then v_now end;
  if p_new.status = 'completed' then
    p_new.sweeps := null;
    p_new.freed_to_lead_id := null;
  end if;
  v_is_large := (
    select count(*) > c_at_once
    from (
      select
      from drip.broadcast_messages m
      where m.campaign_id = p_new.id and m.status = 'pending'
      limit c_at_once + 1
    ) q);
  if p_new.status in ('paused', 'failed') then
    v_next := '{"kind": "hold"}';
  elsif p_new.status = 'cancelled' then
    v_frees := '[]';
    v_next := '{"kind": "cancel"}';
  elsif v_was_held then
    v_next := jsonb_build_object(
      'kind', 'free', 'policy', v_policy, 'from', v_from, 'to', v_now);
  else
    return p_new;
  end if;
  p_new.sweeps := nullif(
    v_frees || case
      when v_is_large or jsonb_array_length(v_frees) > 0 then jsonb_build_array(v_next)
      else '[]'
    end, '[]');
  if p_new.sweeps -> 0 is distinct from p_old.sweeps -> 0 then
    p_new.swept_to_lead_id := 0;
  end if;
  p_new.freed_to_lead_id := drip._freed_to(p_new.sweeps, p_new.swept_to_lead_id);

  -- leads whose messages are not planned yet
  if p_new.scheduled_at is distinct from p_old.scheduled_at then
    p_new.pauses := null;
  elsif p_old.status = 'paused' and p_new.status in ('pending', 'triggered') then
    p_new := drip._resumed_campaign(p_new, v_policy, v_from, v_now);
  end if;
  return p_new;
end
$$;
comment on function drip._note_campaign_status(drip.campaigns, drip.campaigns) is
  'The campaign to be stored after a change of status, with its pause, its sweeps and its time.';
