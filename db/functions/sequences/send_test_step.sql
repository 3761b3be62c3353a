-- The text of one step as this contact would get it, without a journey.
create function drip.send_test_step(p_sequence text, p_step text, p_phone text)
returns table (
  message_id bigint, lead_id bigint, device_id bigint, device_name text, message_type text,
  content text, caption text, media_url text, template jsonb, outcome text, reason text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_step constant drip.sequence_steps := drip._find_step(v_sequence, p_step);
  v_lead constant drip.leads := drip._find_tester(v_sequence.user_id, p_phone);
  v_devices bigint[];
begin
  perform drip._require_role('drip_app');
  if v_sequence.device_id is not null then
    v_devices := array[v_sequence.device_id];
  end if;
  return query
    select
      s.message_id, s.lead_id, s.device_id, s.device_name, s.message_type, s.content, s.caption,
      s.media_url, s.template, s.outcome, s.reason
    from drip._send_test(
      v_sequence.user_id, v_lead.phone, v_devices, v_sequence.category, v_step.message_type,
      jsonb_strip_nulls(jsonb_build_object(
        'content', v_step.content, 'caption', v_step.caption, 'media_url', v_step.media_url,
        'template', v_step.template, 'greeting', v_sequence.greeting,
        'attributes', (
          select e.attributes
          from drip.sequence_contacts e
          where e.lead_id = v_lead.id and e.sequence_id = v_sequence.id
          order by e.id desc
          limit 1),
        'test_of', v_sequence.name, 'test_of_step', v_step.day_number))) s;
end
$$;
comment on function drip.send_test_step(text, text, text) is
  'Sends the text of a step, drafts too, to one phone within the hour, ahead of other messages.
   Window, contact caps and pauses do not apply, and no report or reply counts it. An unknown phone
   becomes a lead that is in no audience. Outcomes: planned, suppressed, no_device.';
grant execute on function drip.send_test_step(text, text, text) to drip_app;
