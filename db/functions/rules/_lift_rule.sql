-- Lifting the rule that stops a message reveals the next one; explanations find all of its rules
-- that way. Two rules depend on more than the facts that _reasons() changes.
create function drip._lift_rule(p_facts jsonb, p_rule text) returns jsonb
language sql stable
as $$
  select p_facts || (drip._reasons() -> p_rule -> 'lift') || case p_rule
    -- an archived sequence ends its journeys as well
    when 'enrollment_finished' then jsonb_build_object(
      'sequence_status', nullif(f.sequence_status, 'archived'))
    -- the time may be outside the hours as well
    when 'weekend' then jsonb_build_object(
      'window_opens_at', drip._window_opens_at(
        f.now, f.zone, f.window_from, f.window_to, f.window_days, false))
    else '{}'
  end
  from jsonb_populate_record(null::drip._message_evidence, p_facts) f
$$;
comment on function drip._lift_rule(jsonb, text) is
  'The facts as if this rule did not stop the message; null for an unknown rule.';
