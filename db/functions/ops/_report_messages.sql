-- All verbs on messages return the same rows, in the order of the ids passed.
create function drip._report_messages(
  p_messages bigint[], p_users bigint[], p_done bigint[], p_dry_run boolean, p_statuses text[])
returns table (message_id bigint, status text, applied boolean, reason text)
language sql stable
as $$
  select
    k.id,
    m.status,
    k.id = any (p_done),
    case
      when k.id = any (p_done) then null
      when m.id is null then 'not_found'
      when m.status <> all (p_statuses) then m.status
      when coalesce(p_dry_run, true) then 'dry_run'
      else 'held'
    end
  from (select distinct g.id from unnest(p_messages) as g (id) where g.id is not null) k
  left join drip.broadcast_messages m on m.id = k.id and m.user_id = any (p_users)
  order by k.id
$$;
comment on function drip._report_messages(bigint[], bigint[], bigint[], boolean, text[]) is
  'What a verb on messages did to each of them: applied, or the reason why not.';
