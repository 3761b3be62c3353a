-- Messages count that have, or may have, reached the contact, and those in flight.
create function drip._counts_for_contact(p_category text, p_is_test boolean, p_status text)
returns boolean
language sql immutable parallel safe
begin atomic
  select
    drip._has_contact_rules(p_category, p_is_test)
    and p_status in ('sent', 'unknown', 'processing');
end;
comment on function drip._counts_for_contact(text, boolean, text) is
  'True for a message that counts for contact_gap and contact_cap of its contact.';
-- message_outlook calls it with the rights of its reader; it reads no table.
grant execute on function drip._counts_for_contact(text, boolean, text)
  to drip_reader, drip_view;
