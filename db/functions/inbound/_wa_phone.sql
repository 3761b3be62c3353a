-- Since 2026 the place of a number may hold an id; its digits are no phone.
create function drip._wa_phone(p_id text) returns text
language sql immutable parallel safe
as $$
  select case
    when p_id ~ e'^\\+?[1-9]\\d{6,14}$' then ltrim(p_id, '+')
  end
$$;
comment on function drip._wa_phone(text) is
  'The digits of a phone; null for a provider''s id that is none, such as MY.601234567890123.';
