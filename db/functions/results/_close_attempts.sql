-- An attempt is closed once; only a later and more certain outcome changes it: one that settles an
-- unknown attempt, or what the provider reports after the sender's outcome.
create function drip._close_attempts(p_results jsonb, p_is_receipt boolean)
returns table (
  message_id bigint, attempt integer, outcome text, scope text, provider_message_id text,
  error_code text, error_message text, retry_after_seconds numeric, device_id bigint,
  outcome_before text, claimed_at timestamptz, finished_at timestamptz)
language plpgsql volatile rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
begin
  return query
    with given as (
      select distinct on (r.message_id, r.attempt)
        r.message_id, r.attempt,
        -- an id too long for an index is no proof: the outcome is unknown
        case when u.is_unusable and not p_is_receipt and r.outcome = 'accepted' then 'unknown'
          else r.outcome end as outcome,
        coalesce(r.scope, 'recipient') as scope,
        case when not u.is_unusable then r.provider_message_id end as provider_message_id,
        case when u.is_unusable and not p_is_receipt and r.outcome = 'accepted' then 'BAD_ANSWER'
          else left(r.error_code, 100) end as error_code,
        left(r.error_message, 500) as error_message,
        r.retry_after_seconds
      from jsonb_to_recordset(p_results) as r (
        message_id bigint, attempt integer, outcome text, scope text, provider_message_id text,
        error_code text, error_message text, retry_after_seconds numeric)
      cross join lateral (
        select coalesce(octet_length(r.provider_message_id) > 1024, false) as is_unusable
      ) u
      order by r.message_id, r.attempt, (r.outcome = 'accepted') desc
    )
    update drip.message_attempts a
    set finished_at = coalesce(a.finished_at, v_now),
      outcome = g.outcome,
      error_code = g.error_code,
      error_message = g.error_message,
      provider_message_id = coalesce(g.provider_message_id, a.provider_message_id)
    from given g
    join drip.message_attempts o on o.message_id = g.message_id and o.attempt = g.attempt
    where a.message_id = g.message_id
      and a.attempt = g.attempt
      and (a.finished_at is null
           or (a.outcome in ('lease_expired', 'unknown') and g.outcome <> 'unknown')
           -- the provider decides after the sender
           or (p_is_receipt and a.outcome = 'accepted' and g.outcome = 'permanent')
           or (p_is_receipt and a.outcome in ('permanent', 'retry') and g.outcome = 'accepted'))
    returning
      g.message_id, g.attempt, g.outcome, g.scope, g.provider_message_id, g.error_code,
      g.error_message, g.retry_after_seconds, a.device_id, o.outcome, a.claimed_at, a.finished_at;
end
$$;
comment on function drip._close_attempts(jsonb, boolean) is
  'Records outcomes on their attempts; returns the changed ones, with the previous outcome.';
