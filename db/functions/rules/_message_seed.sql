-- A message planned twice, for a rehearsal and for real, has another id each time; its lead and its
-- program stay the same.
create function drip._message_seed(
  p_message_id bigint, p_lead_id bigint, p_campaign_id bigint, p_stepid bigint)
returns bigint
language sql immutable parallel safe
as $$
  select coalesce(
    pg_catalog.hashint8extended(p_lead_id, coalesce(-p_campaign_id, p_stepid)), p_message_id)
$$;
comment on function drip._message_seed(bigint, bigint, bigint, bigint) is
  'The seed of the delay after a message: lead and campaign or step, else its id.';
