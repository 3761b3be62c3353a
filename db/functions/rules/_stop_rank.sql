-- Views that show one opt-out of a contact show the one that stops most.
create function drip._stop_rank(p_opt_out text) returns integer
language sql immutable parallel safe
begin atomic
  select array_position(drip._stop_categories(), p_opt_out);
end;
comment on function drip._stop_rank(text) is
  'The rank of an opt-out''s category: 1 for the one that stops most.';
-- Views call it with the rights of their readers; it reads no table.
grant execute on function drip._stop_rank(text) to drip_reader, drip_view, drip_guard;
