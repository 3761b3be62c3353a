-- Every query of a public view calls this once. A view shows rows by the rights of its owner, and a
-- restore by a role that is no superuser, or with --no-owner, gives it to the owner of the tables,
-- to whom no policy applies. Such a restore changes the owner of this function as well, which
-- therefore tests whether the policies apply to its own owner.
create function drip._policies_hold(p_view text) returns boolean
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- an owner has every grant option, another role only those it was given
  if pg_catalog.has_table_privilege(
      'drip_view', 'drip.' || pg_catalog.quote_ident(p_view), 'trigger with grant option')
    and pg_catalog.row_security_active('drip.audiences')
    and pg_catalog.row_security_active('drip.audit_log')
    and pg_catalog.row_security_active('drip.broadcast_messages')
    and pg_catalog.row_security_active('drip.campaign_audience')
    and pg_catalog.row_security_active('drip.campaigns')
    and pg_catalog.row_security_active('drip.dead_letters')
    and pg_catalog.row_security_active('drip.device_pacing')
    and pg_catalog.row_security_active('drip.device_receipts')
    and pg_catalog.row_security_active('drip.greetings')
    and pg_catalog.row_security_active('drip.guards')
    and pg_catalog.row_security_active('drip.inbound_messages')
    and pg_catalog.row_security_active('drip.lead_aliases')
    and pg_catalog.row_security_active('drip.leads')
    and pg_catalog.row_security_active('drip.message_attempts')
    and pg_catalog.row_security_active('drip.notices')
    and pg_catalog.row_security_active('drip.program_results')
    and pg_catalog.row_security_active('drip.receipts')
    and pg_catalog.row_security_active('drip.sender_accounts')
    and pg_catalog.row_security_active('drip.sequence_contacts')
    and pg_catalog.row_security_active('drip.sequence_steps')
    and pg_catalog.row_security_active('drip.sequences')
    and pg_catalog.row_security_active('drip.service_windows')
    and pg_catalog.row_security_active('drip.stop_words')
    and pg_catalog.row_security_active('drip.subscriptions')
    and pg_catalog.row_security_active('drip.suppressions')
    and pg_catalog.row_security_active('drip.user_devices')
    and pg_catalog.row_security_active('drip.user_roles')
    and pg_catalog.row_security_active('drip.users')
  then
    return true;
  end if;
  raise exception using
    errcode = 'DR023',
    message = pg_catalog.format('the view %s is closed: no policy applies to its owner', p_view),
    hint = 'After a restore, run `pgdrip migrate`.';
end
$$;
comment on function drip._policies_hold(text) is
  'True where a view shows its readers only their own tenants; else raises DR023.';
grant execute on function drip._policies_hold(text) to drip_reader, drip_guard;
alter function drip._policies_hold(text) owner to drip_view;
