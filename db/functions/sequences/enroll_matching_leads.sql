-- Enrollment by token and by niche, for all tenants. It reads marked leads (enroll_check), after
-- marking those that may have been missed. Locked leads wait for the next run.
-- It decides which tokens are consumed: enrolled, or enrolled before, consumes the token; a paused
-- sequence, an exclusive group or an opt-out leaves it.
create function drip.enroll_matching_leads(p_limit integer default 1000)
returns table (enrolled bigint, consumed bigint, looked_at bigint, remaining bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._require_role('drip_worker');
  begin
    return query select r.* from drip._enroll_matching_leads(p_limit, null) r;
  exception when others then
    if not drip._is_data_error(sqlstate) then
      raise;
    end if;
    return query
      select
        coalesce(sum((a.line ->> 'enrolled')::bigint), 0)::bigint,
        coalesce(sum((a.line ->> 'consumed')::bigint), 0)::bigint,
        coalesce(sum((a.line ->> 'looked_at')::bigint), 0)::bigint,
        0::bigint
      from drip._run_apart('enroll_matching_leads', p_limit) a (line);
  end;
end
$$;
comment on function drip.enroll_matching_leads(integer) is
  'Enrolls up to p_limit leads whose trigger or niche matches an active sequence, and consumes the
   tokens. remaining is above 0 while another call has something to do at once.';
grant execute on function drip.enroll_matching_leads(integer) to drip_worker;
