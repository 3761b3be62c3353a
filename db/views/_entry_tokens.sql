-- By which token one enters a sequence that is not over; as _entry_token() has it, which reads a
-- table and so stands in no view.
create view drip._entry_tokens as
select
  s.user_id,
  s.id as sequence_id,
  lower(coalesce(
    nullif(btrim(s.trigger), ''),
    (select nullif(btrim(st.trigger), '')
     from drip.sequence_steps st
     where st.sequence_id = s.id and st.is_entry_point))) as token
from drip.sequences s
where s.status <> 'archived';
comment on view drip._entry_tokens is
  'Grain: sequence that is not archived (sequence_id). The token that enters it; private.';
grant select on drip._entry_tokens to drip_view;
