-- Changing one of these settings moves messages that are already planned.
create function drip._hour_keys() returns text[]
language sql immutable parallel safe
return array['send_from', 'send_to', 'send_days', 'skip_weekends'];
comment on function drip._hour_keys() is
  'The settings of a sequence by which its messages may leave at other times than planned.';
