-- Rows that report no change need the same columns as the others.
create function drip._no_change(
  out step integer, out step_name text, out key text, out value_before jsonb,
  out value_after jsonb, out messages bigint, out leads bigint, out at_before timestamptz,
  out at_after timestamptz)
language sql immutable
as $$
  select
    null::integer, null::text, null::text, null::jsonb, null::jsonb, null::bigint, null::bigint,
    null::timestamptz, null::timestamptz
$$;
comment on function drip._no_change() is
  'The columns of apply_definitions after change, all empty.';
