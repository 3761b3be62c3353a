-- A preview and the resume itself must agree on leads that are not planned yet.
create function drip._resumed_campaign(
  p_campaign drip.campaigns, p_policy text, p_from timestamptz, p_to timestamptz)
returns drip.campaigns
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- while nothing is planned, a pause holds something from the time of the campaign on
  v_from constant timestamptz := case
    when p_policy = 'shift' and p_campaign.expanded_to_lead_id = 0
      then greatest(p_from, drip._expands_at(p_campaign))
    else p_from
  end;
begin
  if p_campaign.expanded_at is not null or v_from > p_to then
    return p_campaign;
  end if;
  return drip._shift_campaign(p_campaign, p_policy, v_from, p_to);
end
$$;
comment on function drip._resumed_campaign(drip.campaigns, text, timestamptz, timestamptz) is
  'A campaign after a pause, as far as it concerns leads that are not planned yet.';

-- The campaign's own time moves with its messages, and so do earlier pauses of leads that are not
-- planned yet.
create function drip._shift_campaign(
  p_campaign drip.campaigns, p_policy text, p_from timestamptz, p_to timestamptz)
returns drip.campaigns
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_zone constant text := (select u.time_zone from drip.users u where u.id = p_campaign.user_id);
  v_days constant integer := drip._whole_days(p_from, p_to);
  v_by constant interval := case
    when p_policy <> 'shift' then interval '0'
    when p_campaign.local_time_per_lead then v_days * interval '24 hours'
    else drip._exactly(p_to - p_from)
  end;
begin
  if p_policy = 'shift' then
    p_campaign.scheduled_at := case
      when p_campaign.local_time_per_lead then drip._local_instant(
        (p_campaign.scheduled_at at time zone v_zone) + v_days * interval '1 day', v_zone)
      else p_campaign.scheduled_at + v_by
    end;
    p_campaign.pauses := (
      select jsonb_agg(
        e.value || jsonb_build_object(
          'from', (e.value ->> 'from')::timestamptz + v_by,
          'to', (e.value ->> 'to')::timestamptz + v_by)
        order by e.place)
      from jsonb_array_elements(p_campaign.pauses) with ordinality as e (value, place));
  end if;
  if p_policy = 'skip' or (p_policy = 'shift' and p_campaign.local_time_per_lead) then
    p_campaign.pauses := coalesce(p_campaign.pauses, '[]') || jsonb_build_array(
      jsonb_build_object('policy', p_policy, 'from', p_from + v_by, 'to', p_to));
  end if;
  return p_campaign;
end
$$;
comment on function drip._shift_campaign(drip.campaigns, text, timestamptz, timestamptz) is
  'A partly planned campaign after a pause: its time, and that of later leads.';
