-- AT TIME ZONE also takes abbreviations and rules like foo+8, which have no daylight saving; a name
-- with a slash and no digit is neither. The list of zones is read from files (30 ms): only if
-- needed.
create function drip._is_time_zone(p_zone text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_zone = 'UTC' then
    return true;
  end if;
  if p_zone ~ '^[A-Za-z_-]+(/[A-Za-z_-]+)+$' then
    begin
      perform timestamp '2000-01-01' at time zone p_zone;
      return true;
    exception when invalid_parameter_value then
      return false;
    end;
  end if;
  return exists (select from pg_catalog.pg_timezone_names z where z.name = p_zone);
end
$$;
comment on function drip._is_time_zone(text) is 'True for the name of an IANA time zone.';
