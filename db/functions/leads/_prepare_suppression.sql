-- Every opt-out, recorded by a verb or in psql, holds for all spellings of its number.
create or replace function drip._prepare_suppression() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  new.phone_key := drip._phone_key(new.phone);
  return new;
end
$$;
comment on function drip._prepare_suppression() is 'Trigger: sets phone_key.';

create or replace trigger suppressions_prepare
  before insert or update of phone, phone_key on drip.suppressions
  for each row execute function drip._prepare_suppression();
comment on trigger suppressions_prepare on drip.suppressions is 'Sets phone_key.';
