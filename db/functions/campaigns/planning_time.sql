-- A statement_timeout set inside a function never fires, so planners ask first how long it may
-- take: the limits of the audiences that are read, and our own part.
create function drip.planning_time()
returns interval
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select interval '30 seconds' + coalesce(max(t.time_limit), interval '0')
  from (
    select sum(a.time_limit) as time_limit
    from drip.campaigns c
    join drip.audiences a on a.name in (c.audience, c.exclude)
    where c.status in ('pending', 'triggered')
      and drip._wants_taking(c)
      and drip._is_expansion_due(c, drip.now())
    group by c.id
  ) t
  where drip._require_role('drip_worker')
$$;
comment on function drip.planning_time() is
  'How long expand_campaigns or tick may take now: 30 seconds, plus the time limits of the audiences
   of the due campaign with the longest. The worker sets its statement_timeout to it.';
grant execute on function drip.planning_time() to drip_worker;
