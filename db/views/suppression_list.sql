-- Who gets nothing, or no marketing, since when and why, and how to end it.
create view drip.suppression_list with (security_barrier) as
select
  s.user_id,
  l.id as lead_id,
  l.name as lead_name,
  case when (select drip.can_see_phones()) then s.phone else drip.mask_phone(s.phone) end as phone,
  s.category,
  case
    when (select drip.can_see_phones()) then s.reason
    else drip.mask_phones_in(drip.mask_phone_in(s.reason, s.phone))
  end as reason,
  s.source,
  case s.source
    when 'application' then 'An application or a person recorded it.'
    when 'reply' then 'The contact replied with a stop word.'
    when 'provider' then 'The provider reported it.'
    when 'import' then 'It came with an import.'
    else format('It came from %s.', s.source)
  end as sentence,
  s.created_at,
  case
    when (select drip.can_see_phones())
      then format(
        case
          when (select count(u.id) from drip.users u) > 1
            then 'begin; set local drip."user" = ''%1$s''; '
              || 'select * from drip.opt_in(%2$L, %3$L); commit;'
          else 'select * from drip.opt_in(%2$L, %3$L);'
        end,
        s.user_id, s.phone, s.category)
  end as remedy
-- the policies are tested where no join is needed, else PostgreSQL 15 keeps needless joins
from (select x.* from drip.suppressions x where drip._policies_hold('suppression_list')) s
left join lateral (
  select k.id, k.name
  from drip.leads k
  where k.user_id = s.user_id and k.phone_key = s.phone_key
  order by k.phone = s.phone desc, k.id
  limit 1
) l on true;
comment on view drip.suppression_list is
  'Grain: tenant × phone × category (user_id, phone, category). The opt-outs in force.';
comment on column drip.suppression_list.user_id is 'Tenant.';
comment on column drip.suppression_list.lead_id is
  'Lead with that phone, in whatever spelling; null where there is none.';
comment on column drip.suppression_list.lead_name is 'Its name.';
comment on column drip.suppression_list.phone is 'E.164; masked without drip_pii.';
comment on column drip.suppression_list.category is
  'What the opt-out stops: all messages, or those of this category.';
comment on column drip.suppression_list.reason is
  'The recorded reason; phones in it are masked without drip_pii.';
comment on column drip.suppression_list.source is
  'application, reply, provider, import, or what the application named.';
comment on column drip.suppression_list.sentence is 'The source as a sentence.';
comment on column drip.suppression_list.created_at is 'When it was recorded.';
comment on column drip.suppression_list.remedy is
  'Statement that ends it, once the contact has agreed again; null without drip_pii.';
alter view drip.suppression_list owner to drip_view;
grant select on drip.suppression_list to drip_reader;
