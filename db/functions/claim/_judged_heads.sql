-- The facts of a message for the claim and its rehearsal. No SET clause, so that it is inlined.
create function drip._judged_heads(p_heads bigint[])
returns table (
  message_id bigint, verdict text, reason text, until timestamptz, device_id bigint,
  lead_id bigint, priority smallint, due_at timestamptz, burst integer, is_capped boolean,
  enrollment_id bigint, is_guarded boolean, delay_seconds numeric)
language sql stable
as $$
  select
    f.message_id, f.verdict, f.reason, f.until, f.device_id,
    f.lead_id, f.priority, f.due_at, f.burst, f.is_capped,
    f.enrollment_id, f.exit_if is not null or f.only_if is not null,
    drip._delay_seconds(
      drip._message_seed(f.message_id, f.lead_id, f.campaign_id, f.sequence_stepid),
      f.device_min_seconds, f.device_max_seconds, f.program_min_seconds, f.program_max_seconds)
  from drip._message_facts f
  where f.message_id = any (p_heads)
$$;
comment on function drip._judged_heads(bigint[]) is
  'The verdicts on these messages, whether a guard must be asked, and the seconds from their claim
   to the next one of their device.';
