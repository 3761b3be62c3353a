-- Why has it not gone, and when may it? The same verdict as the claim's.
create function drip.explain_message(p_message bigint)
returns table (
  message_id bigint, user_id bigint, status text, verdict text, reason text, sentence text,
  earliest timestamptz, scheduled_at timestamptz, planned_at timestamptz, device text,
  source text, attempts integer, failures integer, last_error text, remedy text)
language plpgsql stable security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_users bigint[] := drip._mapped_users();
begin
  return query
    select
      m.id, m.user_id, m.status, w.verdict, w.reason,
      case
        when m.status = 'pending' and w.reason is null
          then 'It may go now; its device takes it next.'
        when m.status = 'processing' then pg_catalog.format(
          'Worker %s is handing it over; the lease ends at %s.', m.worker_id, m.lease_expires_at)
        when m.status = 'sent' then pg_catalog.format('It was sent at %s.', m.sent_at)
        else drip.reason_sentence(w.reason)
      end,
      case when m.status = 'pending' then coalesce(j.until, case j.verdict when 'go' then drip.now()
        end) end,
      m.scheduled_at, m.planned_at, d.name,
      coalesce(
        'campaign ' || c.title,
        'sequence ' || s.name || ', step ' || st.day_number,
        'single message'),
      m.attempts, m.failures,
      nullif(concat_ws(': ', m.error_code, m.error_message), ''),
      case w.reason
        when 'sequence_paused' then pg_catalog.format(
          'select * from drip.resume_sequence(%L);', s.id::text)
        when 'campaign_paused' then pg_catalog.format(
          'select * from drip.%s(%L);',
          case c.status when 'failed' then 'schedule_campaign' else 'resume_campaign' end,
          c.id::text)
        when 'device_disabled' then pg_catalog.format(
          'select * from drip.set_device_status(%L, ''online'', ''enabled again'');', d.id::text)
        when 'device_attention' then pg_catalog.format(
          '-- log the device in at its gateway (%s), then: '
          || 'select * from drip.set_device_status(%L, ''online'', ''fixed'');',
          coalesce(d.status_reason, 'no reason given'), d.id::text)
        when 'account_blocked' then pg_catalog.format(
          '-- see to the account (%s), then: '
          || 'select * from drip.set_account_status(%L, ''online'', ''fixed'');',
          coalesce(a.status_reason, 'no reason given'), a.id::text)
        when 'no_device' then
          'select * from drip.upsert_device(''name'', ''gowa'', null, ''http://…'', ''instance'');'
        when 'user_inactive' then pg_catalog.format(
          'update drip.users set is_active = true where id = %s;', m.user_id)
      end
    from drip.broadcast_messages m
    left join drip.user_devices d on d.id = m.device_id
    left join drip.sender_accounts a on a.id = d.account_id
    left join drip.campaigns c on c.id = m.campaign_id
    left join drip.sequences s on s.id = m.sequence_id
    left join drip.sequence_steps st on st.id = m.sequence_stepid
    left join drip._judge_messages(array[p_message]) j on j.message_id = m.id
    cross join lateral (
      select
        case when m.status = 'pending' then j.verdict else 'final' end as verdict,
        case when m.status = 'pending' then j.reason else m.status_reason end as reason
    ) w
    where m.id = p_message and m.user_id = any (v_users);
  if not found then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no message %s', coalesce(p_message::text, 'null')),
      'Look it up: select message_id from drip.message_log where …');
  end if;
end
$$;
comment on function drip.explain_message(bigint) is
  'One row: the verdict on a message, in words, the earliest time it may go, and what mends it.';
grant execute on function drip.explain_message(bigint) to drip_app;
