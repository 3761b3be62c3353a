-- Every rule of the claim for one message. The verdicts are the judge's own: the rule that stops
-- the message is lifted and the message judged again, until it could go.
create function drip.explain_rules(p_message bigint)
returns table (
  place integer, rule text, verdict text, sentence text, evidence jsonb, until timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_message constant drip.broadcast_messages := drip._own_message(p_message);
begin
  perform drip._require_role('drip_app');
  return query
    select r.place, r.rule, r.verdict, r.sentence, r.evidence, r.until
    from drip._explain_rules(v_message.id) r
    order by r.place;
end
$$;
comment on function drip.explain_rules(bigint) is
  'Every rule for a pending message in the order in which the claim applies them: go, wait (until,
   null when unknown), drop, or off (not set); evidence has its facts, with local times. Guards are
   asked if nothing else stops the message.';
grant execute on function drip.explain_rules(bigint) to drip_app;
