-- Webhooks come from outside: where a list should be may be anything.
create function drip._json_list(p_value jsonb) returns jsonb
language sql immutable parallel safe
as $$
  select case when jsonb_typeof(p_value) = 'array' then p_value else jsonb '[]' end
$$;
comment on function drip._json_list(jsonb) is 'The value where it is a list, else an empty one.';
