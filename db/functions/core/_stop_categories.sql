-- A new category is listed here, defined in _stops() and allowed by constraints; all that it takes
-- is in CONTRIBUTING.md, Add an opt-out category.
create function drip._stop_categories() returns text[]
language sql immutable parallel safe
begin atomic
  select array['all', 'marketing'];
end;
comment on function drip._stop_categories() is
  'The categories of opt-outs, the one that stops most first.';
-- Views call it with the rights of their readers; it reads no table.
grant execute on function drip._stop_categories() to drip_reader, drip_view, drip_guard;
