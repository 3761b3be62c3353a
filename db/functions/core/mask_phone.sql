-- Views show this to readers without drip_pii.
create function drip.mask_phone(p_phone text) returns text
language sql immutable parallel safe
begin atomic
  select left(p_phone, 4) || repeat('*', greatest(length(p_phone) - 7, 0)) || right(p_phone, 3);
end;
comment on function drip.mask_phone(text) is
  'A phone with all but its first four and last three characters starred.';
grant execute on function drip.mask_phone(text) to drip_reader, drip_view;
