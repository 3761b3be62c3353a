-- The trigger column of leads is a comma list.
create function drip._add_token(p_list text, p_token text) returns text
language sql immutable parallel safe
as $$
  select case
    when drip._has_token(p_list, p_token) or nullif(btrim(p_token), '') is null then p_list
    else concat_ws(',', nullif(btrim(p_list), ''), btrim(p_token))
  end
$$;
comment on function drip._add_token(text, text) is
  'The comma list with the token added, unless it is there.';
