-- Meta reports up to 1,000 at once. A megabyte has room for 170,000 receipts, which took 15 s: half
-- of the worker's time-out, after which the same body would be read again and again.
create function drip._most_facts() returns integer
language sql immutable parallel safe
as $$
  select 5000
$$;
comment on function drip._most_facts() is 'The facts that one webhook may hold.';
