-- Raises every error of ours, so that each has a code, a sentence and a hint.
create function drip._fail(p_code text, p_message text, p_hint text, p_detail text default null)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- quoted input is cut where nobody reads on
  p_message := case
    when length(p_message) > 500 then left(p_message, 499) || '…' else p_message end;
  p_hint := case when length(p_hint) > 500 then left(p_hint, 499) || '…' else p_hint end;
  -- psql prints a line for an empty detail, and null is not allowed
  if p_detail is null then
    raise exception using errcode = p_code, message = p_message, hint = p_hint;
  end if;
  raise exception using
    errcode = p_code, message = p_message, hint = p_hint, detail = p_detail;
end
$$;
comment on function drip._fail(text, text, text, text) is
  'Raises an error with one of our codes (docs/errors.md), a sentence and a hint.';
