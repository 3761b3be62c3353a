-- An unknown time zone or an endless interval would stop every tenant's claim, so it is refused
-- when it is written, by a verb or in psql.
create or replace function drip._check_user_settings() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._check_time_zone(new.time_zone);
  perform drip._check_region(new.default_region);
  perform drip._check_duration(new.contact_cap_period, 'contact_cap_period');
  perform drip._check_duration(new.contact_gap, 'contact_gap');
  perform drip._check_duration(new.unknown_hold, 'unknown_hold');
  if tg_op = 'INSERT' or new.opt_out_confirmation is distinct from old.opt_out_confirmation then
    perform drip._check_texts(
      new.id, array['opt_out_confirmation'], array[new.opt_out_confirmation], true);
  end if;
  return new;
end
$$;
comment on function drip._check_user_settings() is
  'Trigger: checks a tenant''s time zone, region and intervals, and the placeholders of its text.';

create or replace trigger users_guard
  before insert or update of
    time_zone, default_region, contact_cap_period, contact_gap, unknown_hold,
    opt_out_confirmation
  on drip.users
  for each row execute function drip._check_user_settings();
comment on trigger users_guard on drip.users is
  'DR001 for an unknown time zone or region, DR004 for an interval above 100 years, DR017 for an
   unknown placeholder.';
