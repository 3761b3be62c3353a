-- A secret proves who sent a webhook, and the webhook may report only on devices of that secret:
-- those of one account, and devices that share a secret, such as the numbers of one Meta app that
-- all name it.
create function drip._is_one_sender(p_device_id bigint, p_other_id bigint) returns boolean
language sql stable
as $$
  select p_device_id = p_other_id or exists (
    select
    from drip.user_devices d
    join drip.user_devices o
      on o.id = p_other_id and o.user_id = d.user_id and o.platform = d.platform
    where d.id = p_device_id
      and (o.account_id = d.account_id or drip._webhook_secret(o) = drip._webhook_secret(d)))
$$;
comment on function drip._is_one_sender(bigint, bigint) is
  'True when webhooks of the first device may report on the second.';
