-- Lists say where a number is from as MY, Malaysia, Malaysie, 60, +60, 0060, Malaysia (+60), or as
-- Ipoh, Malaysia. A text that names two countries is not known.
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
     limit 1),
    (select k.region
     from drip.calling_codes k
     where k.calling_code = substring(p_country from e'\\+\\s*([0-9]{1,3})(?![0-9])')),
    (select min(g.region)
     from regexp_split_to_table(p_country, '[^[:alpha:]]+') as w (word)
     join drip.regions g on g.region = w.word or lower(w.word) = any (g.names)
     having count(distinct g.region) = 1))
$$;
comment on function drip._find_region(text) is
  'The region of a country''s name, ISO code or calling code; null for one that is not known.';
