-- The receiver reads all secrets before it starts.
create function drip.list_webhook_targets()
returns table (
  kind text, id bigint, user_id bigint, name text, platform text, webhook_secret_name text,
  verify_token_secret_name text, status text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    t.kind, t.id, t.user_id, t.name, t.platform, t.webhook_secret_name,
    t.verify_token_secret_name, t.status
  from drip._webhook_targets() t
  where drip._require_role('drip_worker')
  order by t.kind, t.id
$$;
comment on function drip.list_webhook_targets() is
  'All devices and accounts that webhooks may be addressed to, with the names of their secrets.';
grant execute on function drip.list_webhook_targets() to drip_worker;
