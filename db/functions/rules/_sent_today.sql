-- device_pacing counts the sends of local_day; a new day begins with none. One expression, so that
-- the planner inlines it.
create function drip._sent_today(p_local_day date, p_sent integer, p_today date) returns integer
language sql immutable parallel safe
begin atomic
  select case when p_local_day = p_today then p_sent else 0 end;
end;
comment on function drip._sent_today(date, integer, date) is
  'A device''s sends of today, given those of the day that its pacing counts.';
-- A view's functions run with the rights of its reader; this one reads no table.
grant execute on function drip._sent_today(date, integer, date) to drip_reader, drip_view;
