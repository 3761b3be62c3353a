-- One statement reads all leads and one writes them; a bad row fails alone.
create function drip.import_leads(
  p_leads jsonb,
  p_keep_unknown jsonb default null,
  p_restart boolean default true)
returns table (
  "row" integer, phone text, lead_id bigint, outcome text, problem text, kept text[],
  skipped text, unused text)
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
  perform drip._check_keep(p_keep_unknown);
  for v_try in 1 .. 5 loop
    begin
      return query
        select i.*
        from drip._import_leads(
          v_user, p_leads, coalesce(p_keep_unknown, '{}'), coalesce(p_restart, true)) i;
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
comment on function drip.import_leads(jsonb, jsonb, boolean) is
  'Creates or patches leads [{phone, country, name, niche, target_status, trigger, device,
   time_zone, language, external_id, attributes}] as upsert_lead does. phone may be a list: the
   first mobile counts; country (name or code) is where a phone without + is read. One row per
   element, numbered from 1; outcome: created, updated, unchanged, duplicate (a phone of an earlier
   row; its values count), invalid (problem says why). p_keep_unknown {"target_status": "status"}
   keeps an unknown status, device, time_zone or language as that attribute (kept names the fields)
   instead of refusing the row. p_restart false skips tokens whose sequence the lead has been in
   (skipped); unused: tokens that no sequence has.';
grant execute on function drip.import_leads(jsonb, jsonb, boolean) to drip_app;

create function drip._check_keep(p_keep jsonb) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_keep is null then
    return;
  end if;
  perform drip._check_json(p_keep, 'settings', 'p_keep_unknown');
  if jsonb_typeof(p_keep) <> 'object' or exists (
    select
    from jsonb_each(case jsonb_typeof(p_keep) when 'object' then p_keep else '{}' end) as e
    where e.key not in ('target_status', 'device', 'time_zone', 'language')
      or jsonb_typeof(e.value) <> 'string'
      or length(e.value #>> '{}') not between 1 and drip._limit('key'))
  then
    perform drip._fail(
      'DR001', 'p_keep_unknown does not name attributes by field',
      'Write {"target_status": "status", "device": "sender"}; fields are target_status, device,'
        || ' time_zone and language.');
  end if;
end
$$;
comment on function drip._check_keep(jsonb) is
  'DR001 unless the value is null or an object of attribute names by field.';

create function drip._import_leads(
  p_user bigint, p_leads jsonb, p_keep jsonb, p_restart boolean)
returns table (
  "row" integer, phone text, lead_id bigint, outcome text, problem text, kept text[],
  skipped text, unused text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with read as materialized (
      select r.*
      from drip._read_leads(p_user, p_leads, p_keep) r
    ),
    tokens as materialized (
      select t.*
      from drip._sort_tokens(
        p_user,
        array(select r.phone from read r where r.code is null and r.trigger <> '' order by r.row),
        array(select r.trigger from read r where r.code is null and r.trigger <> '' order by r.row)
      ) t
    ),
    given as materialized (
      select
        r.row, r.phone, r.patch, r.attributes, r.code, r.problem, r.kept,
        case when p_restart or t.skipped is null then r.trigger else t.rest end as trigger,
        case when not p_restart then t.skipped end as skipped,
        t.unused
      from read r
      left join tokens t on t.phone = r.phone and t.trigger = r.trigger and r.code is null
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
      g.problem,
      g.kept,
      g.skipped,
      g.unused
    from given g
    left join valid v on v.row = g.row
    left join written w on w.phone = v.phone
    order by g.row;
end
$$;
comment on function drip._import_leads(bigint, jsonb, jsonb, boolean) is
  'One try of import_leads for a tenant.';

-- rest is null where nothing remains: an empty trigger would clear the lead's tokens.
create function drip._sort_tokens(p_user bigint, p_phones text[], p_triggers text[])
returns table (phone text, trigger text, rest text, skipped text, unused text)
language sql stable
as $$
  with entries as materialized (
    select k.token, array_agg(k.sequence_id) as sequences
    from drip._entry_tokens k
    where k.user_id = p_user and k.token is not null
    group by k.token
  ),
  been as materialized (
    select distinct l.phone, k.token
    from drip.leads l
    join drip.sequence_contacts e on e.lead_id = l.id
    join drip._entry_tokens k on k.sequence_id = e.sequence_id
    where l.user_id = p_user and l.phone = any (p_phones)
  )
  select
    g.phone,
    g.trigger,
    string_agg(t.token, ',' order by t.position) filter (where b.phone is null),
    string_agg(t.token, ',' order by t.position) filter (where b.phone is not null),
    string_agg(t.token, ',' order by t.position) filter (where n.token is null)
  from (
    select distinct i.phone, i.trigger from unnest(p_phones, p_triggers) as i (phone, trigger)
  ) g
  cross join lateral unnest(string_to_array(drip._clean_tokens(g.trigger), ','))
    with ordinality as t (token, position)
  left join entries n on n.token = lower(t.token)
  left join been b on b.phone = g.phone and b.token = lower(t.token)
  group by g.phone, g.trigger
$$;
comment on function drip._sort_tokens(bigint, text[], text[]) is
  'The tokens of each phone and trigger: those whose sequence the lead has been in (skipped), the
   rest, and those that no sequence has (unused).';
