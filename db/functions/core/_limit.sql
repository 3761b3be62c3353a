-- How much of everything is taken: one place, read by every check and told in docs/limits.md. What
-- a contact can be sent is far below these; they keep a call, a claim and a view within
-- milliseconds, whatever somebody hands in.
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
    -- characters of a JSON value, written out
    when 'template' then 65536
    when 'attributes' then 65536
    when 'settings' then 65536
    when 'definition' then 4194304
    -- one within the other
    when 'depth' then 32
    -- how many
    when 'placeholders' then 200
    when 'steps' then 500
    when 'rows' then 100000
    -- each beyond it is compared with each that was done
    when 'messages' then 10000
    when 'definitions' then 10000
    when 'platforms' then 100
    -- years that a plan may reach ahead
    when 'years_ahead' then 20
  end;
end;
comment on function drip._limit(text) is
  'The most that is taken of something: characters, rows or levels; docs/limits.md lists them.';
