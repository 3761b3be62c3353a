-- The form of local times in explanations; 'infinity' is no time.
create function drip._tell_time(p_at timestamptz, p_zone text) returns text
language sql stable parallel safe
as $$
  select case
    when isfinite(p_at) then to_char(p_at at time zone p_zone, 'YYYY-MM-DD HH24:MI:SS')
  end
$$;
comment on function drip._tell_time(timestamptz, text) is
  'The local time of an instant in a zone, as text; null for none.';
