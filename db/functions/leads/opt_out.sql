-- An opt-out holds from its commit on: it cancels pending messages, and the claim drops those that
-- others are planning at the same time.
create function drip.opt_out(
  p_phone text,
  p_reason text default null,
  p_category text default 'all',
  p_source text default 'application')
returns table (lead_id bigint, phone text, outcome text, cancelled integer)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_phone text := drip._expect_phone(v_user, p_phone);
begin
  perform drip._require_role('drip_app');
  perform drip._check_length(p_reason, 'reason', 'p_reason');
  return query
    select o.lead_id, v_phone, o.outcome, o.cancelled
    from drip._opt_out(
      v_user, v_phone, drip._check_category(p_category), p_reason,
      coalesce(nullif(btrim(p_source), ''), 'application')) o;
end
$$;
comment on function drip.opt_out(text, text, text, text) is
  'Suppresses a phone, with or without a lead: category all (default) or marketing. Cancels pending
   messages and ends journeys. Outcome: suppressed, already_suppressed; cancelled counts messages.';
grant execute on function drip.opt_out(text, text, text, text) to drip_app;
