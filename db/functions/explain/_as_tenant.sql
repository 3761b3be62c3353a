-- A verb that takes a phone finds the tenant by its caller, who may act for several. Callers who
-- may not see phones get no such statement.
create function drip._as_tenant(p_user_id bigint) returns text
language sql stable
as $$
  select case
    when not drip.can_see_phones() then null
    when cardinality(drip._mapped_users()) > 1
      then format('begin; set local drip."user" = ''%s''; ', p_user_id) || '%s commit;'
    else '%s'
  end
$$;
comment on function drip._as_tenant(bigint) is
  'A format for a statement to be run for this tenant; null for callers without drip_pii.';
