-- Settings that several devices share: a reach cap, and the secrets of their webhooks.
create function drip.upsert_account(
  p_name text, p_platform text default null, p_settings jsonb default '{}')
returns table (account_id bigint, name text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_name constant text := nullif(btrim(p_name), '');
  v_old drip.sender_accounts;
  v_new drip.sender_accounts;
  v_outcome text;
  v_rule text;
  v_detail text;
begin
  perform drip._require_role('drip_operator');
  if v_name is null then
    perform drip._fail('DR001', 'the account has no name', 'Pass p_name.');
  end if;
  perform drip._check_key(v_name, 'p_name');
  select a.*
  into v_old
  from drip.sender_accounts a
  where a.user_id = v_user and a.name = v_name
  for no key update;
  if v_old.id is null and nullif(btrim(p_platform), '') is null then
    perform drip._fail(
      'DR001', pg_catalog.format('the new account %s has no platform',
                                 pg_catalog.quote_literal(v_name)),
      'Pass p_platform: gowa, cloud_api, waha, evolution, wablas or whacenter.');
  end if;
  v_new := drip._apply_settings(
    v_old, p_settings,
    drip._settings_of('drip.sender_accounts'::regclass)
      || array['webhook_secret_name', 'verify_token_secret_name'],
    'an account');
  v_new.platform := coalesce(lower(nullif(btrim(p_platform), '')), v_new.platform);
  v_new.webhook_secret_name := nullif(btrim(v_new.webhook_secret_name), '');
  v_new.verify_token_secret_name := nullif(btrim(v_new.verify_token_secret_name), '');

  begin
    if v_old.id is null then
      insert into drip.sender_accounts as a (
        user_id, name, platform, reach_cap, waba_ids, webhook_secret_name,
        verify_token_secret_name, created_at)
      values (
        v_user, v_name, v_new.platform, v_new.reach_cap, v_new.waba_ids,
        v_new.webhook_secret_name, v_new.verify_token_secret_name, drip.now())
      returning a.id
      into v_new.id;
      v_outcome := 'created';
    elsif v_new is distinct from v_old then
      update drip.sender_accounts a
      set platform = v_new.platform, reach_cap = v_new.reach_cap, waba_ids = v_new.waba_ids,
        webhook_secret_name = v_new.webhook_secret_name,
        verify_token_secret_name = v_new.verify_token_secret_name
      where a.id = v_old.id;
      v_outcome := 'updated';
    else
      v_outcome := 'unchanged';
    end if;
  exception
    when check_violation or unique_violation then
      get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_rule, v_detail);
  end;

  if v_outcome <> 'unchanged' then
    perform drip._audit(
      v_user, 'upsert_account', 'account', v_new.id, null,
      jsonb_build_object('outcome', v_outcome) || coalesce(p_settings, '{}'));
    -- A higher cap lets devices send that wait for it.
    perform drip._notify_wake(array(
      select d.id from drip.user_devices d where d.account_id = v_new.id order by d.id));
  end if;
  return query select v_new.id, v_name, v_outcome;
end
$$;
comment on function drip.upsert_account(text, text, jsonb) is
  'Creates the sender account of that name or patches it; settings by column name of
   drip.sender_accounts: reach_cap, waba_ids and the names of its webhook secrets. Devices join it
   by their setting account. Outcome: created, updated, unchanged.';
grant execute on function drip.upsert_account(text, text, jsonb) to drip_operator;
