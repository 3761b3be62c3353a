-- One list of policies for all verbs that resume.
create function drip._resume_policy(p_policy text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_policy constant text := coalesce(lower(btrim(p_policy)), 'shift');
begin
  if v_policy not in ('shift', 'catch_up', 'skip') then
    perform drip._fail(
      'DR001', format('there is no policy %s', quote_literal(left(p_policy, 40))),
      'shift moves the times by the pause, catch_up keeps them, skip drops what is overdue.');
  end if;
  return v_policy;
end
$$;
comment on function drip._resume_policy(text) is
  'shift, catch_up or skip, as passed to a verb; DR001 for anything else.';
