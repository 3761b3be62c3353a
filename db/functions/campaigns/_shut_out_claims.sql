-- A claim locks one of the campaign's lock rows while it judges its messages, and skips the
-- campaign when all are locked. A worker that pauses a campaign waits for nobody
-- (drip.hold_policy).
create function drip._shut_out_claims(p_campaign_id bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('drip.hold_policy', true) is distinct from 'skip' then
    perform drip._lock_all('campaign', p_campaign_id);
  end if;
end
$$;
comment on function drip._shut_out_claims(bigint) is
  'Waits for running claims of this campaign and keeps out others until the commit.';
