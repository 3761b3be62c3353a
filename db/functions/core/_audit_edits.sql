-- Triggers log every change of a setting or a status, by a verb or by hand, so that no function can
-- forget it. They watch columns whose comment begins with [setting] and those named status. Per
-- statement, so that a bulk edit costs one insert.
-- Which tables and why: docs/decisions/audit.md.
create or replace function drip._audit_edits() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Their keys may be edited too. Old and new row then share nothing but their position: both
  -- transition tables are filled row by row.
  c_rules constant text[] := array['error_code', 'greeting', 'stop_word'];
begin
  insert into drip.audit_log as g (
    at, user_id, session_user_name, role_name, action, subject_kind, subject_id, reason, details,
    edited_in)
  select
    drip.now(), c.user_id, drip._audit_actor(), nullif(current_setting('role'), 'none'),
    'edit_' || tg_argv[0], tg_argv[0], c.subject_id,
    max(c.status_reason),
    jsonb_build_object(
      'changes',
      jsonb_object_agg(c.key, jsonb_build_object('from', c.old_value, 'to', c.new_value)))
      || case when c.subject_id is null then jsonb_build_object('row', c.name) else '{}' end,
    pg_current_xact_id()
  from (
    select
      s.user_id, s.subject_id, s.name,
      -- edits of steps are logged with their sequence
      case when tg_argv[1] is null then k.key else format('step %s: %s', s.id, k.key) end as key,
      case when k.key = 'status' then s.new_row ->> 'status_reason' end as status_reason,
      s.old_row -> k.key as old_value,
      k.value as new_value
    from (
      select
        o.r as old_row, n.r as new_row, n.r ->> 'id' as id, drip._audit_key(o.r) as name,
        (n.r ->> case when tg_argv[0] = 'user' then 'id' else 'user_id' end)::bigint as user_id,
        (n.r ->> coalesce(tg_argv[1], 'id'))::bigint as subject_id
      from (
        select q.r, case when q.is_rule then q.place::text else drip._audit_key(q.r) end as pair
        from (
          select
            to_jsonb(t) as r, row_number() over () as place, tg_argv[0] = any (c_rules) as is_rule
          from old_rows t
        ) q
      ) o
      join (
        select q.r, case when q.is_rule then q.place::text else drip._audit_key(q.r) end as pair
        from (
          select
            to_jsonb(t) as r, row_number() over () as place, tg_argv[0] = any (c_rules) as is_rule
          from new_rows t
        ) q
      ) n on n.pair = o.pair
    ) s
    cross join lateral jsonb_each(s.new_row) as k (key, value)
    where k.value is distinct from s.old_row -> k.key
      and exists (
        select
        from pg_attribute a
        where a.attrelid = tg_relid
          and a.attname = k.key
          and (
            a.attname in (
              'status', 'word', 'category', 'text', 'meaning', 'from_hour', 'to_hour', 'language',
              'platform', 'code')
            or (a.attname in ('id', 'user_id') and tg_argv[0] = any (c_rules))
            or col_description(a.attrelid, a.attnum) like '[setting]%'))
  ) c
  group by c.user_id, c.subject_id, c.name;
  return null;
end
$$;
comment on function drip._audit_edits() is
  'Trigger: a line of the audit log for each object with a changed setting or status.';

create or replace trigger audit_edits
  after update on drip.users
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('user');
create or replace trigger audit_edits
  after update on drip.sender_accounts
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('account');
create or replace trigger audit_edits
  after update on drip.user_devices
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('device');
create or replace trigger audit_edits
  after update on drip.sequences
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('sequence');
create or replace trigger audit_edits
  after update on drip.sequence_steps
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('sequence', 'sequence_id');
create or replace trigger audit_edits
  after update on drip.campaigns
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('campaign');
create or replace trigger audit_edits
  after update on drip.error_codes
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('error_code');
create or replace trigger audit_edits
  after update on drip.greetings
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('greeting');
create or replace trigger audit_edits
  after update on drip.stop_words
  referencing old table as old_rows new table as new_rows
  for each statement execute function drip._audit_edits('stop_word');

create function drip._audit_key(p_row jsonb) returns text
language sql immutable parallel safe
as $$
  select coalesce(p_row ->> 'id', (p_row ->> 'platform') || ' ' || (p_row ->> 'code'))
$$;
comment on function drip._audit_key(jsonb) is
  'The key of a row of a watched table: its id, or platform and code.';
