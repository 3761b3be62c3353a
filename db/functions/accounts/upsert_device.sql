-- Creates or patches a device in one call: a field that is null or not named stays as it is.
create function drip.upsert_device(
  p_name text,
  p_platform text default null,
  p_phone text default null,
  p_endpoint text default null,
  p_instance text default null,
  p_secret_name text default null,
  p_settings jsonb default '{}')
returns table (device_id bigint, name text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_user bigint := drip._tenant();
  v_old drip.user_devices;
  v_new drip.user_devices;
  v_outcome text;
  v_rule text;
  v_detail text;
begin
  perform drip._require_role('drip_operator');
  if nullif(btrim(p_name), '') is null then
    perform drip._fail('DR001', 'the device has no name', 'Pass p_name.');
  end if;
  perform drip._check_key(btrim(p_name), 'p_name');
  select d.*
  into v_old
  from drip.user_devices d
  where d.user_id = v_user and d.name = btrim(p_name)
  for no key update;
  if v_old.id is null then
    if nullif(btrim(p_platform), '') is null then
      perform drip._fail(
        'DR001', pg_catalog.format('the new device %s has no platform',
                                   pg_catalog.quote_literal(btrim(p_name))),
        'Pass p_platform: gowa, cloud_api, waha, evolution, wablas or whacenter.');
    end if;
    v_new := drip._new_device(v_user, btrim(p_name), v_now);
  else
    v_new := v_old;
  end if;
  v_new.platform := coalesce(lower(nullif(btrim(p_platform), '')), v_new.platform);
  v_new.endpoint := coalesce(rtrim(btrim(p_endpoint), '/'), v_new.endpoint);
  v_new.instance := coalesce(btrim(p_instance), v_new.instance);
  v_new.secret_name := coalesce(btrim(p_secret_name), v_new.secret_name);
  v_new.phone := case
    when p_phone is null then v_new.phone
    when btrim(p_phone) <> '' then drip._expect_phone(v_user, p_phone)
  end;
  v_new := drip._apply_settings(
    v_new,
    case when jsonb_typeof(p_settings) = 'object' then p_settings - 'account' else p_settings end,
    drip._settings_of('drip.user_devices'::regclass)
      || array['webhook_secret_name', 'verify_token_secret_name'],
    'a device');
  v_new.endpoint := nullif(v_new.endpoint, '');
  v_new.instance := nullif(v_new.instance, '');
  v_new.secret_name := nullif(v_new.secret_name, '');
  if jsonb_typeof(p_settings) = 'object' and p_settings ? 'account' then
    v_new.account_id := drip._device_account(v_user, p_settings ->> 'account', v_new.platform);
  end if;

  begin
    if v_old.id is null then
      -- compares whole rows, so that only the update names the columns
      v_new.id := nextval(pg_get_serial_sequence('drip.user_devices', 'id'));
      insert into drip.user_devices overriding system value
      select v_new.*;
      insert into drip.device_pacing (device_id, user_id, next_look_at, next_send_at)
      values (v_new.id, v_user, v_now, v_now);
      v_outcome := 'created';
    elsif v_new is distinct from v_old then
      update drip.user_devices d
      set account_id = v_new.account_id, phone = v_new.phone, platform = v_new.platform,
        endpoint = v_new.endpoint, instance = v_new.instance, secret_name = v_new.secret_name,
        webhook_secret_name = v_new.webhook_secret_name,
        verify_token_secret_name = v_new.verify_token_secret_name,
        min_delay_seconds = v_new.min_delay_seconds, max_delay_seconds = v_new.max_delay_seconds,
        burst = v_new.burst, in_pool = v_new.in_pool, daily_cap = v_new.daily_cap,
        ramp = v_new.ramp, ramp_started_on = v_new.ramp_started_on,
        active_from = v_new.active_from, active_to = v_new.active_to,
        unknown_policy = v_new.unknown_policy, failover_policy = v_new.failover_policy
      where d.id = v_old.id;
      v_outcome := 'updated';
    else
      v_outcome := 'unchanged';
    end if;
  exception
    when check_violation or unique_violation or foreign_key_violation then
      get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_rule, v_detail);
    when not_null_violation then
      get stacked diagnostics v_rule = column_name;
      perform drip._fail('DR004', pg_catalog.format('%s cannot be null', v_rule), 'Leave it out.');
  end;

  if v_outcome <> 'unchanged' then
    perform drip._audit(
      v_user, 'upsert_device', 'device', v_new.id, null,
      jsonb_build_object('outcome', v_outcome) || coalesce(p_settings, '{}'));
    perform drip._notify_wake(array[v_new.id]);
  end if;
  return query select v_new.id, v_new.name, v_outcome;
end
$$;
comment on function drip.upsert_device(text, text, text, text, text, text, jsonb) is
  'Creates the device of that name or patches it; null keeps a field, an empty text clears it.
   Settings by column name of drip.user_devices, and account (created if new). Outcome: created,
   updated, unchanged.';
grant execute on function drip.upsert_device(text, text, text, text, text, text, jsonb)
  to drip_operator;

create function drip._new_device(p_user bigint, p_name text, p_now timestamptz)
returns drip.user_devices
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_device drip.user_devices;
begin
  v_device.user_id := p_user;
  v_device.name := p_name;
  v_device.status := 'online';
  v_device.status_since := p_now;
  v_device.min_delay_seconds := 10;
  v_device.max_delay_seconds := 30;
  v_device.burst := 1;
  v_device.in_pool := true;
  v_device.unknown_policy := 'hold';
  v_device.failover_policy := 'wait';
  v_device.created_at := p_now;
  v_device.is_held := false;
  return v_device;
end
$$;
comment on function drip._new_device(bigint, text, timestamptz) is
  'A device with the defaults of every setting.';

create function drip._device_account(p_user bigint, p_account text, p_platform text)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account text := nullif(btrim(p_account), '');
  v_id bigint;
begin
  if v_account is null then
    return null;
  end if;
  perform drip._check_key(v_account, 'account');
  select a.id
  into v_id
  from drip.sender_accounts a
  where a.user_id = p_user
    and case when v_account ~ e'^\\d+$' then a.id::text = v_account else a.name = v_account end;
  if v_id is null and v_account ~ e'^\\d+$' then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no account %s', v_account),
      'Name the account; a new name creates an account.');
  end if;
  if v_id is null then
    insert into drip.sender_accounts as a (user_id, name, platform, created_at)
    values (p_user, v_account, p_platform, drip.now())
    on conflict (user_id, name) do update set platform = a.platform
    returning a.id
    into v_id;
  end if;
  return v_id;
end
$$;
comment on function drip._device_account(bigint, text, text) is
  'Id of the sender account of that id or name; a new name creates the account.';
