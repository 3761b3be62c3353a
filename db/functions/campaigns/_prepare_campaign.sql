-- Checks every change of a campaign, so that an UPDATE in psql follows the same rules as the verbs.
create or replace function drip._prepare_campaign() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_next constant jsonb := '{
    "draft": ["pending", "cancelled"],
    "pending": ["triggered", "completed", "paused", "cancelled", "failed"],
    "triggered": ["completed", "paused", "cancelled", "failed"],
    "paused": ["pending", "triggered", "cancelled"],
    "failed": ["pending", "triggered", "cancelled"],
    "completed": [],
    "cancelled": []
  }';
begin
  new.niche := nullif(btrim(new.niche), '');
  perform drip._check_duration(new.valid_for, 'valid_for');
  if tg_op = 'INSERT'
    or (new.title, new.media_url, new.template, new.variants)
      is distinct from (old.title, old.media_url, old.template, old.variants)
  then
    perform drip._check_length(new.title, 'name', 'title');
    perform drip._check_length(new.media_url, 'url', 'media_url');
    perform drip._check_json(new.template, 'template', 'template');
    perform drip._check_json(new.variants, 'definition', 'variants');
  end if;
  if new.variants is not null and (tg_op = 'INSERT' or new.variants is distinct from old.variants)
  then
    new.variants := drip._read_variants(new.variants, 'variants');
  end if;
  if tg_op = 'INSERT'
    or (new.message_type, new.message, new.caption, new.media_url, new.template, new.variants)
      is distinct from
      (old.message_type, old.message, old.caption, old.media_url, old.template, old.variants)
  then
    perform drip._check_campaign_texts(new, tg_op = 'UPDATE');
  end if;
  if tg_op = 'UPDATE' then
    if new is not distinct from old then
      return new;
    end if;
    new.updated_at := drip.now();
    -- the audience was stored for the old time and terms
    if new.expanded_to_lead_id = 0
      and (new.niche, new.target_status, new.audience, new.everyone, new.exclude,
           new.scheduled_at, new.local_time_per_lead)
        is distinct from
        (old.niche, old.target_status, old.audience, old.everyone, old.exclude,
         old.scheduled_at, old.local_time_per_lead)
    then
      new.audience_taken_at := null;
    end if;
    if new.status <> old.status then
      -- retry_messages reopens a completed campaign
      if not c_next -> old.status ? new.status
        and not (old.status = 'completed' and new.status = 'triggered'
                 and current_setting('drip.retries_campaign', true) = 'yes')
      then
        perform drip._fail(
          'DR005',
          format('a campaign that is %s cannot become %s', old.status, new.status),
          'A finished one can be copied:'
          ' create_campaign(get_campaign(…) || ''{"title": "…"}'').');
      end if;
      new := drip._note_campaign_status(old, new);
    else
      new := drip._check_campaign_edit(old, new);
    end if;
  end if;
  return new;
end
$$;
comment on function drip._prepare_campaign() is
  'Trigger: normalizes and checks a campaign before it is written, and sets the times of its
   status.';

create or replace trigger prepare_campaign
  before insert or update on drip.campaigns
  for each row execute function drip._prepare_campaign();
