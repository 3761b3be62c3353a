-- The lead stays and gets a new number. Pending messages and journeys move to it; opt-outs are
-- copied, so that the old number stays opted out.
create function drip.change_phone(p_phone text, p_new_phone text)
returns table (lead_id bigint, phone text, moved integer, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_lead drip.leads := drip._find_lead(v_user, p_phone);
  v_new text := drip._expect_phone(v_user, p_new_phone);
  v_moved integer;
begin
  perform drip._require_role('drip_app');
  if v_new = v_lead.phone then
    return query select v_lead.id, v_new, 0, 'unchanged'::text;
    return;
  end if;
  v_moved := drip._change_phone(v_lead, v_new);
  return query select v_lead.id, v_new, v_moved, 'changed'::text;
end
$$;
comment on function drip.change_phone(text, text) is
  'Gives a lead another phone and moves its pending messages (moved), live journeys and opt-outs.
   Outcome: changed, unchanged; DR013 when another lead has that phone.';
grant execute on function drip.change_phone(text, text) to drip_app;
