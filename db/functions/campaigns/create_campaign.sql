-- A repeated definition returns the existing campaign; create_sequence says how it is compared.
create function drip.create_campaign(p_definition jsonb)
returns table (campaign_id bigint, title text, status text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_outcome text := 'existing';
  v_id bigint;
  v_copy bigint;
  v_wanted jsonb;
  v_ignored text[];
  v_constraint text;
  v_detail text;
begin
  perform drip._require_role('drip_app');
  if p_definition is null then
    perform drip._fail('DR001', 'there is no definition', 'Give a JSON object with a title.');
  end if;
  perform drip._check_json(p_definition, 'definition', 'the definition');
  for v_try in 1 .. 2 loop
    select c.id
    into v_id
    from drip.campaigns c
    where c.user_id = v_user and c.title = btrim(p_definition ->> 'title');
    begin
      if v_id is null then
        v_id := drip._insert_campaign(v_user, p_definition);
        perform drip._check_campaign_texts(c, true) from drip.campaigns c where c.id = v_id;
        v_outcome := 'created';
      else
        v_copy := drip._insert_campaign(
          v_user, p_definition || jsonb_build_object('title', 'the same as ' || v_id || '?'));
        v_wanted := drip._campaign_definition(v_copy);
        raise exception using errcode = 'DR999';
      end if;
    exception
      when sqlstate 'DR999' then
        -- a time that the definition does not name is that of schedule_campaign
        v_ignored := array['title'] || case
          when p_definition ->> 'scheduled_at' is null then array['scheduled_at']
        end;
        if v_wanted - v_ignored is distinct from drip._campaign_definition(v_id) - v_ignored then
          perform drip._fail(
            'DR013',
            format('there is another campaign %s', quote_literal(btrim(p_definition ->> 'title'))),
            'Change it with update_campaign, or choose another title.');
        end if;
      when integrity_constraint_violation then
        get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
        -- Another session has just created it: read it.
        continue when v_constraint = 'campaigns_title_unique' and v_try = 1;
        perform drip._constraint_error(v_constraint, v_detail);
    end;
    exit;
  end loop;
  return query
    select c.id, c.title, c.status, v_outcome
    from drip.campaigns c
    where c.id = v_id;
end
$$;
comment on function drip.create_campaign(jsonb) is
  'Creates a draft from a definition whose keys are columns of campaigns; devices are names or ids.
   The same definition again returns the campaign, also once it is scheduled.
   A scheduled_at without an offset is the user''s local time. Outcomes: created, existing.';
grant execute on function drip.create_campaign(jsonb) to drip_app;
