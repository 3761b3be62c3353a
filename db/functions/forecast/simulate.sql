-- Runs the real functions over the real rows of one tenant with a moving clock, and rolls it back:
-- the same claim, the same results, the same sweeps. Meanwhile that tenant's own sending waits;
-- nothing reaches a worker, and no event or notification is sent.
create function drip.simulate(
  p_user text default null, p_until timestamptz default null, p_outcome text default 'accepted')
returns table (
  place integer, at timestamptz, local_at timestamp, kind text, message_id bigint, lead_id bigint,
  recipient_phone text, device text, source text, step integer, content text, status text,
  reason text, messages bigint, note text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_most constant integer := 1000;
  c_longest constant interval := interval '400 days';
  v_now constant timestamptz := drip.now();
  v_until constant timestamptz := coalesce(p_until, v_now + interval '7 days');
  v_user drip.users;
  v_clock text[];
  v_rows jsonb;
begin
  perform drip._require_role('drip_operator');
  if p_user is null then
    select u.* into v_user from drip.users u where u.id = drip._tenant();
  else
    v_user := drip._find_user(p_user);
  end if;
  if p_outcome is null or p_outcome not in ('accepted', 'permanent', 'unknown') then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is not an outcome', coalesce(quote_literal(p_outcome), 'null')),
      'Every message ends as accepted, permanent or unknown.');
  end if;
  if not pg_catalog.isfinite(v_until) or v_until <= v_now or v_until > v_now + c_longest then
    perform drip._fail(
      'DR001', pg_catalog.format('p_until %s is not within the next 400 days', v_until),
      'Pass a future time; the default is a week from now.');
  end if;
  v_clock := drip._move_clock(v_now);
  begin
    v_rows := drip._simulate(v_user.id, v_until, p_outcome, c_most);
    raise exception using errcode = 'DR999';
  exception
    when sqlstate 'DR999' then
      null;
  end;
  perform drip._restore_clock(v_clock);
  return query
    select
      row_number() over (order by e.place)::integer,
      (e.value ->> 'at')::timestamptz,
      (e.value ->> 'at')::timestamptz at time zone (e.value ->> 'zone'),
      e.value ->> 'kind',
      (e.value ->> 'message_id')::bigint,
      (e.value ->> 'lead_id')::bigint,
      case
        when drip.can_see_phones() then e.value ->> 'phone'
        else drip.mask_phone(e.value ->> 'phone')
      end,
      e.value ->> 'device',
      e.value ->> 'source',
      (e.value ->> 'step')::integer,
      e.value ->> 'content',
      e.value ->> 'status',
      e.value ->> 'reason',
      (e.value ->> 'messages')::bigint,
      e.value ->> 'note'
    from jsonb_array_elements(v_rows) with ordinality as e (value, place);
end
$$;
comment on function drip.simulate(text, timestamptz, text) is
  'What one tenant would send from now until p_until (a week), if every message ended as p_outcome
   (accepted, permanent, unknown); it leaves no changes. Kind message: one that leaves, at its time
   to the second; those of future enrollments or expansions have no message_id. Kind left: messages
   that had not left at the end, by reason. Kind end: why it stopped (p_until, 1,000 messages, about
   3 ms each, or a minute; meanwhile the tenant''s sending waits). Every two seconds it tells its
   client its progress, and ends when the client is gone. It knows no future replies, receipts and
   opt-outs.';
grant execute on function drip.simulate(text, timestamptz, text) to drip_operator;
