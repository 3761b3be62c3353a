-- Heads that a concurrent transaction may change or judge wait for a later claim.
create function drip._keep_unrivalled(
  p_heads bigint[], p_campaigns bigint[], p_contact_rules boolean, p_account_caps boolean,
  p_accounts bigint[])
returns bigint[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_heads bigint[] := p_heads;
  v_shut bigint[];
begin
  -- A pause or cancel of a campaign waits for claims with its lock rows. If it was first, its row
  -- may be ahead of its messages.
  v_shut := array(
    select k.id
    from unnest(p_campaigns) as k (id)
    where k.id is not null and drip._try_lock_any('campaign', k.id) is null);
  if cardinality(v_shut) > 0 then
    v_heads := array(
      select m.id
      from drip.broadcast_messages m
      where m.id = any (v_heads) and (m.campaign_id = any (v_shut)) is not true
      order by m.id);
  end if;

  -- two devices must not judge the same contact's gap at once: the loser judges it again later
  if p_contact_rules then
    v_heads := drip._lock_contacts(v_heads);
  end if;

  -- one contact of a capped account per pass, or its devices exceed the cap together
  if p_account_caps then
    select array_agg(q.id order by q.id)
    into v_heads
    from (
      select distinct on (coalesce(a.id, -m.id)) m.id, a.id as account_id
      from drip.broadcast_messages m
      join drip.user_devices d on d.id = m.device_id
      left join drip.sender_accounts a on a.id = d.account_id and a.reach_cap is not null
      where m.id = any (v_heads)
        and (a.id is null or a.id <> all (p_accounts))
      order by coalesce(a.id, -m.id), m.priority, m.due_at, m.id
    ) q
    where q.account_id is null or drip._try_lock('account', q.account_id, 0);
  end if;
  return nullif(v_heads, '{}');
end
$$;
comment on function drip._keep_unrivalled(bigint[], bigint[], boolean, boolean, bigint[]) is
  'The heads that only this transaction may claim: it locks their campaigns, contacts and capped
   accounts as far as they are free. p_accounts: those that the claim sends from already. Null: none
   is left.';
