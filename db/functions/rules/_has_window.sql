-- Test messages and single utility messages ignore the hours of a program or a tenant.
create function drip._has_window(
  p_campaign_id bigint, p_sequence_id bigint, p_category text, p_is_test boolean)
returns boolean
language sql immutable parallel safe
begin atomic
  select
    (p_campaign_id is not null or p_sequence_id is not null or p_category = 'marketing')
    and not p_is_test;
end;
comment on function drip._has_window(bigint, bigint, text, boolean) is
  'True for a message that leaves only within the hours of its program or its tenant.';
-- message_outlook calls it with the rights of its reader; it reads no table.
grant execute on function drip._has_window(bigint, bigint, text, boolean)
  to drip_reader, drip_view;
