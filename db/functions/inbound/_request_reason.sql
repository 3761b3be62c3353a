-- As the list of suppressions shows it.
create function drip._request_reason(p_kind text, p_body text) returns text
language sql immutable parallel safe
as $$
  select case p_kind
    when 'preference' then 'stopped marketing at the provider'
    when 'edit' then 'changed a message to ' || left(p_body, 60)
    else 'replied ' || left(p_body, 60)
  end
$$;
comment on function drip._request_reason(text, text) is
  'The reason of an opt-out that came in a message of this kind.';
