-- A change of one of these settings moves messages that are already planned.
create function drip._hour_keys() returns text[]
language sql immutable parallel safe
return array['send_from', 'send_to', 'send_days', 'skip_weekends'];
comment on function drip._hour_keys() is
  'The settings of a sequence that decide when its planned messages may leave.';
