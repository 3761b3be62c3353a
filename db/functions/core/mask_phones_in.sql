-- Contacts write phones in any form. Whatever may be one is masked: too much rather than too
-- little. Shorter runs of digits, as in prices, years and codes, stay.
create function drip.mask_phones_in(p_text text) returns text
language sql immutable parallel safe
begin atomic
  select regexp_replace(
    regexp_replace(
      regexp_replace(
        p_text,
        e'(\\+\\d{2,3})(?:[ ().-]{0,2}\\d){2,9}([ ().-]{0,2}\\d{3})', e'\\1*****\\2', 'g'),
      e'(\\d{2,3})(?:[ ().-]{0,2}\\d){4,10}([ ().-]{0,2}\\d{3})', e'\\1*****\\2', 'g'),
    e'(\\d{3})\\d{2}(\\d{3})', e'\\1**\\2', 'g');
end;
comment on function drip.mask_phones_in(text) is
  'The text with every possible phone masked: eight digits or more in a row, nine with spaces or
   punctuation between them.';
grant execute on function drip.mask_phones_in(text) to drip_reader, drip_view;
