-- People type the status; the error lists the valid ones.
create function drip._check_device_status(p_status text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_status is null or p_status not in ('online', 'offline', 'needs_attention', 'disabled') then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is not a device status',
                                 pg_catalog.quote_nullable(left(p_status, 60))),
      'Use online, offline, needs_attention or disabled.');
  end if;
end
$$;
comment on function drip._check_device_status(text) is
  'DR001 when the text is not a device status.';
