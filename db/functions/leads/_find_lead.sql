-- A lead argument is its phone, written as people of the tenant's region write it.
create function drip._find_lead(p_user bigint, p_phone text) returns drip.leads
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phone text := drip._expect_phone(p_user, p_phone);
  v_lead drip.leads;
begin
  select l.*
  into v_lead
  from drip._lead_of_phone(p_user, v_phone) l;
  if v_lead.id is null then
    perform drip._fail(
      'DR012', 'there is no lead with this phone',
      'upsert_lead creates one; drip.user names the user.');
  end if;
  return v_lead;
end
$$;
comment on function drip._find_lead(bigint, text) is
  'The tenant''s lead of that phone; DR002 for an invalid phone, DR012 for no lead.';
