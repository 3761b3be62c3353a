-- contact_gap and contact_cap concern marketing only; test messages never count.
create function drip._has_contact_rules(p_category text, p_is_test boolean) returns boolean
language sql immutable parallel safe
begin atomic
  select p_category = 'marketing' and not p_is_test;
end;
comment on function drip._has_contact_rules(text, boolean) is
  'True for a message to which contact_gap and contact_cap apply, and that counts for others.';
-- message_outlook calls it with the rights of its reader; it reads no table.
grant execute on function drip._has_contact_rules(text, boolean) to drip_reader, drip_view;
