-- Foreign code, as guards are: it sees one tenant, writes nothing, and leaves nothing.
create function drip._audience_keys(
  p_view regclass, p_key text, p_most bigint, p_user bigint, p_only text default null)
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant text[] := drip._session_state();
  v_keys text[];
  v_context text;
  v_is_read boolean := false;
begin
  begin
    perform drip._bind_tenant(p_user);
    v_keys := array(
      select r.key from drip._read_audience(p_view, p_key, p_most, p_only) as r (key));
    v_is_read := true;
    raise exception 'what the view did is rolled back';
  exception
    when query_canceled then
      -- a real cancel's context begins elsewhere; a faked one must not end the expansion
      get stacked diagnostics v_context = pg_exception_context;
      perform drip._reset_session(v_before);
      if drip._is_raised(v_context) then
        raise exception 'it raised query_canceled: %', sqlerrm;
      end if;
      raise;
    when assert_failure then
      -- no handler of foreign errors would catch it
      perform drip._reset_session(v_before);
      raise exception '%', sqlerrm;
    when others then
      perform drip._reset_session(v_before);
      if not v_is_read then
        raise;
      end if;
  end;
  return v_keys;
end
$$;
comment on function drip._audience_keys(regclass, text, bigint, bigint, text) is
  'The distinct keys of a view, at most so many, as it shows them for this tenant.';

-- A view's functions run with the rights of its reader: drip_guard, which may read only what an
-- operator has granted. Names without a schema are found in the view's own schema.
create function drip._read_audience(
  p_view regclass, p_key text, p_most bigint, p_only text default null)
returns setof text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema text;
  v_name text;
begin
  -- after a restore it may belong to the owner, or be open to public
  if current_user <> 'drip_guard'
    or pg_catalog.has_function_privilege(
      'public', 'drip._read_audience(regclass, text, bigint, text)', 'execute')
  then
    raise exception using
      errcode = 'DR023',
      message = 'audiences are not read with the rights of drip_guard, or by everybody',
      hint = 'Run `pgdrip migrate`.';
  end if;
  select n.nspname, c.relname
  into v_schema, v_name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = p_view;
  perform pg_catalog.set_config(
    'search_path', format('pg_catalog, %I, pg_temp', v_schema), true);
  if p_only is null then
    return query execute format(
      'select distinct a.%1$I::text from %2$I.%3$I a where a.%1$I is not null limit $1',
      p_key, v_schema, v_name)
    using p_most;
  elsif p_key = 'lead_id' then
    return query execute format(
      'select a.%1$I::text from %2$I.%3$I a where a.%1$I = $1::bigint limit 1',
      p_key, v_schema, v_name)
    using p_only;
  else
    return query execute format(
      'select a.%1$I::text from %2$I.%3$I a where a.%1$I::text = $1 limit 1',
      p_key, v_schema, v_name)
    using p_only;
  end if;
end
$$;
comment on function drip._read_audience(regclass, text, bigint, text) is
  'The distinct keys of a view, at most so many, as drip_guard sees it.';
alter function drip._read_audience(regclass, text, bigint, text) owner to drip_guard;
