-- Values are percent-encoded, so that none leads to another address; a fallback is the author's own
-- and stands as written. What has neither stays as it is, and the sender refuses it by name.
create function drip._render_url(
  p_url text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_url text := p_url;
  v_found record;
begin
  for v_found in
    select distinct on (h.placeholder)
      h.placeholder, h.fallback,
      btrim(case h.path
        when 'name' then p_name
        when 'phone' then p_phone
        else coalesce(
          nullif(btrim(p_lead_attributes ->> substr(h.path, 12)), ''),
          p_enrollment_attributes ->> substr(h.path, 12))
      end) as value
    from drip._placeholders(p_url) h
    where h.is_known
    order by h.placeholder
  loop
    v_url := replace(
      v_url, v_found.placeholder,
      coalesce(
        -- a step up, however it is encoded
        drip._percent_encode(case
          when v_found.value not in ('', '.', '..') then v_found.value
        end),
        v_found.fallback, v_found.placeholder));
  end loop;
  perform drip._check_length(v_url, 'url', 'the media URL, filled in,');
  return v_url;
end
$$;
comment on function drip._render_url(text, text, text, jsonb, jsonb) is
  'An address with its placeholders filled by percent-encoded values.';

create function drip._percent_encode(p_text text) returns text
language sql immutable parallel safe
as $$
  select string_agg(
    case
      when c.sign ~ '[A-Za-z0-9_.~-]' then c.sign
      else upper(regexp_replace(encode(convert_to(c.sign, 'UTF8'), 'hex'), '(..)', e'%\\1', 'g'))
    end, '' order by c.place)
  from string_to_table(p_text, null) with ordinality as c (sign, place)
$$;
comment on function drip._percent_encode(text) is
  'A text as a part of an address: all but letters, digits, _ . ~ and - as bytes of UTF-8.';
