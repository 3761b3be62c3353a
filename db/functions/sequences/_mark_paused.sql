-- A pause takes precedence over every live state, so nothing is derived here. A locked row is left
-- to the next tick.
create function drip._mark_paused(p_enrollments bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deriving constant text := coalesce(current_setting('drip.deriving', true), '');
begin
  -- Derived status is not a user's request.
  perform set_config('drip.deriving', 'yes', true);
  with locked as (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_enrollments) and e.completed_at is null
    order by e.id
    for no key update skip locked
  ),
  marked as (
    update drip.sequence_contacts e
    set status = 'paused'
    from locked k
    where e.id = k.id
    returning e.id
  )
  insert into drip.sync_backlog (enrollment_id, noted_at)
  select e.id, drip.now()
  from unnest(p_enrollments) as e (id)
  except
  select m.id, drip.now()
  from marked m;
  perform set_config('drip.deriving', v_deriving, true);
end
$$;
comment on function drip._mark_paused(bigint[]) is
  'Sets the status of these live journeys to paused.';
