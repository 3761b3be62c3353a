-- A message without a device goes to the device that last wrote to its contact.
create function drip._pool_device(p_user bigint, p_lead bigint) returns bigint
language sql stable
as $$
  select (drip._place_leads(p_user, null, array[p_lead], 1))[1]
$$;
comment on function drip._pool_device(bigint, bigint) is
  'The device for one lead; null when it has none and the pool is empty.';
