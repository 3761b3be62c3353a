-- Why messages fail, wait for a retry or are unknown, by the provider's code. A code without a row
-- in error_codes comes with the statement that adds one.
create view drip.failure_reasons with (security_barrier) as
select
  q.user_id,
  u.name as user_name,
  q.platform,
  q.error_code,
  q.status,
  q.messages,
  q.contacts,
  q.first_at,
  q.last_at,
  q.next_try_at,
  coalesce(x.meaning, q.last_error) as meaning,
  q.last_error,
  x.scope,
  x.action,
  x.wait,
  x.code is not null as is_known,
  case
    when x.code is null and q.platform is not null then format(
      'insert into drip.error_codes (platform, code, scope, action, wait, auto_resume, meaning)'
      || ' values (%L, %L, %L, %L, null, %L, %L);',
      q.platform, q.error_code,
      case when q.is_device then 'device' else 'recipient' end,
      case
        when q.status = 'failed' then 'fail'
        when q.status = 'unknown' then 'unknown'
        when q.is_device and q.is_refused then 'stop'
        else 'retry'
      end,
      not (q.is_device and q.is_refused),
      coalesce(q.last_error, q.error_code))
  end as remedy
from (
  select
    m.user_id,
    d.platform,
    m.error_code,
    m.status,
    count(*) as messages,
    count(distinct m.lead_id) as contacts,
    min(a.finished_at) as first_at,
    max(a.finished_at) as last_at,
    min(m.due_at) filter (where m.status = 'pending' and m.due_at < 'infinity') as next_try_at,
    (array_agg(m.error_message order by a.finished_at desc nulls last, m.id desc))[1]
      as last_error,
    bool_or(m.status_reason = 'device_error') as is_device,
    bool_or(a.outcome = 'permanent') as is_refused
  -- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
  from (
    select x.* from drip.broadcast_messages x where drip._policies_hold('failure_reasons')
  ) m
  left join drip.user_devices d on d.id = m.device_id
  left join drip.message_attempts a on a.message_id = m.id and a.attempt = m.attempts
  where m.error_code is not null and m.status in ('pending', 'failed', 'unknown')
    and not m.is_test
  group by m.user_id, d.platform, m.error_code, m.status
) q
join drip.users u on u.id = q.user_id
left join drip.error_codes x on x.platform = q.platform and x.code = q.error_code;
comment on view drip.failure_reasons is
  'Grain: tenant × platform × error code × status (user_id, platform, error_code, status). Why
   messages failed, are unknown or wait for a retry, and whether the code is known.';
comment on column drip.failure_reasons.user_id is 'Tenant.';
comment on column drip.failure_reasons.user_name is 'Its name.';
comment on column drip.failure_reasons.platform is 'Of the sending device.';
comment on column drip.failure_reasons.error_code is
  'The provider''s code, or our own where the provider gave none.';
comment on column drip.failure_reasons.status is
  'failed, unknown, or pending: it waits for a retry.';
comment on column drip.failure_reasons.messages is 'How many, by their last error.';
comment on column drip.failure_reasons.contacts is 'How many different contacts.';
comment on column drip.failure_reasons.first_at is 'First of these errors.';
comment on column drip.failure_reasons.last_at is 'Last of them.';
comment on column drip.failure_reasons.next_try_at is
  'When the first pending one may be retried.';
comment on column drip.failure_reasons.meaning is
  'What the code means; the provider''s text where error_codes has no meaning.';
comment on column drip.failure_reasons.last_error is 'The provider''s latest text.';
comment on column drip.failure_reasons.scope is
  'Whom it concerns by error_codes: recipient, device, account or program.';
comment on column drip.failure_reasons.action is
  'What follows by error_codes: retry, fail, unknown, stop or opt_out.';
comment on column drip.failure_reasons.wait is 'Shortest wait before the next try, by error_codes.';
comment on column drip.failure_reasons.is_known is
  'False: error_codes has no row for it, and the sender''s guess from the HTTP status counts.';
comment on column drip.failure_reasons.remedy is
  'For a code without a row: the statement that adds one as it is handled now; edit, then run it.';
alter view drip.failure_reasons owner to drip_view;
grant select on drip.failure_reasons to drip_reader;
