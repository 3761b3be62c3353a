-- What a provider says of a template or an account, with what was paused for it. A number's rating
-- is told by _note_quality, where it changes.
create function drip._emit_notices(p_facts jsonb, p_programs jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  perform drip._emit(
    n.user_id,
    case n.kind
      when 'template_status' then 'template.status_changed'
      when 'template_quality' then 'template.quality_changed'
      else 'account.notice'
    end,
    jsonb_build_object('account_id', n.account_id, 'account_name', a.name, 'words', n.words)
      || case
        when n.kind in ('template_status', 'template_quality')
          then jsonb_build_object(
            'template_name', n.name,
            'language', n.language,
            'status', n.event,
            'reason', n.reason,
            'sequences', coalesce(p.sequences, '[]'),
            'campaigns', coalesce(p.campaigns, '[]'))
        else jsonb_build_object(
          'kind', n.kind,
          'notice', n.event,
          'status', a.status,
          'blocked_until', a.blocked_until,
          'reach_cap', a.reach_cap,
          'proposed_reach_cap', a.proposed_reach_cap)
      end)
  from jsonb_to_recordset(p_facts) as n (
    notice_id bigint, user_id bigint, account_id bigint, kind text, event text, name text,
    language text, reason text, words text)
  left join drip.sender_accounts a on a.id = n.account_id
  left join lateral (
    select
      jsonb_agg(q.sequence_id order by q.sequence_id)
        filter (where q.sequence_id is not null) as sequences,
      jsonb_agg(q.campaign_id order by q.campaign_id)
        filter (where q.campaign_id is not null) as campaigns
    from jsonb_to_recordset(coalesce(p_programs, '[]')) as q (
      notice_id bigint, sequence_id bigint, campaign_id bigint)
    where q.notice_id = n.notice_id
  ) p on true
  where n.kind <> 'number_quality'
  order by n.notice_id;
end
$$;
comment on function drip._emit_notices(jsonb, jsonb) is
  'Emits template.status_changed, template.quality_changed and account.notice.';
