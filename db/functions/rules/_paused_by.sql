-- The pauses of a journey, and the start of the earliest; nulls if it is not paused.
create function drip._paused_by(
  p_enrollment drip.sequence_contacts, p_sequence drip.sequences, p_lead drip.leads)
returns table (held_by text, held_since timestamptz, held_until timestamptz)
language sql immutable parallel safe
as $$
  select
    case
      when p_sequence.status = 'paused' then 'sequence_paused'
      when p_enrollment.paused_at is not null then 'enrollment_paused'
      when p_lead.paused_until is not null then 'lead_paused'
    end,
    least(
      case when p_sequence.status = 'paused' then p_sequence.paused_at end,
      p_enrollment.paused_at,
      case when p_lead.paused_until is not null then p_lead.paused_at end),
    case
      when p_sequence.status = 'paused' or p_enrollment.paused_at is not null then 'infinity'
      else p_lead.paused_until
    end
$$;
comment on function drip._paused_by(drip.sequence_contacts, drip.sequences, drip.leads) is
  'What pauses a journey: its sequence, itself or its lead; since when, and until when.';
