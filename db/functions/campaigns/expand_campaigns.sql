-- One chunk of one due campaign per call keeps transactions short; the unique index on campaign and
-- lead makes a repeat harmless. Every lead gets a row: for those who opted out, exceed a device's
-- limit or are excluded it says so. An error undoes the chunk and is kept on the campaign, which
-- fails after five in a row.
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
  'Plans up to p_limit messages of the campaign that is overdue the longest, or of the given one if
   due; no row when none is. inserted counts this call''s rows, audience the leads; remaining is
   above 0 while another call has something to do at once.';
grant execute on function drip.expand_campaigns(integer, bigint) to drip_worker;
