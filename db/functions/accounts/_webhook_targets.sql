-- The receiver resolves addresses by this list, and people copy addresses from it.
create function drip._webhook_targets()
returns table (
  kind text, id bigint, user_id bigint, name text, platform text, webhook_secret_name text,
  verify_token_secret_name text, status text)
language sql stable
as $$
  select
    'device', d.id, d.user_id, d.name, d.platform,
    coalesce(
      nullif(btrim(d.webhook_secret_name), ''), nullif(btrim(a.webhook_secret_name), '')),
    coalesce(
      nullif(btrim(d.verify_token_secret_name), ''),
      nullif(btrim(a.verify_token_secret_name), '')),
    d.status
  from drip.user_devices d
  left join drip.sender_accounts a on a.id = d.account_id
  union all
  select
    'account', a.id, a.user_id, a.name, a.platform, nullif(btrim(a.webhook_secret_name), ''),
    nullif(btrim(a.verify_token_secret_name), ''), a.status
  from drip.sender_accounts a
$$;
comment on function drip._webhook_targets() is
  'All devices and accounts as webhook addresses, with the names of their secrets.';
