-- Rendered texts may contain the recipient's phone.
create function drip.mask_phone_in(p_text text, p_phone text) returns text
language sql immutable parallel safe
begin atomic
  select replace(p_text, ltrim(p_phone, '+'), ltrim(drip.mask_phone(p_phone), '+'));
end;
comment on function drip.mask_phone_in(text, text) is
  'The text with that phone masked in it, written with or without +.';
grant execute on function drip.mask_phone_in(text, text) to drip_reader, drip_view;
