-- Views call it once per query: (select drip.can_see_phones()).
create function drip.can_see_phones() returns boolean
language sql stable parallel safe
begin atomic
  select pg_catalog.pg_has_role(
    coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user),
    'drip_pii', 'member');
end;
comment on function drip.can_see_phones() is
  'True when the caller is a member of drip_pii and sees phones unmasked.';
grant execute on function drip.can_see_phones() to drip_reader, drip_view;
