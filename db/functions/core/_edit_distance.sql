-- Levenshtein distance, row by row; fuzzystrmatch is not available on every server.
create function drip._edit_distance(p_one text, p_other text) returns integer
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_one text := left(p_one, 64);
  v_other text := left(p_other, 64);
  v_before integer[];
  v_row integer[];
begin
  v_before := array(select n from generate_series(0, length(v_other)) as s (n) order by s.n);
  for i in 1 .. length(v_one) loop
    v_row := array[i];
    for j in 1 .. length(v_other) loop
      v_row[j + 1] := least(
        v_before[j + 1] + 1,
        v_row[j] + 1,
        v_before[j] + case when substr(v_one, i, 1) = substr(v_other, j, 1) then 0 else 1 end);
    end loop;
    v_before := v_row;
  end loop;
  return v_before[length(v_other) + 1] + abs(length(p_one) - length(v_one));
end
$$;
comment on function drip._edit_distance(text, text) is
  'The letters to add, drop or change to turn one word into the other; compares the first 64.';
