-- WhatsApp's ids of people are phones, or hide them.
create function drip._jid_phone(p_jid text) returns text
language sql immutable parallel safe
as $$
  select case
    when p_jid ~ e'^\\d{7,15}([:.]\\d+)?(@s\\.whatsapp\\.net|@c\\.us)?$'
      then substring(p_jid from e'^\\d+')
  end
$$;
comment on function drip._jid_phone(text) is
  'The digits of a WhatsApp id that is a phone, without the linked device''s number, else null.';
