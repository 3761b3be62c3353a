-- Only differences are written, so that an unchanged definition changes nothing.
create function drip._different_keys(p_wanted jsonb, p_old jsonb) returns jsonb
language sql immutable
as $$
  select coalesce(jsonb_object_agg(w.key, w.value), '{}')
  from jsonb_each(p_wanted) as w (key, value)
  where w.value is distinct from p_old -> w.key
$$;
comment on function drip._different_keys(jsonb, jsonb) is
  'The keys of a wanted definition that differ from the old one: {key: wanted value}.';
