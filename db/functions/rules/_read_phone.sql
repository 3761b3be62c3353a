-- Exactly one of phone and problem is null. Most phones are digits with a +, spaces and dashes;
-- others are read more closely, at five times the cost.
create function drip._read_phone(
  p_phone text, p_region text, out phone text, out problem text)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := translate(p_phone, ' -', '');
  v_region drip.regions;
begin
  if v_text !~ e'^\\+?[0-9]{4,16}$' or v_text is null then
    select c.cleaned, c.problem
    into v_text, problem
    from drip._clean_phone(p_phone) c;
    if problem is not null then
      return;
    end if;
  end if;

  if not starts_with(v_text, '+') then
    select g.*
    into v_region
    from drip.regions g
    where g.region = p_region;
    if length(v_region.dial_out) > 1 and starts_with(v_text, v_region.dial_out) then
      v_text := '+' || substr(v_text, length(v_region.dial_out) + 1);
    elsif starts_with(v_text, '00') then
      v_text := '+' || substr(v_text, 3);
    end if;
  end if;

  if starts_with(v_text, '+') then
    phone := drip._read_international_phone(v_text);
    if phone is null then
      problem := drip._length_problem(v_text, null);
    end if;
  elsif v_region.region is null then
    problem := case
      when p_region is null
        then 'the phone has no + and country code, and the user has no default region'
      else 'the phone has no + and country code, and the region ' || p_region || ' is not known'
    end;
  else
    phone := drip._read_national_phone(v_text, v_region);
    if phone is null then
      problem := drip._length_problem(v_text, v_region);
    end if;
  end if;
end
$$;
comment on function drip._read_phone(text, text) is
  'The phone as E.164, or the sentence that says why it is invalid.';

create function drip._clean_phone(p_phone text, out cleaned text, out problem text)
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := p_phone;
begin
  if v_text is null then
    problem := 'the phone is empty';
    return;
  elsif length(v_text) > 100 then
    problem := 'the phone is too long';
    return;
  end if;
  -- Spaces of all kinds and invisible marks; digits and signs of other keyboards.
  v_text := lower(regexp_replace(
    translate(
      v_text, '０１２３４５６７８９＋（）．／٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹',
      '0123456789+()./01234567890123456789'),
    e'[\\s\\u0085\\u00a0\\u00ad\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f'
      || e'\\u205f-\\u206f\\u3000\\ufeff]+',
    '', 'g'));
  v_text := regexp_replace(v_text, '^[''`´‘’]', '');
  v_text := regexp_replace(v_text, '^tel:', '');
  if v_text = '' then
    problem := 'the phone is empty';
    return;
  elsif v_text ~ e'^[+-]?\\d+([.,]\\d+)?e[+-]?\\d+$' then
    problem := 'the phone is in scientific notation: a spreadsheet has cut off its digits';
    return;
  elsif v_text ~ e'\\d(;?ext|;?x|#|доб)' then
    problem := 'the phone has an extension';
    return;
  elsif v_text ~ '[[:alpha:]]' then
    problem := 'the phone contains letters';
    return;
  elsif v_text ~ e'^\\+?\\d{7,}\\.0$' then
    -- A spreadsheet's decimal number: what follows the point is no digit of the phone.
    v_text := regexp_replace(v_text, e'\\.0$', '');
  end if;
  if v_text ~ e'^(\\+|00)' then
    v_text := replace(v_text, '(0)', '');
  end if;
  v_text := regexp_replace(
    v_text, e'[-./()\\u2010-\\u2015\\u2043\\u2212\\u30fc\\ufe58\\ufe63\\uff0d]+', '', 'g');
  if v_text ~ e'^\\+?[0-9]+$' then
    cleaned := v_text;
  elsif v_text ~ '[0-9]' then
    problem := 'the phone contains an invalid character: '
      || pg_catalog.quote_literal(substring(regexp_replace(v_text, e'^\\+', '') from '[^0-9]'));
  else
    problem := 'the phone has no digits';
  end if;
end
$$;
comment on function drip._clean_phone(text) is
  'The digits of a phone, with a leading + if it had one; or the sentence that says why not.';

-- "+44 (0)20…" and "+60 012…" contain the digit that is dialled only at home. A number that is
-- valid as it is stays so, unless it begins with a trunk prefix 0: no such number exists.
create function drip._read_international_phone(p_phone text) returns text
language sql stable parallel safe
as $$
  select c.phone
  from drip.regions g
  cross join lateral (
    select substr(p_phone, 2 + length(g.calling_code)) as rest
  ) n
  cross join lateral (
    values
      (false, p_phone),
      (true, '+' || g.calling_code || substr(n.rest, length(g.trunk_prefix) + 1))
  ) c (without_trunk, phone)
  where g.calling_code in (substr(p_phone, 2, 1), substr(p_phone, 2, 2), substr(p_phone, 2, 3))
    and case
      when starts_with(n.rest, g.trunk_prefix)
        then c.without_trunk or not starts_with(g.trunk_prefix, '0')
      else not c.without_trunk
    end
    and length(c.phone) between 8 and 16
    and length(c.phone) - 1 - length(g.calling_code) = any (g.lengths)
  order by c.without_trunk
  limit 1
$$;
comment on function drip._read_international_phone(text) is
  'The E.164 form of + and digits, without a trunk prefix after the calling code; or null.';

-- In this order: with the trunk prefix; with the region's calling code where its + was lost; bare.
-- Without a trunk prefix numbers are written bare, and the length of a mobile is tried first.
create function drip._read_national_phone(p_digits text, p_region drip.regions) returns text
language sql immutable parallel safe
as $$
  select '+' || p_region.calling_code || n.national
  from (
    values
      (1, p_region.trunk_prefix),
      (2, p_region.calling_code),
      (3, p_region.calling_code || p_region.trunk_prefix),
      (4, '')
  ) f (place, prefix)
  cross join lateral (
    select substr(p_digits, length(f.prefix) + 1) as national
  ) n
  where starts_with(p_digits, f.prefix)
    and length(n.national) = any (p_region.lengths)
    and length(p_region.calling_code || n.national) between 7 and 15
  order by
    p_region.trunk_prefix is null and length(n.national) <> all (p_region.mobile_lengths),
    f.place
  limit 1
$$;
comment on function drip._read_national_phone(text, drip.regions) is
  'The E.164 form of digits in the region''s notation; null if no reading fits.';

create function drip._length_problem(p_text text, p_region drip.regions) returns text
language sql stable parallel safe
as $$
  select case
    when l.least is null then 'the phone begins with no known country code'
    when l.digits < l.least then pg_catalog.format('the phone is too short for %s', l.place)
    when l.digits > l.most then pg_catalog.format('the phone is too long for %s', l.place)
    else pg_catalog.format('no phone in %s has this length', l.place)
  end
  from (
    select
      min(s.shortest) as least,
      max(s.longest) as most,
      case
        when p_region.region is null then length(p_text) - 1 - max(length(g.calling_code))
        else length(p_text)
      end as digits,
      case
        when p_region.region is null then 'country code +' || max(g.calling_code)
        else p_region.region
      end as place
    from drip.regions g
    cross join lateral (
      select
        min(n.length) as shortest,
        max(n.length)
          + case when p_region.region is null then 0
                 else length(g.calling_code || coalesce(g.trunk_prefix, '')) end as longest
      from unnest(g.lengths) as n (length)
    ) s
    where case
      when p_region.region is null
        then g.calling_code in (substr(p_text, 2, 1), substr(p_text, 2, 2), substr(p_text, 2, 3))
      else g.region = p_region.region
    end
  ) l
$$;
comment on function drip._length_problem(text, drip.regions) is
  'The sentence for a number with an unknown country code or an impossible length.';
