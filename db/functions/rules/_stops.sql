-- The only definition of what an opt-out stops: everything, or its own category. It is inlined, so
-- that the surrounding query can use an index of suppressions.
create function drip._stops(p_opt_out text, p_category text) returns boolean
language sql immutable parallel safe
begin atomic
  select p_opt_out = 'all' or p_opt_out = p_category;
end;
comment on function drip._stops(text, text) is
  'True when an opt-out of the first category stops messages or programs of the second.';
-- message_outlook calls it with the rights of its reader; it reads no table.
grant execute on function drip._stops(text, text) to drip_reader, drip_view;
