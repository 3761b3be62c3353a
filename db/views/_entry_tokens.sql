-- The token that enrolls into a sequence, as in _entry_token(), which reads a table and so cannot
-- be used in a view.
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
  'Grain: sequence that is not archived (sequence_id). The token that enrolls into it; private.';
grant select on drip._entry_tokens to drip_view;
