-- The verdict of the sweep on every matching lead, as if it ran now; a draft is judged as if it had
-- just been started, which is rolled back.
create function drip.preview_enrollment(p_sequence text)
returns table (
  lead_id bigint, phone text, lead_name text, enters boolean, reason text, sentence text,
  first_at timestamptz, last_at timestamptz, time_zone text, unfilled text[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_rows jsonb;
begin
  perform drip._require_role('drip_app');
  if v_sequence.status = 'archived' then
    perform drip._fail(
      'DR005', format('the sequence %s is archived', quote_literal(v_sequence.name)),
      'Copy it: create_sequence(get_sequence(…) || ''{"name": "…"}'').');
  end if;
  if v_sequence.status = 'draft' then
    begin
      update drip.sequences s set status = 'active' where s.id = v_sequence.id;
      v_rows := (select jsonb_agg(r.*) from drip._preview_enrollment(v_sequence.id) r);
      raise exception using errcode = 'DR999';
    exception
      when sqlstate 'DR999' then
        null;
    end;
  else
    v_rows := (select jsonb_agg(r.*) from drip._preview_enrollment(v_sequence.id) r);
  end if;
  return query
    select
      r.lead_id,
      case when drip.can_see_phones() then r.phone else drip.mask_phone(r.phone) end,
      r.lead_name, r.enters, r.reason, drip.reason_sentence(r.reason), r.first_at, r.last_at,
      r.time_zone, r.unfilled
    from jsonb_to_recordset(v_rows) as r (
      lead_id bigint, phone text, lead_name text, enters boolean, reason text,
      first_at timestamptz, last_at timestamptz, time_zone text, unfilled text[]);
end
$$;
comment on function drip.preview_enrollment(text) is
  'Who would enroll in a sequence by itself if the sweep ran now, and who matches and would not,
   with the reason (as in enrollment_gaps); first_at and last_at are the planned times of those who
   enroll. A draft is judged as if it were started now. unfilled lists placeholders of the steps
   without a fallback that stay empty for the lead. No rows for a sequence that enrolls by hand.';
grant execute on function drip.preview_enrollment(text) to drip_app;

create function drip._preview_enrollment(p_sequence_id bigint)
returns table (
  lead_id bigint, phone text, lead_name text, enters boolean, reason text,
  first_at timestamptz, last_at timestamptz, time_zone text, unfilled text[])
language sql stable
as $$
  with program as materialized (
    select s as sequence, drip._entry_token(s) as token, u.time_zone
    from drip.sequences s
    join drip.users u on u.id = s.user_id
    where s.id = p_sequence_id
  ),
  matching as materialized (
    select l.id, l.phone, l.name, l.attributes, coalesce(l.time_zone, p.time_zone) as zone
    from program p
    join drip.leads l on l.user_id = (p.sequence).user_id
    where drip._matches_sequence(l, p.sequence, p.token)
  ),
  judged as materialized (
    select
      m.*,
      case when r.is_first then 'wait' else v.verdict end as verdict,
      case when r.is_first then 'exclusive' else v.reason end as reason
    from matching m
    cross join program p
    cross join lateral (
      select w.verdict, w.reason
      from drip._enrollment_verdicts w
      where w.lead_id = m.id and w.sequence_id = p_sequence_id
      offset 0
    ) v
    -- another sequence of its group that the same sweep would enroll first
    left join lateral (
      select true as is_first
      from drip.sequences o
      join drip._enrollment_verdicts w on w.sequence_id = o.id
      where v.verdict = 'go'
        and o.user_id = (p.sequence).user_id
        and o.exclusive_group = (p.sequence).exclusive_group
        and o.id < p_sequence_id
        and o.status = 'active'
        and w.lead_id = m.id
        and w.verdict = 'go'
      limit 1
    ) r on true
  ),
  tokens as materialized (
    select distinct h.path
    from drip.sequence_steps st
    cross join lateral drip._list_texts(
      case when not drip._has_media(st.message_type) or st.caption is null then st.content end,
      st.caption, st.media_url, st.template, '', '') t
    cross join lateral drip._placeholders(t.text) h
    where st.sequence_id = p_sequence_id and st.retired_at is null
      and h.is_known and h.fallback is null
  ),
  timelines as materialized (
    select g.zone, min(t.at) as first_at, max(t.at) as last_at
    from (select distinct j.zone from judged j where j.verdict = 'go') g
    cross join program p
    cross join lateral drip._timeline(
      p_sequence_id, drip.now() + drip._exactly((p.sequence).start_delay), g.zone) t
    group by g.zone
  )
  select
    j.id, j.phone, j.name, j.verdict = 'go', j.reason, t.first_at, t.last_at, j.zone,
    array(
      select '{' || k.path || '}'
      from tokens k
      where drip._is_unfilled(k.path, null, j.name, j.phone, j.attributes, null)
      order by k.path)
  from judged j
  left join timelines t on t.zone = j.zone and j.verdict = 'go'
  order by j.verdict = 'go' desc, j.id
$$;
comment on function drip._preview_enrollment(bigint) is
  'The rows of preview_enrollment for a sequence as it is.';
