-- Always beginning with the same tenant would let the first ones starve the others.
create function drip._users_in_turn() returns table (user_id bigint)
language sql volatile
as $$
  with pivot as materialized (
    select u.id from drip.users u order by random() limit 1
  )
  select u.id
  from drip.users u
  cross join pivot p
  order by u.id < p.id, u.id
$$;
comment on function drip._users_in_turn() is
  'All tenants by id, beginning at a random one.';
