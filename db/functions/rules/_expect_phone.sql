-- Verbs that need a phone refuse an invalid one, with the reason.
create function drip._expect_phone(p_user bigint, p_phone text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_read record;
begin
  select r.phone, r.problem
  into v_read
  from drip.users u
  cross join lateral drip._read_phone(p_phone, u.default_region) as r
  where u.id = p_user;
  if v_read.phone is null then
    perform drip._fail(
      'DR002', v_read.problem, 'Write it with + and the country code, such as +60123456789.');
  end if;
  return v_read.phone;
end
$$;
comment on function drip._expect_phone(bigint, text) is
  'The phone as E.164, read by the tenant''s region; DR002 when it is invalid.';
