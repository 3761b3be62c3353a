-- An audience that is older than register_audience has the name of its view.
create function drip._audience_view(p_audience drip.audiences) returns regclass
language sql stable
as $$
  select case
    when p_audience.view_name is not null then to_regclass(p_audience.view_name)
    else coalesce(
      to_regclass(p_audience.name),
      to_regclass('public.' || quote_ident(p_audience.name)),
      to_regclass('drip.' || quote_ident(p_audience.name)))
  end
$$;
comment on function drip._audience_view(drip.audiences) is
  'The view of an audience; null when it is gone.';
