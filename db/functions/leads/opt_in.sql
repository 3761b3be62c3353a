-- Undoes an opt-out, recorded under whatever spelling of the number. Cancelled messages stay
-- cancelled; waiting tokens are matched again.
create function drip.opt_in(p_phone text, p_category text default null)
returns table (lead_id bigint, phone text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_phone text := drip._expect_phone(v_user, p_phone);
  v_category text := case when p_category is not null then drip._check_category(p_category) end;
  v_key constant text := drip._phone_key(v_phone);
  v_lead bigint;
  v_outcome text := 'not_suppressed';
begin
  perform drip._require_role('drip_app');
  delete from drip.suppressions s
  where s.user_id = v_user
    and s.phone_key = v_key
    and (v_category is null or drip._stops(v_category, s.category));
  if found then
    v_outcome := 'removed';
    update drip.leads l
    set enroll_check = true
    where l.user_id = v_user
      and l.phone_key = v_key
      and not l.enroll_check
      and (l.trigger is not null or l.niche is not null);
  end if;
  select l.id into v_lead from drip._lead_of_phone(v_user, v_phone) l;
  return query select v_lead, v_phone, v_outcome;
end
$$;
comment on function drip.opt_in(text, text) is
  'Removes opt-outs of a phone: every one of them (null or all), or those of one category.
   Outcome: removed, not_suppressed.';
grant execute on function drip.opt_in(text, text) to drip_app;
