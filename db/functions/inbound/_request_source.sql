-- An opt-out at the provider can be undone there; one that was said stays.
create function drip._request_source(p_kind text) returns text
language sql immutable parallel safe
as $$
  select case p_kind when 'preference' then 'provider' else 'reply' end
$$;
comment on function drip._request_source(text) is
  'The source of an opt-out that came in a message of this kind.';
