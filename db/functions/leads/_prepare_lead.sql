-- Every write of a lead, by a verb or in psql, cleans its token lists and marks it for enrollment.
-- An unknown time zone would stop every tenant's claim.
-- A sweep that clears enroll_check in the same statement has matched the lead: the mark stays off.
create or replace function drip._prepare_lead() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := drip.now();
begin
  -- one expression for the usual row: a value this small in its stored, uncompressed form cannot
  -- exceed the depth limit; a number stored in a few bytes may print as thousands of digits
  if length(new.name) > drip._limit('name')
    or length(new.trigger) > drip._limit('tokens')
    or length(new.niche) > drip._limit('tokens')
    or pg_column_size(new.attributes) > 256
    or pg_column_compression(new.attributes) is not null
    or length(new.attributes::text) > drip._limit('attributes')
  then
    perform drip._check_lead_sizes(new, case when tg_op = 'UPDATE' then old end);
  end if;
  if tg_op = 'INSERT' then
    new.phone_key := drip._phone_key(new.phone);
    new.trigger := drip._clean_tokens(new.trigger);
    new.niche := drip._clean_tokens(new.niche);
    perform drip._check_time_zone(new.time_zone);
    new.created_at := coalesce(new.created_at, v_now);
    new.updated_at := coalesce(new.updated_at, v_now);
    -- Without a token no sequence can match.
    new.enroll_check := new.trigger is not null or new.niche is not null;
    new.paused_at := case when new.paused_until is not null then v_now end;
    return new;
  end if;
  if new.paused_until is null then
    new.paused_at := null;
  elsif old.paused_until is null then
    new.paused_at := v_now;
  end if;
  if (new.phone, new.phone_key) is distinct from (old.phone, old.phone_key) then
    new.phone_key := drip._phone_key(new.phone);
  end if;
  if new.time_zone is distinct from old.time_zone then
    perform drip._check_time_zone(new.time_zone);
  end if;
  if new.trigger is distinct from old.trigger then
    new.trigger := drip._clean_tokens(new.trigger);
  end if;
  if new.niche is distinct from old.niche then
    new.niche := drip._clean_tokens(new.niche);
  end if;
  if (new.trigger, new.niche, new.target_status, new.device_id)
    is distinct from (old.trigger, old.niche, old.target_status, old.device_id)
    and not (old.enroll_check and not new.enroll_check)
  then
    new.enroll_check := new.trigger is not null or new.niche is not null;
  end if;
  -- A token consumed by a sweep, or a pause, is no change of the lead: it must not make the lead
  -- newer for sequences that take newer leads by niche.
  if new.updated_at = old.updated_at
    and not (old.enroll_check and not new.enroll_check)
    and (new.trigger, new.niche, new.target_status, new.device_id, new.name, new.time_zone,
         new.language, new.attributes, new.external_id, new.phone)
    is distinct from
      (old.trigger, old.niche, old.target_status, old.device_id, old.name, old.time_zone,
       old.language, old.attributes, old.external_id, old.phone)
  then
    new.updated_at := v_now;
  end if;
  if new.updated_at <> old.updated_at and new.niche is not null
    and not (old.enroll_check and not new.enroll_check)
  then
    new.enroll_check := true;
  end if;
  return new;
end
$$;
comment on function drip._prepare_lead() is
  'Trigger: cleans trigger and niche, and marks the lead for enrollment when they change.';

create or replace trigger leads_guard
  before insert or update on drip.leads
  for each row execute function drip._prepare_lead();
comment on trigger leads_guard on drip.leads is
  'Cleans token lists; sets enroll_check when trigger, niche, target_status or device changes, and
   for a lead with a niche on any other change but a pause.';

-- Old values are not checked again when something else changes.
create function drip._check_lead_sizes(p_new drip.leads, p_old drip.leads) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_new.name is distinct from p_old.name then
    perform drip._check_length(p_new.name, 'name', 'name');
  end if;
  if p_new.trigger is distinct from p_old.trigger then
    perform drip._check_length(p_new.trigger, 'tokens', 'trigger');
  end if;
  if p_new.niche is distinct from p_old.niche then
    perform drip._check_length(p_new.niche, 'tokens', 'niche');
  end if;
  if p_new.attributes is distinct from p_old.attributes then
    perform drip._check_json(p_new.attributes, 'attributes', 'attributes');
  end if;
end
$$;
comment on function drip._check_lead_sizes(drip.leads, drip.leads) is
  'DR021 for a changed name, token list or attributes that exceed their limit.';

-- One notification per statement, however many leads it changed.
create or replace function drip._announce_leads() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from changed_leads c where c.enroll_check) then
    perform pg_catalog.pg_notify('drip_enroll', '');
  end if;
  return null;
end
$$;
comment on function drip._announce_leads() is
  'Trigger: notifies the workers that leads wait for enrollment.';

create or replace trigger leads_announce_insert
  after insert on drip.leads
  referencing new table as changed_leads
  for each statement execute function drip._announce_leads();
comment on trigger leads_announce_insert on drip.leads is
  'New leads with a trigger or a niche are enrolled within a second.';

create or replace trigger leads_announce_update
  after update on drip.leads
  referencing new table as changed_leads
  for each statement execute function drip._announce_leads();
comment on trigger leads_announce_update on drip.leads is
  'Changed leads are enrolled within a second.';
