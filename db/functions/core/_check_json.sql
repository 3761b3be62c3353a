-- Deep values cost stack and large ones time, so both are checked before anything reads them.
create function drip._check_json(p_value jsonb, p_limit text, p_argument text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text constant text := p_value::text;
begin
  if length(v_text) > drip._limit(p_limit) then
    perform drip._fail(
      'DR021',
      format('%s has more than %s characters as JSON', p_argument, drip._limit(p_limit)),
      'Make it shorter, or pass it in parts; docs/limits.md lists the limits.');
  end if;
  if drip._is_too_deep(v_text) then
    perform drip._fail(
      'DR021',
      format('%s is nested deeper than %s levels', p_argument, drip._limit('depth')),
      'Nest it less.');
  end if;
end
$$;
comment on function drip._check_json(jsonb, text, text) is
  'DR021 when the JSON value is longer than its limit or nested too deep; null passes.';
