-- The limits of every input in one place, read by every check and listed in docs/limits.md. They
-- are far above what a contact can be sent, and keep a call, a claim and a view within
-- milliseconds, whatever the input.
create function drip._limit(p_name text) returns integer
language sql immutable parallel safe
begin atomic
  select case p_name
    -- characters
    when 'text' then 65536
    when 'caption' then 4096
    when 'url' then 2048
    when 'name' then 200
    when 'key' then 200
    when 'reason' then 1000
    when 'tokens' then 4000
    -- characters of a JSON value as text
    when 'template' then 65536
    when 'attributes' then 65536
    when 'settings' then 65536
    when 'definition' then 4194304
    -- levels of nesting
    when 'depth' then 32
    -- numbers of things
    when 'placeholders' then 200
    when 'steps' then 500
    when 'rows' then 100000
    -- each one beyond it would be compared with all before
    when 'messages' then 10000
    when 'definitions' then 10000
    when 'platforms' then 100
    -- years that a plan may lie ahead
    when 'years_ahead' then 20
  end;
end;
comment on function drip._limit(text) is
  'The limit of an input: characters, rows or levels; docs/limits.md lists them.';
