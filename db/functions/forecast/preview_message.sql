-- By the expression of the claim, so that a preview shows what will be sent: a planned message as
-- of the time it may go, for its greeting; any other text as of now. Variants are drawn by the
-- message's id, before planning by the lead's: the same in every preview, but perhaps another one
-- when it is sent.
create function drip.preview_message(
  p_message bigint default null,
  p_phone text default null,
  p_sequence text default null,
  p_step text default null,
  p_campaign text default null)
returns table (
  message_id bigint, lead_id bigint, message_type text, content text, caption text,
  media_url text, template jsonb, unfilled text[], as_of timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_shows_phones constant boolean := drip.can_see_phones();
  v_sequence drip.sequences;
  v_campaign drip.campaigns;
  v_step drip.sequence_steps;
  v_lead drip.leads;
  v_message bigint := p_message;
  v_at timestamptz := v_now;
  v_parts record;
  v_text record;
begin
  perform drip._require_role('drip_app');
  if p_message is not null then
    if num_nonnulls(p_phone, p_sequence, p_step, p_campaign) > 0 then
      perform drip._fail(
        'DR001', 'p_message cannot be combined with other arguments',
        'Name a message by its id alone; for a program pass p_phone and no p_message.');
    end if;
    return query select s.* from drip._sent_text(p_message) s;
    if found then
      return;
    end if;
    v_at := drip._leaves_at(p_message);
    select x.*, m.lead_id
    into v_parts
    from drip._message_texts x
    join drip.broadcast_messages m on m.id = x.message_id
    where x.message_id = p_message;
  else
    if p_phone is null or num_nonnulls(p_sequence, p_campaign) <> 1
      or (p_sequence is null) <> (p_step is null)
    then
      perform drip._fail(
        'DR001', 'there is nothing to preview',
        'Give p_message; or p_phone with p_sequence and p_step, or with p_campaign.');
    end if;
    if p_sequence is not null then
      v_sequence := drip._find_sequence(p_sequence);
      v_step := drip._find_step(v_sequence, p_step);
      v_lead := drip._find_lead(v_sequence.user_id, p_phone);
    else
      v_campaign := drip._find_campaign(p_campaign);
      v_lead := drip._find_lead(v_campaign.user_id, p_phone);
    end if;
    select max(m.id)
    into v_message
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id
      and (m.sequence_stepid = v_step.id or m.campaign_id = v_campaign.id);
    select
      u.id as user_id,
      v_lead.id as lead_id,
      v_lead.phone as recipient_phone,
      coalesce(v_step.message_type, v_campaign.message_type) as message_type,
      v_lead.name as lead_name,
      v_lead.attributes as lead_attributes,
      coalesce(
        (select e.attributes
         from drip.broadcast_messages m
         join drip.sequence_contacts e on e.id = m.sequence_contact_id
         where m.id = v_message),
        (select e.attributes
         from drip.sequence_contacts e
         where e.lead_id = v_lead.id and e.sequence_id = v_sequence.id
         order by e.id desc
         limit 1)) as enrollment_attributes,
      t.content, t.caption, t.media_url, t.template,
      coalesce(v_sequence.greeting, v_campaign.greeting) as has_greeting,
      coalesce(v_lead.language, u.language) as language,
      coalesce(v_lead.time_zone, u.time_zone) as zone
    into v_parts
    from drip.users u
    cross join lateral (
      select drip._pick_variant(
        v_campaign.variants, coalesce(v_message, v_lead.id),
        (select m.variant from drip.broadcast_messages m where m.id = v_message)) as chosen
    ) v
    cross join lateral drip._source_text(v_step, v_campaign, v.chosen, null) t
    where u.id = v_lead.user_id;
  end if;

  select r.*
  into v_text
  from drip._render_message(
    v_parts.message_type, v_parts.content, v_parts.caption, v_parts.media_url, v_parts.template,
    v_parts.has_greeting, v_parts.user_id, v_parts.language, v_parts.zone, v_at,
    v_parts.lead_name, v_parts.recipient_phone, v_parts.lead_attributes,
    v_parts.enrollment_attributes, coalesce(v_message, v_parts.lead_id)) r;
  return query
    select
      v_message, v_parts.lead_id, v_parts.message_type, p.content, p.caption,
      v_text.media_url, p.template,
      array(
        select h.placeholder
        from drip._list_texts(
          case when v_parts.message_type = 'text' then v_parts.content end,
          case
            when drip._has_caption(v_parts.message_type)
              then coalesce(v_parts.caption, v_parts.content)
          end,
          v_parts.media_url, v_parts.template, '', 'content') t
        cross join lateral drip._placeholders(t.text) h
        where h.is_known
          and drip._is_unfilled(
            h.path, h.fallback, v_parts.lead_name, v_parts.recipient_phone,
            v_parts.lead_attributes, v_parts.enrollment_attributes)
        group by h.placeholder
        order by h.placeholder),
      v_at
    from drip._shown_text(
      v_text.content, v_text.caption, v_text.template, v_parts.recipient_phone,
      v_shows_phones) p;
end
$$;
comment on function drip.preview_message(bigint, text, text, text, text) is
  'The text of a message: of a sent one as it was, of a planned one as it will be when it may go
   (as_of), of a step or campaign as it would be for that phone now. unfilled lists placeholders
   that stay empty for this lead; it is null for a message that has left.';
grant execute on function drip.preview_message(bigint, text, text, text, text) to drip_app;

-- A sent message is not rendered again; a message of another tenant does not exist for the caller.
create function drip._sent_text(p_message bigint)
returns table (
  message_id bigint, lead_id bigint, message_type text, content text, caption text,
  media_url text, template jsonb, unfilled text[], as_of timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not exists (
    select
    from drip.broadcast_messages m
    where m.id = p_message and m.user_id = any (drip._mapped_users())
  ) then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no message %s', p_message),
      'Look it up: select message_id from drip.message_log where …');
  end if;
  return query
    select
      m.id, m.lead_id, m.message_type, p.content, p.caption, m.media_url, p.template,
      null::text[],
      (select max(t.claimed_at) from drip.message_attempts t where t.message_id = m.id)
    from drip.broadcast_messages m
    cross join lateral drip._shown_text(
      m.content, m.caption, m.template, m.recipient_phone, drip.can_see_phones()) p
    where m.id = p_message and m.status <> 'pending' and m.attempts > 0;
end
$$;
comment on function drip._sent_text(bigint) is
  'A message that was handed over, as preview_message shows it; no row for one that was not.';

-- As in explain_message. Where the time is unknown, as in a pause, it counts as due.
create function drip._leaves_at(p_message bigint) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_clock text[];
  v_ahead record;
begin
  v_clock := drip._move_clock(drip.now());
  select a.verdict, a.at into v_ahead from drip._forecast_message(p_message) a;
  perform drip._restore_clock(v_clock);
  if v_ahead.verdict <> 'drop' and v_ahead.at is not null then
    return v_ahead.at;
  end if;
  return (
    select greatest(drip.now(), m.scheduled_at, nullif(m.not_before, 'infinity'))
    from drip.broadcast_messages m
    where m.id = p_message);
end
$$;
comment on function drip._leaves_at(bigint) is
  'When a planned message may leave, as far as is known now.';
