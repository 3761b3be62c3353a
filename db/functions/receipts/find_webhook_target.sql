-- The receiver asks whose webhook an address takes, and which secrets prove it.
create function drip.find_webhook_target(p_kind text, p_id bigint)
returns table (
  kind text, id bigint, user_id bigint, platform text, webhook_secret_name text,
  verify_token_secret_name text, status text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    t.kind, t.id, t.user_id, t.platform, t.webhook_secret_name, t.verify_token_secret_name,
    t.status
  from drip._webhook_targets() t
  where drip._require_role('drip_worker') and t.kind = p_kind and t.id = p_id
$$;
comment on function drip.find_webhook_target(text, bigint) is
  'The device or account (p_kind) whose webhooks arrive under that id, with the names of the secrets
   that verify them, a device''s own before its account''s; no row when there is none.';
grant execute on function drip.find_webhook_target(text, bigint) to drip_worker;

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
  'All devices and accounts as addresses of webhooks, with the names of their secrets.';
