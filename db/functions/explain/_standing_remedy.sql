-- A remedy that depends on no message: what a person can do about a reason of the tenant, the
-- account or the device. Texts of a provider are filled in last.
create function drip._standing_remedy(p_reason text, p_user_id bigint, p_device_id bigint)
returns text
language sql stable
as $$
  select replace(replace(replace(replace(replace(
    t.lines,
    '{user}', p_user_id::text),
    '{device}', coalesce(d.id::text, 'null')),
    '{account}', coalesce(a.id::text, 'null')),
    '{device_reason}', coalesce(d.status_reason, 'no reason given')),
    '{account_reason}', coalesce(a.status_reason, 'no reason given'))
  from (
    select string_agg(l.line, E'\n' order by l.place) as lines
    from jsonb_array_elements_text(drip._reasons() -> p_reason -> 'remedy')
      with ordinality as l (line, place)
  ) t
  left join drip.user_devices d on d.id = p_device_id
  left join drip.sender_accounts a on a.id = d.account_id
$$;
comment on function drip._standing_remedy(text, bigint, bigint) is
  'The remedy that _reasons() has for a reason of this tenant and device; null where it has none.';
