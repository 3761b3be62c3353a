-- The receiver answers 200 once this has committed. Bodies are stored byte for byte. One
-- notification per call, since commits with notifications wait for each other.
create function drip.store_webhooks(p_kinds text[], p_ids bigint[], p_bodies text[])
returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
as $$
declare
  v_stored bigint;
begin
  perform drip._require_role('drip_worker');
  perform drip._check_count(
    greatest(cardinality(p_kinds), cardinality(p_ids), cardinality(p_bodies)), 'messages',
    'the webhooks');
  if coalesce(cardinality(p_kinds), 0) <> coalesce(cardinality(p_ids), 0)
    or coalesce(cardinality(p_kinds), 0) <> coalesce(cardinality(p_bodies), 0)
  then
    perform drip._fail(
      'DR001', 'p_kinds, p_ids and p_bodies differ in length',
      'Pass one element of each per webhook.');
  end if;
  if exists (
    select
    from unnest(p_kinds, p_ids, p_bodies) w (kind, id, body)
    where w.kind is null or w.kind not in ('device', 'account')
      or w.id is null or w.body is null)
  then
    perform drip._fail(
      'DR001', 'a webhook has no kind, id or body, or an unknown kind',
      'The kind is device or account.');
  end if;
  if coalesce(cardinality(p_kinds), 0) = 0 then
    return 0;
  end if;
  select count(*)
  into v_stored
  from pgmq.send_batch('drip_inbound', array(
    select jsonb_build_object(
      'kind', w.kind, 'id', w.id, 'received_at', drip.now(), 'body', w.body)
    from unnest(p_kinds, p_ids, p_bodies) with ordinality w (kind, id, body, place)
    order by w.place));
  perform pg_catalog.pg_notify('drip_inbound', '');
  return v_stored;
end
$$;
comment on function drip.store_webhooks(text[], bigint[], text[]) is
  'Puts verified webhooks into the queue drip_inbound as {kind, id, received_at, body}, the raw body
   as a string, and notifies the workers; returns how many.';
grant execute on function drip.store_webhooks(text[], bigint[], text[]) to drip_worker;
