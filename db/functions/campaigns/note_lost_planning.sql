-- An audience can end the session that reads it; nothing inside that session can report or prevent
-- it. The worker knows which campaign it was planning.
create function drip.note_lost_planning(p_campaign_id bigint, p_error text)
returns table (is_noted boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  return query
    select coalesce(drip._note_expansion_error(
      p_campaign_id, 'DR018', left('the session that planned it ended: ' || p_error, 500),
      drip.now()), false);
end
$$;
comment on function drip.note_lost_planning(bigint, text) is
  'Records on a campaign that the session planning it ended; it fails after five errors in a row;
   false when another session has locked its row. For a worker whose sessions end when it plans
   it.';
grant execute on function drip.note_lost_planning(bigint, text) to drip_worker;
