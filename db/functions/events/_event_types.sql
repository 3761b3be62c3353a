-- The one list of events that an application can subscribe to; docs/events.md has the bodies.
create function drip._event_types()
returns table (type text, version integer)
language sql immutable parallel safe
as $$
  values
    ('message.sent', 1),
    ('message.failed', 1),
    ('message.unknown', 1),
    ('message.delivered', 1),
    ('message.read', 1),
    ('lead.replied', 1),
    ('lead.opted_out', 1),
    ('lead.opted_in', 1),
    ('lead.enrolled', 1),
    ('sequence.completed', 1),
    ('sequence.failed', 1),
    ('sequence.exited', 1),
    ('sequence.reopened', 1),
    ('sequence.paused', 1),
    ('campaign.completed', 1),
    ('campaign.failed', 1),
    ('campaign.paused', 1),
    ('campaign.cancelled', 1),
    ('device.online', 1),
    ('device.offline', 1),
    ('device.needs_attention', 1),
    ('device.disabled', 1),
    ('device.quality_changed', 1),
    ('account.online', 1),
    ('account.needs_attention', 1),
    ('account.notice', 1),
    ('template.status_changed', 1),
    ('template.quality_changed', 1)
$$;
comment on function drip._event_types() is
  'Every type of event with the version of its body.';
