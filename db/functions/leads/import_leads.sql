-- One statement reads all leads and one writes them; a bad row fails alone.
create function drip.import_leads(p_leads jsonb)
returns table ("row" integer, phone text, lead_id bigint, outcome text, problem text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_rule text;
begin
  perform drip._require_role('drip_app');
  if coalesce(jsonb_typeof(p_leads), 'null') <> 'array' then
    perform drip._fail(
      'DR001', 'p_leads is not a JSON array', 'Write [{"phone": "+60123456789"}, …].');
  end if;
  perform drip._check_count(jsonb_array_length(p_leads), 'rows', 'the leads');
  for v_try in 1 .. 5 loop
    begin
      return query
        select i.row, i.phone, i.lead_id, i.outcome, i.problem
        from drip._import_leads(v_user, p_leads) i;
      return;
    exception when unique_violation then
      -- Another session has just taken one of the external_ids; the next try sees its lead.
      get stacked diagnostics v_rule = constraint_name;
      if v_rule <> 'leads_external_unique' or v_try = 5 then
        raise;
      end if;
    end;
  end loop;
end
$$;
comment on function drip.import_leads(jsonb) is
  'Creates or patches leads [{phone, name, niche, target_status, trigger, device, time_zone,
   language, external_id, attributes}] as upsert_lead does. One row per element, numbered from 1;
   outcome: created, updated, unchanged, duplicate (a phone of an earlier row; its values count),
   invalid (problem says why).';
grant execute on function drip.import_leads(jsonb) to drip_app;

create function drip._import_leads(p_user bigint, p_leads jsonb)
returns table ("row" integer, phone text, lead_id bigint, outcome text, problem text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with given as materialized (
      select r.*
      from drip._read_leads(p_user, p_leads) r
    ),
    valid as materialized (
      select
        g.row, g.phone, g.patch, g.trigger, g.attributes,
        row_number() over (partition by g.phone order by g.row) as occurrence,
        count(*) over (partition by g.phone) as occurrences,
        max(g.row) filter (where g.trigger = '') over (partition by g.phone) as cleared_at
      from given g
      where g.code is null
    ),
    -- The later row wins, field by field.
    merged_fields as (
      select v.phone, jsonb_object_agg(f.key, f.value order by v.row) as patch
      from valid v
      cross join lateral jsonb_each(v.patch) as f (key, value)
      where v.occurrences > 1
      group by v.phone
    ),
    merged_attributes as (
      select v.phone, jsonb_object_agg(f.key, f.value order by v.row) as attributes
      from valid v
      cross join lateral jsonb_each(v.attributes) as f (key, value)
      where v.occurrences > 1
      group by v.phone
    ),
    merged as (
      select
        v.phone,
        v.patch || jsonb_build_object(
          'tokens', v.trigger, 'clear_trigger', v.trigger = '',
          'attributes', coalesce(v.attributes, '{}')) as patch
      from valid v
      where v.occurrences = 1
      union all
      select
        t.phone,
        coalesce(f.patch, '{}') || jsonb_build_object(
          'tokens', t.tokens, 'clear_trigger', t.is_cleared,
          'attributes', coalesce(a.attributes, '{}'))
      from (
        select
          v.phone,
          string_agg(v.trigger, ',' order by v.row)
            filter (where v.row > coalesce(v.cleared_at, 0)) as tokens,
          max(v.cleared_at) is not null as is_cleared
        from valid v
        where v.occurrences > 1
        group by v.phone
      ) t
      left join merged_fields f on f.phone = t.phone
      left join merged_attributes a on a.phone = t.phone
    ),
    written as materialized (
      select w.phone, w.lead_id, w.outcome
      from drip._write_leads(
        p_user,
        (select array_agg(m.phone order by m.phone) from merged m),
        (select array_agg(m.patch order by m.phone) from merged m)) w
    )
    select
      g.row,
      g.phone,
      w.lead_id,
      case
        when g.code is not null then 'invalid'
        when v.occurrence > 1 then 'duplicate'
        else w.outcome
      end,
      g.problem
    from given g
    left join valid v on v.row = g.row
    left join written w on w.phone = v.phone
    order by g.row;
end
$$;
comment on function drip._import_leads(bigint, jsonb) is
  'One try of import_leads for a tenant.';
