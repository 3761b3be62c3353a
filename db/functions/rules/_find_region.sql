-- Lists say where a number is from as MY, Malaysia, Malaysie, 60, +60 or 0060.
create function drip._find_region(p_country text) returns text
language sql stable parallel safe
as $$
  select coalesce(
    (select g.region from drip.regions g where g.region = upper(btrim(p_country))),
    (select k.region
     from drip.calling_codes k
     where p_country ~ e'^[\\s(+0-9)-]+$'
       and k.calling_code = ltrim(regexp_replace(p_country, '[^0-9]', '', 'g'), '0')),
    (select g.region
     from drip.regions g
     where lower(regexp_replace(p_country, e'[\\s.,''’()&-]+', '', 'g')) = any (g.names)
     limit 1))
$$;
comment on function drip._find_region(text) is
  'The region of a country''s name, ISO code or calling code; null for one that is not known.';
