-- What a pause, a resume or a cancel of a large campaign leaves to be written, a chunk a call. The
-- verdict goes by the campaign's own row, so none of it decides whether a message may leave.
create function drip.sweep_campaigns(p_limit integer default 2000)
returns table (campaign_id bigint, title text, kind text, swept bigint, remaining bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  begin
    return query select r.* from drip._sweep_campaigns(p_limit, null) r;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    return query
      select x.*
      from drip._run_apart('sweep_campaigns', p_limit, p_once => true) a (line)
      cross join lateral jsonb_to_record(a.line) as x (
        campaign_id bigint, title text, kind text, swept bigint, remaining bigint);
  end;
end
$$;
comment on function drip.sweep_campaigns(integer) is
  'Brings the next p_limit messages of one campaign in line with its pause (hold), resume (free) or
   cancel; no row when all is in line. swept counts those that changed; remaining is above 0 while
   another call has something to do at once.';
grant execute on function drip.sweep_campaigns(integer) to drip_worker;
