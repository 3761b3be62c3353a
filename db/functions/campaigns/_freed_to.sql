-- A resume frees messages in chunks; messages beyond the last chunk still wait.
create function drip._freed_to(p_sweeps jsonb, p_swept_to_lead_id bigint) returns bigint
language sql immutable parallel safe
as $$
  select case jsonb_array_length(q.frees)
    when 0 then null
    when 1 then p_swept_to_lead_id
    else 0
  end
  from (
    select jsonb_path_query_array(
      coalesce(p_sweeps, '[]'), '$[*] ? (@.kind == "free")') as frees
  ) q
$$;
comment on function drip._freed_to(jsonb, bigint) is
  'Up to which lead the resumes of a campaign have freed its messages; null = all.';
