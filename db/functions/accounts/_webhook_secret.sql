-- A device may have a secret of its own; devices of one account usually share the account's.
create function drip._webhook_secret(p_device drip.user_devices) returns text
language sql stable
as $$
  select coalesce(
    nullif(btrim(p_device.webhook_secret_name), ''),
    (select nullif(btrim(a.webhook_secret_name), '')
     from drip.sender_accounts a
     where a.id = p_device.account_id))
$$;
comment on function drip._webhook_secret(drip.user_devices) is
  'Name of the secret that verifies webhooks of a device: its own, before that of its account.';
