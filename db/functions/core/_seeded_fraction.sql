-- Repeatable chance: delays, variants and pool devices come from ids.
create function drip._seeded_fraction(p_id bigint, p_salt bigint) returns double precision
language sql immutable parallel safe
begin atomic
  select (hashint8extended(p_id, p_salt) & 4503599627370495) / 4503599627370496.0::float8;
end;
comment on function drip._seeded_fraction(bigint, bigint) is
  'A number in [0, 1) that depends only on id and salt.';
