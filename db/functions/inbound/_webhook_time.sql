-- Seconds since 1970, or a time with an offset. Callers cut off times in the future. No text may
-- raise an error here: a message counts, whatever its time.
create function drip._webhook_time(p_text text) returns timestamptz
language sql stable parallel safe
as $$
  select case
    when length(p_text) > 40 then null
    when p_text ~ e'^[0-9]{9,11}(\\.[0-9]+)?$' then to_timestamp(p_text::double precision)
    when p_text ~ '^[0-9]{12,14}$' then to_timestamp(p_text::double precision / 1000)
    when p_text ~ (
        '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]'
        || e'([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?'
        || '(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$')
      and substring(p_text from 9 for 2)::integer <= extract(day from (
        make_date(
          substring(p_text from 1 for 4)::integer, substring(p_text from 6 for 2)::integer, 1)
        + interval '1 month' - interval '1 day'))
      then p_text::timestamptz
  end
$$;
comment on function drip._webhook_time(text) is
  'The instant in a webhook''s text, null where it is not a valid one.';
