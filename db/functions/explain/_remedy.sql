-- What a person can do about a reason: a statement that runs as it is. A comment line before it
-- says when a setting makes the message wait, or when more than a statement is needed. Those that
-- depend on the message or its program are here, all others in _reasons().
create function drip._remedy(p_message_id bigint, p_reason text) returns text
language sql stable
as $$
  select case p_reason
    when 'sequence_paused' then format(
      'select * from drip.%s(%L);',
      case s.status when 'draft' then 'start_sequence' else 'resume_sequence' end, s.id::text)
    when 'campaign_paused' then format(
      case
        when c.status = 'failed' then 'select * from drip.schedule_campaign(%L);'
        when c.status = 'paused' then 'select * from drip.resume_campaign(%L);'
        -- its resume has not reached the message
        else 'select * from drip.sweep_campaigns();'
      end, c.id::text)
    when 'lead_paused' then format(
      x.as_tenant, format('select * from drip.resume_lead(%L);', m.recipient_phone))
    when 'enrollment_paused' then (
      select format(
        x.as_tenant, format(
          'select * from drip.resume_enrollment(%L, %L%s);', s.id::text, m.recipient_phone,
          case when e.key <> '' then format(', p_key => %L', e.key) end))
      from drip.sequence_contacts e
      where e.id = m.sequence_contact_id)
    when 'suppressed' then format(
      E'-- only if the contact asked for it:\n' || x.as_tenant,
      format('select * from drip.opt_in(%L);', m.recipient_phone))
    when 'predecessor_pending' then format('select * from drip.explain_message(%s);', before.id)
    when 'weekend' then x.anyway || format(
      'select * from drip.update_sequence(%L, ''{"skip_weekends": false}'');', s.id::text)
    when 'outside_window' then x.anyway || case
      when num_nonnulls(c.send_from, c.send_days) > 0 then format(
        'update drip.campaigns set send_from = null, send_to = null, send_days = null'
        ' where id = %s;', c.id)
      when num_nonnulls(s.send_from, s.send_days) > 0 then format(
        'select * from drip.update_sequence(%L, ''{"send_from": null, "send_to": null,'
        ' "send_days": null}'');', s.id::text)
      else format(
        'update drip.users set send_from = null, send_to = null, send_days = null where id = %s;',
        m.user_id)
    end
    when 'unrenderable' then
      E'-- fix its text, its contact or the setting that error_message names, then:\n'
      || format('select * from drip.retry_messages(array[%s], p_dry_run => false);', m.id)
    when 'guard_error' then (
      select
        E'-- fix the function first, list_guards() has its error; then, as an operator:\n'
        || string_agg(format('select * from drip.register_guard(%L);', g.name), ' ')
      from drip.sequence_steps st
      join drip.guards g on g.name in (s.exit_if, st.only_if)
      where st.id = m.sequence_stepid)
    else drip._standing_remedy(p_reason, m.user_id, m.device_id)
  end
  from drip.broadcast_messages m
  left join drip.campaigns c on c.id = m.campaign_id
  left join drip.sequences s on s.id = m.sequence_id
  left join lateral (
    select p.id
    from drip.broadcast_messages p
    join drip.sequence_steps ps on ps.id = p.sequence_stepid
    join drip.sequence_steps st on st.id = m.sequence_stepid
    where p.sequence_contact_id = m.sequence_contact_id
      and p.status in ('pending', 'processing')
      and ps.day_number < st.day_number
    order by ps.day_number
    limit 1
  ) before on true
  cross join lateral (
    select
      drip._as_tenant(m.user_id) as as_tenant,
      E'-- a setting makes it wait; to let it go anyway:\n' as anyway
  ) x
  where m.id = p_message_id
$$;
comment on function drip._remedy(bigint, text) is
  'The statement that removes a reason why a message waits; null where only time does.';
