-- For one contact. Queries over many join suppressions themselves and call _stops(), so that
-- everything is planned as one query.
create function drip._is_stopped(p_user_id bigint, p_phone text, p_category text)
returns boolean
language sql stable
as $$
  select exists (
    select
    from drip.suppressions s
    where s.user_id = p_user_id and s.phone_key = drip._phone_key(p_phone)
      and drip._stops(s.category, p_category))
$$;
comment on function drip._is_stopped(bigint, text, text) is
  'True when an opt-out of the contact stops messages or programs of the category.';
