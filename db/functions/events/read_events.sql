-- Delivery at least once: an event that is not acked in time is handed out again. Readers that
-- share a queue get different events. Phones are masked as in the views.
create function drip.read_events(
  p_queue text, p_limit integer default 100, p_seconds integer default 30)
returns table (
  ack_id bigint, event_id bigint, type text, version integer, occurred_at timestamptz,
  reads integer, body jsonb)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- functions of pgmq are compiled in the caller's session
set standard_conforming_strings = on
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_name text;
  v_is_masked constant boolean := not drip.can_see_phones();
begin
  perform drip._require_role('drip_app');
  if coalesce(p_limit, 100) not between 1 and 1000 then
    perform drip._fail(
      'DR001', pg_catalog.format('p_limit is %s', p_limit), 'Read 1 to 1000 events at once.');
  end if;
  if coalesce(p_seconds, 30) not between 0 and 86400 then
    perform drip._fail(
      'DR001', pg_catalog.format('p_seconds is %s', p_seconds),
      'Pass the seconds after which an event without an ack is handed out again, 0 to 86400.');
  end if;
  v_name := drip._find_event_queue(v_user, p_queue);
  return query
    select
      r.msg_id,
      (r.message ->> 'id')::bigint,
      r.message ->> 'type',
      (r.message ->> 'version')::integer,
      (r.message ->> 'occurred_at')::timestamptz,
      r.read_ct,
      case when v_is_masked then drip._mask_event(r.message) else r.message end
    from pgmq.read(v_name, coalesce(p_seconds, 30), coalesce(p_limit, 100)) r
    order by r.msg_id;
end
$$;
comment on function drip.read_events(text, integer, integer) is
  'The next events of a queue, oldest first. Each is this reader''s for p_seconds; ack it by its
   ack_id with ack_events, or it comes again. reads counts how often it was handed out; event_id is
   the same in every queue. Phones are masked without drip_pii.';
grant execute on function drip.read_events(text, integer, integer) to drip_app;

-- A provider's error or a reply may quote the phone as well.
create function drip._mask_event(p_body jsonb) returns jsonb
language sql immutable parallel safe
as $$
  select case
    when p_body #>> '{data,phone}' is null then p_body
    else jsonb_set(p_body, '{data}', (
      select jsonb_object_agg(
        d.key,
        case jsonb_typeof(d.value)
          when 'string'
            then to_jsonb(drip.mask_phone_in(d.value #>> '{}', p_body #>> '{data,phone}'))
          else d.value
        end)
      from jsonb_each(p_body -> 'data') d))
  end
$$;
comment on function drip._mask_event(jsonb) is
  'The event, with the phone of its contact masked in every text.';
