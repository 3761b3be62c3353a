-- Runs as drip_guard, whatever has become of the function since it was looked up.
create function drip._call_guard(p_call text, p_lead bigint, p_enrollment bigint) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_said boolean;
  v_context text;
begin
  -- after a restore it may belong to the owner, or be open to public
  if current_user <> 'drip_guard'
    or pg_catalog.has_function_privilege(
      'public', 'drip._call_guard(text, bigint, bigint)', 'execute')
  then
    raise exception using
      errcode = 'DR023',
      message = 'guards are not called with the rights of drip_guard, or by everybody',
      hint = 'Run `pgdrip migrate`.';
  end if;
  execute p_call into v_said using p_lead, p_enrollment;
  return v_said;
exception
  when query_canceled then
    -- a real cancel's context begins elsewhere; a faked one must not end the claim
    -- (drip_guard may not call _is_raised)
    get stacked diagnostics v_context = pg_exception_context;
    if split_part(v_context, E'\n', 1) ~ 'RAISE$' then
      raise exception 'it raised query_canceled: %', sqlerrm;
    end if;
    raise;
end
$$;
comment on function drip._call_guard(text, bigint, bigint) is
  'A guard''s answer, called by the statement from _guard_call.';
alter function drip._call_guard(text, bigint, bigint) owner to drip_guard;
