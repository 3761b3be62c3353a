-- Refuses a text that is too long by its argument's name before it reaches a table.
create function drip._check_length(p_value text, p_limit text, p_argument text) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if length(p_value) > drip._limit(p_limit) then
    perform drip._fail(
      'DR021',
      format('%s has more than %s characters', p_argument, drip._limit(p_limit)),
      case p_limit
        when 'name' then 'Shorten it: lists and texts show it.'
        else 'Make it shorter; docs/limits.md lists the limits.'
      end);
  end if;
end
$$;
comment on function drip._check_length(text, text, text) is
  'DR021 when the text is longer than its limit; null passes.';
