-- Exactly one of phone and problem is null. No phone is guessed: digits without + are read in every
-- way that numbering plans allow, and refused where that gives two numbers. p_country (a name, an
-- ISO code or a calling code) is what the row itself says, and decides between them.
create function drip._read_phone(
  p_phone text, p_region text, p_country text default null, out phone text, out problem text)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := translate(p_phone, ' -', '');
  v_country constant text := nullif(btrim(p_country), '');
  v_place text := p_region;
  v_region drip.regions;
  v_readings text[];
begin
  -- Most phones are digits with a +, spaces and dashes; others are read more closely.
  if v_text !~ e'^\\+?[0-9]{4,16}$' or v_text is null then
    select c.cleaned, c.problem
    into v_text, problem
    from drip._clean_phone(p_phone) c;
    if problem is not null then
      return;
    end if;
  end if;

  if starts_with(v_text, '+00') then
    v_text := '+' || substr(v_text, 4);
  end if;
  if starts_with(v_text, '+') then
    phone := drip._read_international_phone(v_text);
    if phone is null then
      phone := drip._read_rewritten_phone(v_text);
    end if;
    if phone is null then
      problem := drip._length_problem(v_text, null);
    end if;
    return;
  end if;

  if v_country is not null then
    v_place := coalesce(
      (select g.region from drip.regions g where g.region = v_country),
      drip._find_region(v_country));
    if v_place is null then
      problem := pg_catalog.format(
        'the phone has no + and country code, and the country %s is not known',
        pg_catalog.quote_literal(left(v_country, 40)));
      return;
    end if;
  end if;
  select g.*
  into v_region
  from drip.regions g
  where g.region = v_place;
  if v_region.region is null then
    problem := case
      when v_place is null
        then 'the phone has no + and country code, and the tenant has no default region'
      else 'the phone has no + and country code, and the region ' || v_place || ' is not known'
    end;
    return;
  end if;

  v_readings := drip._phone_readings(
    v_text, v_region, regexp_match(p_phone, e'^[^0-9(]*([0-9]*)[^0-9(]*\\(\\s*([0-9]+)\\s*\\)'));
  if cardinality(v_readings) > 1 and v_country is not null then
    v_readings := array(
      select r.phone
      from unnest(v_readings) as r (phone)
      where starts_with(r.phone, '+' || v_region.calling_code));
  end if;
  case cardinality(v_readings)
    when 1 then phone := v_readings[1];
    when 0 then problem := drip._length_problem(v_text, v_region);
    else problem := drip._two_readings_problem(v_readings);
  end case;
end
$$;
comment on function drip._read_phone(text, text, text) is
  'The phone as E.164, or the sentence that says why it is invalid; read by the country that its row
   names, else by the region.';

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
      v_text,
      '０１２３４５６７８９＋（）．／：＠٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹'
        || '०१२३४५६७८९০১২৩৪৫৬৭৮৯๐๑๒๓๔๕๖๗๘๙',
      '0123456789+()./:@01234567890123456789'
        || '012345678901234567890123456789'),
    e'[\\s\\u0085\\u00a0\\u00ad\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f'
      || e'\\u205f-\\u206f\\u3000\\ufeff]+',
    '', 'g'));
  v_text := regexp_replace(v_text, '^="(.*)"$', e'\\1');
  v_text := regexp_replace(v_text, '^[''`´‘’]+|[''`´‘’]+$', '', 'g');
  v_text := regexp_replace(v_text, e'^=\\+', '+');
  select l.text, l.problem
  into v_text, problem
  from drip._unlink_phone(v_text) l;
  if problem is not null then
    return;
  elsif v_text = '' then
    problem := 'the phone is empty';
    return;
  elsif v_text ~ e'^[+-]?\\d+([.,]\\d+)?e[+-]?\\d+$' then
    problem := 'the phone is in scientific notation: a spreadsheet has cut off its digits';
    return;
  elsif v_text ~ e'\\d(;?ext|;?x|#|доб)' then
    problem := 'the phone has an extension';
    return;
  elsif v_text ~ e'\\d{6}.*([;,|&]|:::|[^a-z]or[^a-z]|and|dan|atau).*\\d{6}'
    or v_text ~ '([0-9][^0-9/]*){8,}/([^0-9/]*[0-9]){7,}'
  then
    problem := 'the phone field holds several numbers';
    return;
  elsif v_text ~ '[[:alpha:]]' then
    problem := 'the phone contains letters';
    return;
  elsif v_text ~ e'^\\+?\\d{7,}\\.0$' then
    -- A spreadsheet's decimal number: what follows the point is no digit of the phone.
    v_text := regexp_replace(v_text, e'\\.0$', '');
  end if;
  -- The digit that is dialled only at home; Italy's zero belongs to the number.
  if v_text !~ e'^(\\+|00)?(39|378)' then
    v_text := regexp_replace(v_text, e'([0-9])\\(0\\)', e'\\1');
  end if;
  v_text := regexp_replace(
    v_text, e'[-./()\\u2010-\\u2015\\u2043\\u2212\\u30fc\\ufe58\\ufe63\\uff0d]+', '', 'g');
  v_text := regexp_replace(v_text, '[,;]$', '');
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

-- WhatsApp's addresses hold a number with its country code and without the +.
create function drip._unlink_phone(p_text text, out text text, out problem text)
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_number text;
begin
  text := p_text;
  if text ~ e'@(lid|g\\.us|newsletter|broadcast)$' then
    problem := 'the phone is a WhatsApp address without a number';
    return;
  end if;
  v_number := coalesce(
    substring(text from e'^\\+?([0-9]+)(?:[:.][0-9]+)?@(?:c\\.us|s\\.whatsapp\\.net)$'),
    substring(text from e'^(?:https?://)?(?:www\\.)?wa\\.me/\\+?([0-9]+)/?(?:[?#].*)?$'),
    substring(
      text
      from e'^(?:https?://|whatsapp://)?(?:(?:api|web|www)\\.)?(?:whatsapp\\.com/)?'
        || e'send/?\\?(?:.*&)?phone=(?:\\+|%2b)?([0-9]+)(?:&.*)?$'));
  if v_number is not null then
    text := '+' || v_number;
    return;
  end if;
  text := regexp_replace(
    text,
    '^(?:p|whatsapp|tel|telp|telephone|telefon|teléfono|phone|mobile|mob|cell|cel|hp|h/p'
      || e'|sms|no|nr|ph|callto|wa|w|m|t)(?::(?://)?|\\.|(?=[+0-9(]))',
    '');
  -- A remark in brackets, such as (WA), is no part of the number.
  text := regexp_replace(text, e'\\([[:alpha:] ]+\\)$', '');
end
$$;
comment on function drip._unlink_phone(text) is
  'The number in a link, an address or behind a label; a text without these comes back as it is.';

-- "+44 (0)20…" and "+60 012…" contain the digit that is dialled only at home. A number that is
-- valid as it is stays so, unless it begins with a trunk prefix 0: no such number exists.
create function drip._read_international_phone(p_phone text) returns text
language sql stable parallel safe
as $$
  select c.phone
  from drip.calling_codes k
  join drip.regions g on g.region = k.region
  cross join lateral (
    select substr(p_phone, 2 + length(k.calling_code)) as rest
  ) n
  cross join lateral (
    values
      (false, p_phone),
      (true, '+' || k.calling_code || substr(n.rest, length(g.trunk_prefix) + 1))
  ) c (without_trunk, phone)
  where k.calling_code in (substr(p_phone, 2, 1), substr(p_phone, 2, 2), substr(p_phone, 2, 3))
    and length(c.phone) between 8 and 16
    and length(c.phone) - 1 - length(k.calling_code) = any (k.lengths)
    and case
      when starts_with(n.rest, g.trunk_prefix)
        then c.without_trunk or not starts_with(g.trunk_prefix, '0')
      else not c.without_trunk
    end
  order by c.without_trunk
  limit 1
$$;
comment on function drip._read_international_phone(text) is
  'The E.164 form of + and digits, without a trunk prefix after the calling code; or null.';

-- Argentina's mobiles are written with a 15 inside, at home and abroad: it becomes a 9 in front.
create function drip._read_rewritten_phone(p_phone text) returns text
language sql stable parallel safe
as $$
  select n.phone
  from drip.calling_codes k
  join drip.regions g on g.region = k.region
  cross join lateral (
    select '+' || k.calling_code
      || drip._strip_trunk(substr(p_phone, 2 + length(k.calling_code)), g) as phone
  ) n
  where k.calling_code in (substr(p_phone, 2, 1), substr(p_phone, 2, 2), substr(p_phone, 2, 3))
    and g.trunk_rule is not null
    and drip._phone_kind(n.phone) is not null
$$;
comment on function drip._read_rewritten_phone(text) is
  'The E.164 form of + and digits where the plan rewrites what is dialled at home; or null.';

create function drip._strip_trunk(p_digits text, p_region drip.regions) returns text
language sql stable parallel safe
as $$
  select case
    when m.groups is null then p_digits
    when p_region.trunk_rule is not null and m.groups[cardinality(m.groups)] is not null
      then regexp_replace(p_digits, p_region.trunk_pattern, p_region.trunk_rule)
    else regexp_replace(p_digits, p_region.trunk_pattern, '')
  end
  from (
    select regexp_match(p_digits, p_region.trunk_pattern) as groups
    offset 0
  ) m
$$;
comment on function drip._strip_trunk(text, drip.regions) is
  'The national number in what is dialled at home: without trunk prefix and carrier code.';

-- What is dialled at home, bare digits, and a country code whose + was lost. The leading digits
-- decide. Where no plan knows them, they are new or wrong: only what begins with a prefix of the
-- region is read then, by its length.
create function drip._phone_readings(p_digits text, p_region drip.regions, p_brackets text[])
returns text[]
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_home constant text := '+' || p_region.calling_code;
  v_dialled text;
  v_bare text;
  v_coded text;
  v_abroad text[];
  v_known text[];
begin
  v_dialled := drip._strip_trunk(p_digits, p_region);
  v_dialled := case when v_dialled <> p_digits then v_home || v_dialled end;
  if starts_with(p_digits, '0') then
    v_abroad := drip._dialled_abroad(p_digits, p_region);
    if v_abroad = '{}' and drip._phone_kind(v_dialled) is not null then
      return array[v_dialled];
    end if;
  else
    v_abroad := drip._dialled_abroad(p_digits, p_region);
    v_coded := drip._read_international_phone('+' || p_digits);
    -- "(515) 212-0170" and "8 (495) 186-52-61" have no country code that ends within brackets
    if p_brackets is not null and not exists (
      select
      from drip.calling_codes k
      where starts_with(v_coded, '+' || k.calling_code)
        and (k.calling_code = p_brackets[2] and p_brackets[1] = ''
          or starts_with(p_brackets[1], k.calling_code)))
    then
      v_coded := null;
    end if;
  end if;
  if length(p_digits) = any (p_region.lengths) then
    v_bare := v_home || p_digits;
  end if;
  v_known := array(
    select distinct k.phone
    from unnest(v_abroad || array[v_dialled, v_bare, v_coded]) as k (phone)
    where k.phone is not null and drip._phone_kind(k.phone) is not null);
  -- Bare digits that lack a trunk prefix 0 are rarer than a lost +, within one country.
  if p_region.trunk_prefix = '0'
    and v_known in (array[v_bare, v_coded], array[v_coded, v_bare])
    and starts_with(v_coded, v_home)
    and (drip._phone_kind(v_coded) = 'mobile' or drip._phone_kind(v_bare) <> 'mobile')
  then
    return array[v_coded];
  elsif cardinality(v_known) > 0 then
    return v_known;
  elsif cardinality(v_abroad) > 0 then
    return v_abroad[1:1];
  elsif starts_with(p_digits, '00') then
    return '{}';
  end if;
  return array(
    select distinct r.phone
    from (values (v_dialled), (case when starts_with(v_coded, v_home) then v_coded end)) r (phone)
    where length(r.phone) - length(v_home) = any (p_region.lengths)
      and length(r.phone) between 8 and 16);
end
$$;
comment on function drip._phone_readings(text, drip.regions, text[]) is
  'The E.164 numbers that digits without a + may stand for in a region, given the digits before and
   in the first brackets; none, one or several.';

create function drip._dialled_abroad(p_digits text, p_region drip.regions) returns text[]
language sql stable parallel safe
as $$
  select coalesce(array_agg(r.phone order by r.way), '{}')
  from (
    select distinct on (i.phone) i.way, i.phone
    from (
      values
        (1, case when starts_with(p_digits, '00')
          then drip._read_international_phone('+' || substr(p_digits, 3)) end),
        (2, case when length(p_region.dial_out) > 1 and starts_with(p_digits, p_region.dial_out)
          then drip._read_international_phone(
            '+' || substr(p_digits, length(p_region.dial_out) + 1)) end),
        (3, case when p_digits ~ p_region.dial_out_pattern
          then drip._read_international_phone(
            '+' || regexp_replace(p_digits, p_region.dial_out_pattern, '')) end)
    ) i (way, phone)
    where i.phone is not null
    order by i.phone, i.way
  ) r
$$;
comment on function drip._dialled_abroad(text, drip.regions) is
  'The numbers behind 00 or a dial-out prefix of the region; empty where there is none.';

create function drip._two_readings_problem(p_phones text[]) returns text
language sql stable parallel safe
as $$
  select 'the phone can be read as a number of '
    || string_agg(
      pg_catalog.format(
        '%s (+%s and %s digits)', k.region, k.calling_code,
        length(r.phone) - 1 - length(k.calling_code)),
      ' and of ' order by r.phone)
    || ': without its + nobody can say which'
  from unnest(p_phones) as r (phone)
  join drip.calling_codes k
    on k.calling_code in (substr(r.phone, 2, 1), substr(r.phone, 2, 2), substr(r.phone, 2, 3))
$$;
comment on function drip._two_readings_problem(text[]) is
  'The sentence that names all readings of an ambiguous phone, without its digits.';

create function drip._length_problem(p_text text, p_region drip.regions) returns text
language sql stable parallel safe
as $$
  select case
    when l.least is null then 'the phone begins with no known country code'
    when l.digits < l.least then pg_catalog.format('the phone is too short for %s', l.place)
    when l.digits > l.most then pg_catalog.format('the phone is too long for %s', l.place)
    else pg_catalog.format('the phone has digits that no number in %s has', l.place)
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
