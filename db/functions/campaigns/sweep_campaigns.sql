-- Writes the rows that a pause, resume or cancel of a large campaign left, one chunk per call. The
-- verdict reads the campaign's own row, so this never decides whether a message may leave.
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
  'Applies the pause (hold), resume (free) or cancel of one campaign to its next p_limit messages;
   no row when nothing is left. swept counts those that changed; remaining is above 0 while another
   call has something to do at once.';
grant execute on function drip.sweep_campaigns(integer) to drip_worker;
