-- The receiver asks which device or account an address belongs to, and which secrets verify it.
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
