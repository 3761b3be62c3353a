-- An unknown phone becomes a lead that is in no audience until an application uses it.
create function drip._find_tester(p_user_id bigint, p_phone text) returns drip.leads
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phone record;
  v_lead drip.leads;
begin
  select r.phone, r.problem
  into v_phone
  from drip.users u
  cross join lateral drip._read_phone(p_phone, u.default_region) r
  where u.id = p_user_id;
  if v_phone.phone is null then
    perform drip._fail(
      'DR002', format('%s is not a phone: %s', coalesce(quote_literal(p_phone), 'null'),
                      coalesce(v_phone.problem, 'there is none')),
      'Write it as +60123456789, or set the tenant''s default_region.');
  end if;
  insert into drip.leads (user_id, phone, is_tester, created_at, updated_at)
  select p_user_id, v_phone.phone, true, drip.now(), drip.now()
  where not exists (
    select from drip._lead_of_phone(p_user_id, v_phone.phone))
  on conflict (user_id, phone) do nothing;
  select l.*
  into v_lead
  from drip._lead_of_phone(p_user_id, v_phone.phone) l;
  return v_lead;
end
$$;
comment on function drip._find_tester(bigint, text) is
  'The lead of a phone that gets a test message; DR002 when the phone is invalid.';
