-- One chunk of one due campaign a call, so that each is a short transaction; the unique index on
-- campaign and lead makes a repeat harmless. Nobody is left out silently: who opted out, is over a
-- device's limit or is excluded gets a row that says so. An error undoes the chunk, is kept on the
-- campaign, and after five in a row the campaign fails.
create function drip.expand_campaigns(
  p_limit integer default 5000, p_campaign_id bigint default null)
returns table (
  campaign_id bigint, title text, inserted bigint, audience bigint, remaining bigint, status text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  begin
    return query select r.* from drip._expand_campaigns(p_limit, null, p_campaign_id) r;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    if p_campaign_id is not null then
      return query
        select r.*
        from drip.campaigns c
        cross join lateral drip._expand_campaigns(p_limit, c.user_id, c.id) r
        where c.id = p_campaign_id;
    else
      return query
        select x.*
        from drip._run_apart('expand_campaigns', p_limit, p_once => true) a (line)
        cross join lateral jsonb_to_record(a.line) as x (
          campaign_id bigint, title text, inserted bigint, audience bigint, remaining bigint,
          status text);
    end if;
  end;
end
$$;
comment on function drip.expand_campaigns(integer, bigint) is
  'Plans up to p_limit messages of the campaign that is due longest, or of that one if it is due; no
   row when none is. inserted counts this call''s rows, audience the leads; remaining is above 0
   while another call has something to do at once.';
grant execute on function drip.expand_campaigns(integer, bigint) to drip_worker;
