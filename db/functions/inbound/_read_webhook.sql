-- One form for the webhooks of all platforms: what cannot be read comes out as ignored, so that it
-- is counted and not lost. Source: the platforms' documentation of their webhooks.
create function drip._read_webhook(p_platform text, p_body jsonb)
returns table (
  kind text, state text, provider_message_id text, instance text, instance_jid text,
  contact text, contact_aliases text[], contact_name text, occurred_at timestamptz,
  message_type text, body text, payload text, media_id text, media_type text, context_id text,
  ref text, error_code text, error_message text)
language sql stable
as $$
  select r.* from drip._read_gowa(p_body) r where p_platform = 'gowa'
  union all
  select r.* from drip._read_cloud_api(p_body) r where p_platform = 'cloud_api'
$$;
comment on function drip._read_webhook(text, jsonb) is
  'The facts in a webhook''s body. kind: message (somebody said something); edit (body: the new
   text), reaction, revoke, each with context_id, the message it changes; notice (nothing was said:
   state is its type); receipt (state sent, delivered, read, played, failed); own_message;
   preference (state stop, resume); number_change (body: the new number), id_change (body: the new
   id); ignored (state: why). contact: digits of a phone; contact_aliases: the provider''s ids.';
