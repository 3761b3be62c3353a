-- As _render fills it.
create function drip._is_unfilled(
  p_path text, p_fallback text, p_name text, p_phone text, p_lead_attributes jsonb,
  p_enrollment_attributes jsonb)
returns boolean
language sql immutable parallel safe
begin atomic
  select coalesce(p_fallback, '') = ''
    and coalesce(btrim(case p_path
        when 'name' then p_name
        when 'phone' then p_phone
        else coalesce(
          nullif(btrim(p_lead_attributes ->> substr(p_path, 12)), ''),
          p_enrollment_attributes ->> substr(p_path, 12))
      end), '') = '';
end;
comment on function drip._is_unfilled(text, text, text, text, jsonb, jsonb) is
  'True where a placeholder stays empty for a lead.';
