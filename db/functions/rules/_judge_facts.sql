-- The judge for facts given as a value: what would the verdict be if some fact were different? The
-- names are those of _message_evidence.
create function drip._judge_facts(p_facts jsonb)
returns table (verdict text, reason text, until timestamptz)
language sql stable
begin atomic
  select v.verdict, v.reason, v.until
  from jsonb_populate_record(null::drip._message_evidence, p_facts) f  -- noqa: RF02
  cross join lateral drip._judge(f) v;
end;
comment on function drip._judge_facts(jsonb) is
  'The verdict for facts that are a row of _message_evidence, or changed from one.';
-- Views call it with the rights of their readers; it reads no table.
grant execute on function drip._judge_facts(jsonb) to drip_reader, drip_view;
