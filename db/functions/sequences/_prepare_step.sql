-- Reads an UPDATE of a step in psql like a definition: a blank trigger means none, and an active
-- sequence keeps its only way to enroll.
create or replace function drip._prepare_step() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  new.name := nullif(btrim(new.name), '');
  new.trigger := nullif(btrim(new.trigger), '');
  new.next_trigger := nullif(btrim(new.next_trigger), '');
  perform drip._check_duration(new.valid_for, 'valid_for');
  if tg_op = 'INSERT' or new.trigger is distinct from old.trigger
    or new.next_trigger is distinct from old.next_trigger
  then
    perform drip._check_length(new.trigger, 'name', 'trigger');
    perform drip._check_length(new.next_trigger, 'name', 'next_trigger');
  end if;
  if tg_op = 'INSERT'
    or (new.media_url, new.template) is distinct from (old.media_url, old.template)
  then
    perform drip._check_length(new.media_url, 'url', 'media_url');
    perform drip._check_json(new.template, 'template', 'template');
  end if;
  -- the verb checks the attributes of a whole definition once
  if tg_op = 'INSERT'
    or (new.message_type, new.content, new.caption, new.media_url, new.template)
      is distinct from
      (old.message_type, old.content, old.caption, old.media_url, old.template)
  then
    perform drip._check_message(
      new.message_type, new.content, new.caption, new.media_url, new.template,
      format('steps[%s].', new.day_number), 'content');
    perform drip._check_fits(
      new.user_id, null, new.message_type, new.content, new.caption,
      format('steps[%s].', new.day_number), 'content');
    perform drip._check_texts(
      new.user_id, array_agg(t.path), array_agg(t.text), tg_op = 'UPDATE')
    from drip._list_texts(
      new.content, new.caption, new.media_url, new.template,
      format('steps[%s].', new.day_number), 'content') t;
  end if;
  -- replace_steps removes steps and puts them back; it reports the changes itself
  if tg_op = 'UPDATE' and new is distinct from old
    and coalesce(current_setting('drip.editing_steps', true), '') = ''
  then
    new.updated_at := drip.now();
  end if;
  return new;
end
$$;
comment on function drip._prepare_step() is
  'Trigger: normalizes a step and checks its texts before it is written.';

create or replace trigger prepare_step
  before insert or update on drip.sequence_steps
  for each row execute function drip._prepare_step();

-- replace_steps checks this at its end, when all steps are in place
create or replace function drip._check_step_chain() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(current_setting('drip.editing_steps', true), '') = '' then
    perform drip._check_chain(s) from drip.sequences s where s.id = new.sequence_id;
  end if;
  return null;
end
$$;
comment on function drip._check_step_chain() is
  'Trigger: refuses a changed next_trigger that closes an endless chain.';

create or replace trigger check_chain
  after update of next_trigger on drip.sequence_steps
  for each row when (
    new.retired_at is null and new.next_trigger is not null
    and new.next_trigger is distinct from old.next_trigger)
  execute function drip._check_step_chain();

create or replace function drip._announce_step() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._check_sequence_ready(s)
  from drip.sequences s
  where s.id = new.sequence_id and s.status in ('active', 'paused');
  -- Other leads may match now: the sweep compares all of them again.
  update drip.sequences s
  set swept_at = null, swept_to_lead_id = 0
  where s.id = new.sequence_id and s.status = 'active';
  return null;
end
$$;
comment on function drip._announce_step() is
  'Trigger: checks a new trigger of an entry step, and has leads compared with it.';

create or replace trigger announce_step
  after update of trigger on drip.sequence_steps
  for each row when (new.is_entry_point and new.trigger is distinct from old.trigger)
  execute function drip._announce_step();

-- A time changed in psql moves the same messages as the verb does.
create or replace function drip._follow_steps() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence_id bigint;
begin
  if coalesce(current_setting('drip.editing_steps', true), '') <> '' then
    return null;
  end if;
  for v_sequence_id in
    select distinct n.sequence_id
    from new_steps n
    join old_steps o on o.id = n.id
    where (n.trigger_delay_hours, n.send_time, n.valid_for, n.message_type)
      is distinct from (o.trigger_delay_hours, o.send_time, o.valid_for, o.message_type)
    order by n.sequence_id
  loop
    perform drip._check_reach(v_sequence_id);
    perform from drip.sequences s where s.id = v_sequence_id for update;
    perform drip._replan_journeys(v_sequence_id, (
      select jsonb_agg(jsonb_build_object(
        'id', st.id, 'place', st.day_number, 'delay', st.trigger_delay_hours,
        'send_time', st.send_time, 'valid_for', st.valid_for, 'type', st.message_type))
      from (
        select o.* from old_steps o
        union all
        select k.*
        from drip.sequence_steps k
        where not exists (select from old_steps o where o.id = k.id)
      ) st
      where st.sequence_id = v_sequence_id and st.retired_at is null));
  end loop;
  return null;
end
$$;
comment on function drip._follow_steps() is
  'Trigger: pending messages follow a step whose time, validity or type was changed.';

create or replace trigger follow_steps
  after update on drip.sequence_steps
  referencing old table as old_steps new table as new_steps
  for each statement execute function drip._follow_steps();
