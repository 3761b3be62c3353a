-- A new time applies to all waiting messages, regardless of pauses. Once planning has begun, the
-- audience cannot change.
create function drip._check_campaign_edit(p_old drip.campaigns, p_new drip.campaigns)
returns drip.campaigns
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if (p_new.scheduled_at, p_new.local_time_per_lead)
    is distinct from (p_old.scheduled_at, p_old.local_time_per_lead)
    and p_new.scheduled_at is not null
  then
    p_new.pauses := null;
    if p_new.status in ('paused', 'failed') then
      p_new.paused_at := drip.now();
    end if;
    p_new.sweeps := (
      select jsonb_agg(
        case when e.value ->> 'kind' = 'free' then e.value || '{"policy": "catch_up"}'
        else e.value end
        order by e.place)
      from jsonb_array_elements(p_new.sweeps) with ordinality as e (value, place));
  end if;
  if (p_old.expanded_to_lead_id > 0 or p_old.expanded_at is not null)
    and (p_new.niche, p_new.target_status, p_new.audience, p_new.everyone, p_new.exclude)
      is distinct from
      (p_old.niche, p_old.target_status, p_old.audience, p_old.everyone, p_old.exclude)
  then
    perform drip._fail(
      'DR005',
      format('planning of the campaign %s has begun', quote_literal(p_old.title)),
      'Reach other leads by a new campaign: create_campaign(get_campaign(…) || ''{"title": "…",'
      ' "niche": "…"}''); cancel_messages removes contacts.');
  end if;
  return p_new;
end
$$;
comment on function drip._check_campaign_edit(drip.campaigns, drip.campaigns) is
  'The campaign as it is to be stored after an edit; DR005 where the edit comes too late.';
