-- Checked when the steps are written and again when the sequence starts.
create function drip._check_sequence_texts(p_sequence_id bigint) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform drip._check_fits(
    st.user_id, null, st.message_type, st.content, st.caption,
    format('steps[%s].', st.day_number), 'content')
  from drip.sequence_steps st
  where st.sequence_id = p_sequence_id and st.retired_at is null;
  perform drip._check_texts(
    s.user_id,
    array_agg(t.path order by st.day_number, t.path),
    array_agg(t.text order by st.day_number, t.path),
    true)
  from drip.sequences s
  join drip.sequence_steps st on st.sequence_id = s.id and st.retired_at is null
  cross join lateral drip._list_texts(
    st.content, st.caption, st.media_url, st.template, format('steps[%s].', st.day_number),
    'content') t
  where s.id = p_sequence_id
  group by s.user_id;
end
$$;
comment on function drip._check_sequence_texts(bigint) is
  'DR017 for problems that _check_texts finds in the steps of a sequence.';
