-- What contacts wrote, which message it replies to and what followed: messages, automatic answers,
-- and whatever else asked for an opt-out.
create view drip.replies with (security_barrier) as
select
  i.user_id,
  i.id as inbound_id,
  i.lead_id,
  case
    when (select drip.can_see_phones()) then coalesce(l.name, i.sender_name)
    else drip.mask_phones_in(coalesce(l.name, i.sender_name))
  end as lead_name,
  case
    when i.sender not like '+%' then null
    when (select drip.can_see_phones()) then i.sender
    else drip.mask_phone(i.sender)
  end as phone,
  i.device_id,
  d.name as device_name,
  i.kind,
  case
    when (select drip.can_see_phones()) then i.body
    else drip.mask_phones_in(drip.mask_phone_in(i.body, i.sender))
  end as text,
  case
    when (select drip.can_see_phones()) then i.payload
    else drip.mask_phones_in(drip.mask_phone_in(i.payload, i.sender))
  end as payload,
  i.opt_out_category,
  i.is_auto,
  i.lead_id is null and i.sender not like '+%' and i.opt_out_category is not null
    as is_unmatched,
  case
    when (select drip.can_see_phones()) then i.sender_alias
    else drip.mask_phones_in(i.sender_alias)
  end as sender_id,
  i.media_id,
  i.media_type,
  i.reply_to_message_id,
  case
    when m.campaign_id is not null then 'campaign'
    when m.sequence_id is not null then 'sequence'
    when m.id is not null then 'single'
  end as source_kind,
  coalesce(c.title, s.name) as source_name,
  m.campaign_id,
  m.sequence_id,
  m.sequence_stepid,
  st.day_number as step,
  -- the clocks differ: a reply is never before its message
  case
    when i.sent_at < m.sent_at then 0
    else round(extract(epoch from i.sent_at - m.sent_at))::bigint
  end as seconds_after,
  e.journeys as journeys_ended,
  nullif(
    concat_ws(
      ' ',
      case
        when i.opt_out_category is not null and i.lead_id is null and i.sender not like '+%'
          then 'Asks to opt out, but the number behind this id is not known yet; it takes effect '
            || 'once it is.'
        when i.opt_out_category = 'all' then 'Opted out of everything.'
        when i.opt_out_category is not null
          then format('Opted out of %s.', i.opt_out_category)
      end,
      case
        when e.journeys = 1 then 'Its journey has ended.'
        when e.journeys > 1 then format('%s journeys have ended.', e.journeys)
      end),
    '') as followed_by,
  i.sent_at,
  i.received_at
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.inbound_messages x where drip._policies_hold('replies')) i
left join drip.leads l on l.id = i.lead_id
left join drip.user_devices d on d.id = i.device_id
left join drip.broadcast_messages m on m.id = i.reply_to_message_id
left join drip.campaigns c on c.id = m.campaign_id
left join drip.sequences s on s.id = m.sequence_id
left join drip.sequence_steps st on st.id = m.sequence_stepid
-- what followed has the time at which the reply was processed; of several replies in one batch it
-- belongs to the first
cross join lateral (
  select count(*) as journeys
  from drip.sequence_contacts x
  where x.lead_id = i.lead_id
    and x.completed_at = i.processed_at
    and x.exit_reason = case
      when i.opt_out_category is null then 'lead_replied' else 'opted_out' end
    and not exists (
      select
      from drip.inbound_messages o
      where o.lead_id = i.lead_id
        and o.id < i.id
        and o.processed_at = i.processed_at
        and (o.is_reply or o.opt_out_category is not null)
        and (o.opt_out_category is null) = (i.opt_out_category is null))
) e
where i.is_reply or i.is_auto
  -- a choice made at the provider shows while nobody knows whose it is
  or i.opt_out_category is not null
    and (i.kind <> 'preference' or (i.lead_id is null and i.sender not like '+%'));
comment on view drip.replies is
  'Grain: message of a contact (inbound_id). Its text, the message it replies to, what followed.';
comment on column drip.replies.user_id is 'Tenant.';
comment on column drip.replies.inbound_id is 'Key of the row.';
comment on column drip.replies.lead_id is 'Contact; null where it is no lead.';
comment on column drip.replies.lead_name is
  'Name of the lead, else the one in the contact''s profile.';
comment on column drip.replies.phone is
  'E.164; masked without drip_pii; null where the provider does not give it.';
comment on column drip.replies.device_id is 'Device that it was written to.';
comment on column drip.replies.device_name is 'Its name.';
comment on column drip.replies.kind is
  'text, image, video, audio, document, button, interactive or another type of the provider; edit
   where a text was changed to a stop word; preference for a choice made at the provider.';
comment on column drip.replies.text is
  'The text, or the label of the tapped button; phones in it are masked without drip_pii.';
comment on column drip.replies.payload is 'Payload of a tapped button; masked likewise.';
comment on column drip.replies.opt_out_category is
  'Category of the opt-out where it was a stop word, else null.';
comment on column drip.replies.is_auto is
  'True for an automatic answer of the contact''s phone, which ends no journey.';
comment on column drip.replies.is_unmatched is
  'True for an opt-out of a contact whose number is not known yet; add_lead_alias tells it.';
comment on column drip.replies.sender_id is
  'The provider''s id of the contact, such as a LID; masked without drip_pii.';
comment on column drip.replies.media_id is
  'The provider''s id or address of a picture, a video, a voice message or a document.';
comment on column drip.replies.media_type is 'Its MIME type.';
comment on column drip.replies.reply_to_message_id is
  'Message it replies to: the quoted one, else the last one sent to the lead within 72 hours.';
comment on column drip.replies.source_kind is
  'campaign, sequence or single: the source of that message.';
comment on column drip.replies.source_name is 'Title of the campaign or name of the sequence.';
comment on column drip.replies.campaign_id is 'Campaign, if it replies to one.';
comment on column drip.replies.sequence_id is 'Sequence, if it replies to one.';
comment on column drip.replies.sequence_stepid is 'Step, if it replies to one.';
comment on column drip.replies.step is 'Position of the step, from 1.';
comment on column drip.replies.seconds_after is
  'Seconds between that message and the reply, by the provider''s clock.';
comment on column drip.replies.journeys_ended is
  'Journeys that it ended, without those reopened since.';
comment on column drip.replies.followed_by is 'What followed, as sentences; null for nothing.';
comment on column drip.replies.sent_at is 'When the contact wrote, by the provider''s clock.';
comment on column drip.replies.received_at is 'When the receiver got it.';
alter view drip.replies owner to drip_view;
grant select on drip.replies to drip_reader;
