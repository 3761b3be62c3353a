-- A rating falls before a number is restricted, so a change is an event.
create function drip._note_quality(p_device_id bigint, p_rating text, p_limit text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_old drip.user_devices;
  v_new drip.user_devices;
begin
  select d.* into v_old from drip.user_devices d where d.id = p_device_id for no key update;
  update drip.user_devices d
  set quality_rating = coalesce(p_rating, d.quality_rating),
    quality_since = case
      when p_rating is distinct from d.quality_rating and p_rating is not null then drip.now()
      else d.quality_since
    end,
    messaging_limit = coalesce(p_limit, d.messaging_limit)
  where d.id = p_device_id
    and (coalesce(p_rating, d.quality_rating), coalesce(p_limit, d.messaging_limit))
      is distinct from (d.quality_rating, d.messaging_limit)
  returning d.* into v_new;
  if v_new.id is not null
    -- the first rating is no change, unless it is a bad one
    and (v_old.quality_rating is not null or v_new.quality_rating in ('YELLOW', 'RED')
         or v_new.messaging_limit is distinct from v_old.messaging_limit)
  then
    perform drip._emit(
      v_new.user_id, 'device.quality_changed',
      jsonb_build_object(
        'device_id', v_new.id,
        'device_name', v_new.name,
        'platform', v_new.platform,
        'quality_rating', v_new.quality_rating,
        'previous_quality_rating', v_old.quality_rating,
        'messaging_limit', v_new.messaging_limit));
  end if;
end
$$;
comment on function drip._note_quality(bigint, text, text) is
  'Stores the provider''s rating and limit of a number, and tells a change; null = not told.';
