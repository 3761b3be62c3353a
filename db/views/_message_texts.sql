-- The parts of a message before rendering: the step's, the campaign's or its own source.
create view drip._message_texts as
select
  m.id as message_id,
  m.user_id,
  m.device_id,
  l.phone as recipient_phone,
  -- with its text: after an edit it is sent by the present program
  coalesce(st.message_type, c.message_type, m.message_type) as message_type,
  l.name as lead_name,
  l.attributes as lead_attributes,
  coalesce(e.attributes, m.source -> 'attributes') as enrollment_attributes,
  t.content,
  t.caption,
  t.media_url,
  t.template,
  coalesce(v.chosen ->> 'name', m.source ->> 'variant') as variant,
  coalesce(s.greeting, c.greeting, (m.source ->> 'greeting')::boolean, false) as has_greeting,
  coalesce(l.language, u.language) as language,
  coalesce(l.time_zone, u.time_zone) as zone
from drip.broadcast_messages m
join drip.users u on u.id = m.user_id
join drip.leads l on l.id = m.lead_id
left join drip.sequences s on s.id = m.sequence_id
left join drip.sequence_steps st on st.id = m.sequence_stepid
left join drip.sequence_contacts e on e.id = m.sequence_contact_id
left join drip.campaigns c on c.id = m.campaign_id
cross join lateral (
  select
    case
      when c.variants is not null then drip._pick_variant(c.variants, m.id, m.variant)
    end as chosen
) v
cross join lateral drip._source_text(st, c, v.chosen, m.source) t;
comment on view drip._message_texts is
  'Grain: message (message_id). Its texts before rendering, its variant, whether it has a greeting,
   and the values of the placeholders; private.';
