-- Checks every change of a sequence, so that an UPDATE in psql follows the same rules as the verbs:
-- an active one has steps and a way to enroll, and status moves only forward.
create or replace function drip._prepare_sequence() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_sweep constant text[] := array['swept_at', 'swept_to_lead_id'];
  v_was text;
begin
  new.trigger := nullif(btrim(new.trigger), '');
  new.niche := nullif(btrim(new.niche), '');
  new.exclusive_group := nullif(btrim(new.exclusive_group), '');
  perform drip._check_duration(new.start_delay, 'start_delay');
  perform drip._check_duration(new.reenroll_after, 'reenroll_after');
  if tg_op = 'INSERT'
    or (new.name, new.trigger, new.niche, new.description)
      is distinct from (old.name, old.trigger, old.niche, old.description)
  then
    perform drip._check_length(new.name, 'name', 'name');
    perform drip._check_length(new.trigger, 'name', 'trigger');
    perform drip._check_length(new.niche, 'name', 'niche');
    perform drip._check_length(new.description, 'text', 'description');
  end if;
  if tg_op = 'UPDATE' then
    if to_jsonb(new) - c_sweep = to_jsonb(old) - c_sweep then
      return new;
    end if;
    new.updated_at := drip.now();
    v_was := old.status;
    if (new.name, new.trigger, new.niche, new.target_status, new.auto_enroll, new.include_existing,
        new.status, new.exclusive_group, new.reenroll_after)
      is distinct from
      (old.name, old.trigger, old.niche, old.target_status, old.auto_enroll, old.include_existing,
       old.status, old.exclusive_group, old.reenroll_after)
    then
      -- Other leads may match now: the sweep compares all of them again.
      new.swept_at := null;
      new.swept_to_lead_id := 0;
    end if;
  end if;
  if new.status is distinct from v_was then
    if v_was = 'archived' or (new.status = 'draft' and v_was is not null)
      or (new.status = 'paused' and v_was = 'draft')
    then
      perform drip._fail(
        'DR005', format('a sequence that is %s cannot become %s', v_was, new.status),
        'draft → active ⇄ paused → archived; an archived one can be copied:'
        ' create_sequence(get_sequence(…) || ''{"name": "…"}'').');
    end if;
    new.paused_at := case when new.status = 'paused' then drip.now() end;
    if new.status = 'active' then
      new.started_at := coalesce(new.started_at, drip.now());
    end if;
  end if;
  if new.status in ('active', 'paused') then
    perform drip._check_sequence_ready(new);
  end if;
  return new;
end
$$;
comment on function drip._prepare_sequence() is
  'Trigger: normalizes and checks a sequence before it is written; sets the times of its status.';

create or replace trigger prepare_sequence
  before insert or update on drip.sequences
  for each row execute function drip._prepare_sequence();

-- An entry step without a trigger of its own has its sequence's and follows it, so that a removed
-- trigger enrolls nobody.
create or replace function drip._follow_trigger() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update drip.sequence_steps st
  set trigger = new.trigger
  where st.sequence_id = new.id
    and st.is_entry_point
    and st.retired_at is null
    and lower(st.trigger) is not distinct from lower(old.trigger);
  return null;
end
$$;
comment on function drip._follow_trigger() is
  'Trigger: the entry step''s trigger changes with its sequence''s, where the two were the same.';

create or replace trigger follow_trigger
  after update of trigger on drip.sequences
  for each row when (new.trigger is distinct from old.trigger)
  execute function drip._follow_trigger();
