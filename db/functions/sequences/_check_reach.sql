-- Waits add up: many long ones would plan messages for times that no client of the database can
-- read.
create function drip._check_reach(p_sequence_id bigint) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_years constant integer := drip._limit('years_ahead');
begin
  if (
    select sum(st.trigger_delay_hours)
    from drip.sequence_steps st
    where st.sequence_id = p_sequence_id and st.retired_at is null
  ) > c_years * 8766
  then
    perform drip._fail(
      'DR021', format('the last step is more than %s years after the first', c_years),
      'trigger_delay_hours is the wait since the step before, in hours: 24 is a day.');
  end if;
end
$$;
comment on function drip._check_reach(bigint) is
  'DR021 where the waits of a sequence''s steps add up to more than the planning limit.';
