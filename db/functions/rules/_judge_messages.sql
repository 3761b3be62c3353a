-- The verdict for a set of messages at once, for the claim and the explanations.
create function drip._judge_messages(p_ids bigint[])
returns table (message_id bigint, verdict text, reason text, until timestamptz)
language sql stable
as $$
  select f.message_id, f.verdict, f.reason, f.until
  from drip._message_facts f
  where f.message_id = any (p_ids)
$$;
comment on function drip._judge_messages(bigint[]) is
  'One row per given message that is pending: go, wait or drop, why, and until when.';
