-- Why has a message not gone, and when may it? Asks the claim's judge again at each time that the
-- verdict names, until all rules agree.
create function drip.explain_message(p_message bigint)
returns table (
  message_id bigint, user_id bigint, status text, verdict text, reason text, sentence text,
  earliest timestamptz, scheduled_at timestamptz, planned_at timestamptz, device text,
  source text, attempts integer, failures integer, last_error text, remedy text, rules jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_message constant drip.broadcast_messages := drip._own_message(p_message);
  v_verdict text;
  v_reason text;
  v_rules jsonb;
  v_remedy text;
  v_clock text[];
  v_guard_until timestamptz;
  v_ahead record;
begin
  perform drip._require_role('drip_app');
  select j.verdict, j.reason
  into v_verdict, v_reason
  from drip._judge_messages(array[p_message]) j;
  -- what a person must do first is more useful than the time until then
  select
    coalesce(jsonb_agg(to_jsonb(r) order by r.place) filter (where r.verdict <> 'off'), '[]'),
    coalesce(
      drip._remedy(p_message, v_reason),
      (array_agg(drip._remedy(p_message, r.rule) order by r.place)
        filter (where r.verdict = 'wait' and r.until is null))[1])
  into v_rules, v_remedy
  from drip._explain_rules(p_message) r;
  -- explain_rules has asked the guards already
  if v_verdict = 'go' then
    select coalesce(q.verdict, 'go'), q.rule, q.until
    into v_verdict, v_reason, v_guard_until
    from (select) n
    left join (
      select r.verdict, r.rule, r.until
      from jsonb_to_recordset(v_rules) as r (verdict text, rule text, until timestamptz)
      where r.verdict in ('wait', 'drop')
    ) q on true;
  end if;
  v_clock := drip._move_clock(drip.now());
  select a.verdict, a.at into v_ahead from drip._forecast_message(p_message) a;
  perform drip._restore_clock(v_clock);

  return query
    select
      m.id, m.user_id, m.status, w.verdict, w.reason,
      case
        when m.status = 'pending' and w.reason is null
          then 'It may go now; its device sends it next.'
        when m.status = 'processing' then pg_catalog.format(
          'Worker %s is handing it over; the lease ends at %s.', m.worker_id, m.lease_expires_at)
        when m.status = 'sent' then pg_catalog.format('It was sent at %s.', m.sent_at)
        else drip.reason_sentence(w.reason)
      end,
      case
        when m.status <> 'pending' or v_ahead.verdict = 'drop' or v_verdict = 'drop' then null
        when v_reason = 'guard_error' and v_ahead.verdict = 'go' and v_ahead.at <= drip.now()
          then v_guard_until
        else v_ahead.at
      end,
      m.scheduled_at, m.planned_at, d.name,
      coalesce(
        'campaign ' || c.title,
        'sequence ' || s.name || ', step ' || st.day_number,
        'single message'),
      m.attempts, m.failures,
      nullif(concat_ws(': ', m.error_code, m.error_message), ''),
      case
        when m.status = 'pending' then v_remedy
        when m.status_reason = 'unrenderable' then drip._remedy(m.id, m.status_reason)
      end,
      v_rules
    from drip.broadcast_messages m
    left join drip.user_devices d on d.id = m.device_id
    left join drip.campaigns c on c.id = m.campaign_id
    left join drip.sequences s on s.id = m.sequence_id
    left join drip.sequence_steps st on st.id = m.sequence_stepid
    cross join lateral (
      select
        case when m.status = 'pending' then v_verdict else 'final' end as verdict,
        case when m.status = 'pending' then v_reason else m.status_reason end as reason
    ) w
    where m.id = v_message.id;
end
$$;
comment on function drip.explain_message(bigint) is
  'One row: the verdict on a message, as a sentence; the earliest time at which all rules let it go,
   null when unknown; the remedy; and the rules that are set, as explain_rules returns them.';
grant execute on function drip.explain_message(bigint) to drip_app;
