-- Views and explanations show the sentences that _reasons() has; a reason that an application has
-- given is its own sentence.
create function drip.reason_sentence(p_reason text) returns text
language sql immutable parallel safe
begin atomic
  select coalesce(drip._reasons() -> p_reason ->> 'sentence', p_reason);
end;
comment on function drip.reason_sentence(text) is 'The sentence for a reason code.';
grant execute on function drip.reason_sentence(text) to drip_reader, drip_worker, drip_view;
