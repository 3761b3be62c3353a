--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: drip; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA drip;


ALTER SCHEMA drip OWNER TO postgres;

--
-- Name: SCHEMA drip; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SCHEMA drip IS 'pgdrip: drip sequences and campaigns. Call its functions, read its views.';


--
-- Name: pgmq; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA pgmq;


ALTER SCHEMA pgmq OWNER TO postgres;

--
-- Name: procrastinate; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA procrastinate;


ALTER SCHEMA procrastinate OWNER TO postgres;

--
-- Name: message_record; Type: TYPE; Schema: pgmq; Owner: postgres
--

CREATE TYPE pgmq.message_record AS (
	msg_id bigint,
	read_ct integer,
	enqueued_at timestamp with time zone,
	last_read_at timestamp with time zone,
	vt timestamp with time zone,
	message jsonb,
	headers jsonb
);


ALTER TYPE pgmq.message_record OWNER TO postgres;

--
-- Name: metrics_result; Type: TYPE; Schema: pgmq; Owner: postgres
--

CREATE TYPE pgmq.metrics_result AS (
	queue_name text,
	queue_length bigint,
	newest_msg_age_sec integer,
	oldest_msg_age_sec integer,
	total_messages bigint,
	scrape_time timestamp with time zone,
	queue_visible_length bigint,
	default_partition_length bigint
);


ALTER TYPE pgmq.metrics_result OWNER TO postgres;

--
-- Name: queue_record; Type: TYPE; Schema: pgmq; Owner: postgres
--

CREATE TYPE pgmq.queue_record AS (
	queue_name character varying,
	is_partitioned boolean,
	is_unlogged boolean,
	created_at timestamp with time zone
);


ALTER TYPE pgmq.queue_record OWNER TO postgres;

--
-- Name: procrastinate_job_event_type; Type: TYPE; Schema: procrastinate; Owner: postgres
--

CREATE TYPE procrastinate.procrastinate_job_event_type AS ENUM (
    'deferred',
    'started',
    'deferred_for_retry',
    'failed',
    'succeeded',
    'cancelled',
    'abort_requested',
    'aborted',
    'scheduled',
    'retried'
);


ALTER TYPE procrastinate.procrastinate_job_event_type OWNER TO postgres;

--
-- Name: procrastinate_job_status; Type: TYPE; Schema: procrastinate; Owner: postgres
--

CREATE TYPE procrastinate.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);


ALTER TYPE procrastinate.procrastinate_job_status OWNER TO postgres;

--
-- Name: procrastinate_job_to_defer_v1; Type: TYPE; Schema: procrastinate; Owner: postgres
--

CREATE TYPE procrastinate.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);


ALTER TYPE procrastinate.procrastinate_job_to_defer_v1 OWNER TO postgres;

--
-- Name: _add_token(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._add_token(p_list text, p_token text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case
    when drip._has_token(p_list, p_token) or nullif(btrim(p_token), '') is null then p_list
    else concat_ws(',', nullif(btrim(p_list), ''), btrim(p_token))
  end
$$;


ALTER FUNCTION drip._add_token(p_list text, p_token text) OWNER TO postgres;

--
-- Name: FUNCTION _add_token(p_list text, p_token text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._add_token(p_list text, p_token text) IS 'The comma list with the token once.';


--
-- Name: _advance_journeys(bigint[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._advance_journeys(p_ids bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_material TO 'off'
    SET jit TO 'off'
    AS $$
begin
  with recursive next_step as (
    select distinct on (m.sequence_contact_id)
      m.sequence_contact_id,
      m.id,
      m.scheduled_at,
      st.day_number,
      st.send_time,
      z.zone,
      (select max(drip._free_at(
         p.finished_at, p.scheduled_at, st.trigger_delay_hours, st.send_time, z.zone))
       from drip.broadcast_messages p
       where p.sequence_contact_id = m.sequence_contact_id
         and p.status in ('sent', 'failed', 'unknown')) as free_at
    from drip.broadcast_messages m
    join drip.sequence_steps st on st.id = m.sequence_stepid
    join drip.leads l on l.id = m.lead_id
    join drip.users u on u.id = m.user_id
    cross join lateral (select coalesce(l.time_zone, u.time_zone) as zone) z
    where m.sequence_contact_id = any (p_ids) and m.status = 'pending'
    order by m.sequence_contact_id, st.day_number
  ),
  freed as (
    select
      n.*,
      case
        when n.free_at > n.scheduled_at + interval '1 minute'
          then drip._next_local_time(n.free_at, n.zone, n.send_time)
        else n.scheduled_at
      end as at
    from next_step n
  ),
  -- step by step, so that each keeps its own wait and its own time of day
  late as (
    select f.sequence_contact_id, f.id, f.day_number, f.zone, f.at, true as is_next,
      f.at > f.scheduled_at as moves
    from freed f
    union all
    select t.sequence_contact_id, x.id, x.day_number, t.zone, x.at, false, true
    from late t
    cross join lateral (
      select
        m.id,
        st.day_number,
        greatest(
          m.scheduled_at,
          drip._next_step_at(t.at, st.trigger_delay_hours, st.send_time, t.zone)) as at
      from drip.broadcast_messages m
      join drip.sequence_steps st on st.id = m.sequence_stepid
      where t.moves
        and m.sequence_contact_id = t.sequence_contact_id
        and m.status = 'pending'
        and st.day_number > t.day_number
      order by st.day_number
      limit 1
    ) x
  ),
  locked as (
    select
      m.id,
      t.at,
      t.is_next and coalesce(
        m.deferred_reason in ('predecessor_pending', 'predecessor_unknown'), false) as is_freed
    from late t
    join drip.broadcast_messages m on m.id = t.id
    where m.status = 'pending'
      and (t.at > m.scheduled_at
           or m.deferred_reason in ('predecessor_pending', 'predecessor_unknown'))
    order by m.id
    for no key update of m skip locked
  )
  update drip.broadcast_messages m
  set scheduled_at = k.at,
    expires_at = m.expires_at + (k.at - m.scheduled_at),
    not_before = case when not k.is_freed then m.not_before end,
    deferred_reason = case when not k.is_freed then m.deferred_reason end
  from locked k
  where m.id = k.id;
end
$$;


ALTER FUNCTION drip._advance_journeys(p_ids bigint[]) OWNER TO postgres;

--
-- Name: FUNCTION _advance_journeys(p_ids bigint[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._advance_journeys(p_ids bigint[]) IS 'Moves the pending steps of these enrollments behind a late one and frees the next step.';


--
-- Name: _announce_campaign(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._announce_campaign() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  if drip._expands_at(new) <= drip.now() + interval '15 seconds' then
    perform pg_notify('drip_campaign', '');
  end if;
  return null;
end
$$;


ALTER FUNCTION drip._announce_campaign() OWNER TO postgres;

--
-- Name: FUNCTION _announce_campaign(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._announce_campaign() IS 'Tells the workers that a campaign is due.';


--
-- Name: _announce_leads(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._announce_leads() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  if exists (select from changed_leads c where c.enroll_check) then
    perform pg_catalog.pg_notify('drip_enroll', '');
  end if;
  return null;
end
$$;


ALTER FUNCTION drip._announce_leads() OWNER TO postgres;

--
-- Name: FUNCTION _announce_leads(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._announce_leads() IS 'Trigger: tells the workers that leads wait for enrollment.';


--
-- Name: _announce_sequence(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._announce_sequence() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  perform pg_notify('drip_enroll', '');
  return null;
end
$$;


ALTER FUNCTION drip._announce_sequence() OWNER TO postgres;

--
-- Name: FUNCTION _announce_sequence(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._announce_sequence() IS 'Tells the workers that leads may match a sequence now.';


--
-- Name: _announce_step(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._announce_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  perform drip._check_sequence_ready(s)
  from drip.sequences s
  where s.id = new.sequence_id and s.status in ('active', 'paused');
  -- Who matches may have changed: the sweep looks at all leads once more.
  update drip.sequences s
  set swept_at = null, swept_to_lead_id = 0
  where s.id = new.sequence_id and s.status = 'active';
  return null;
end
$$;


ALTER FUNCTION drip._announce_step() OWNER TO postgres;

--
-- Name: FUNCTION _announce_step(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._announce_step() IS 'Trigger: a new trigger of an entry step is checked, and leads are compared with it.';


--
-- Name: _apply_campaign_status(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._apply_campaign_status() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
begin
  if new.status in ('paused', 'failed') then
    perform drip._hold_messages(
      array(
        select m.id
        from drip.broadcast_messages m
        where m.campaign_id = new.id and m.status = 'pending'),
      'campaign_paused');
  elsif new.status = 'cancelled' then
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.campaign_id = new.id and m.status = 'pending'
      order by m.id
      for no key update
    )
    update drip.broadcast_messages m
    set status = 'cancelled', status_reason = 'campaign_cancelled', finished_at = v_now,
      not_before = null, deferred_reason = null
    from locked k
    where m.id = k.id;
  elsif old.status in ('paused', 'failed') then
    -- The pause does not count: what was due already keeps its validity.
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.campaign_id = new.id and m.status = 'pending'
      order by m.id
      for no key update
    ),
    freed as (
      update drip.broadcast_messages m
      set not_before = null,
        deferred_reason = null,
        expires_at = m.expires_at + greatest(
          v_now - greatest(old.paused_at, m.scheduled_at), interval '0')
      from locked k
      where m.id = k.id
      returning m.device_id, m.due_at
    )
    select array_agg(distinct f.device_id)
    into v_devices
    from freed f
    where f.due_at <= v_now + interval '15 seconds';
    perform drip._notify_wake(v_devices);
  end if;
  return null;
end
$$;


ALTER FUNCTION drip._apply_campaign_status() OWNER TO postgres;

--
-- Name: FUNCTION _apply_campaign_status(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._apply_campaign_status() IS 'Holds, frees or cancels the pending messages of a campaign when its status changes.';


--
-- Name: _apply_sequence_status(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._apply_sequence_status() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  v_live constant bigint[] := array(
    select e.id
    from drip.sequence_contacts e
    where e.sequence_id = new.id
      and e.status in ('pending', 'active', 'sent', 'failed', 'paused')
    order by e.id);
begin
  if new.status = 'paused' then
    perform drip._hold_messages(
      array(
        select m.id
        from drip.broadcast_messages m
        where m.sequence_contact_id = any (v_live) and m.status = 'pending'),
      'sequence_paused');
    perform drip._sync_enrollments(v_live);
  elsif new.status = 'active' and old.status = 'paused' then
    perform drip._resume_messages(
      v_live, old.paused_at,
      coalesce(nullif(current_setting('drip.resume_policy', true), ''), 'shift'));
    perform drip._sync_enrollments(v_live);
  elsif new.status = 'archived' then
    perform drip._exit_enrollments(v_live, 'sequence_archived');
  end if;
  return null;
end
$$;


ALTER FUNCTION drip._apply_sequence_status() OWNER TO postgres;

--
-- Name: FUNCTION _apply_sequence_status(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._apply_sequence_status() IS 'Holds, frees or cancels the pending messages of a sequence when its status changes.';


--
-- Name: _apply_settings(anyelement, jsonb, text[], text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._apply_settings(p_row anyelement, p_settings jsonb, p_known text[], p_what text) RETURNS anyelement
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
  v_row alias for $0;
  v_setting record;
begin
  v_row := p_row;
  if coalesce(jsonb_typeof(p_settings), 'null') not in ('null', 'object') then
    perform drip._fail(
      'DR001', pg_catalog.format('the settings of %s are not a JSON object', p_what),
      'Write {"column": value, …}.');
  end if;
  if coalesce(jsonb_typeof(p_settings), 'null') = 'null' then
    return v_row;
  end if;
  for v_setting in
    select s.key, s.value from jsonb_each(p_settings) s order by s.key
  loop
    if v_setting.key <> all (p_known) then
      perform drip._fail(
        'DR003',
        pg_catalog.format('%s has no setting %s', p_what, pg_catalog.quote_literal(v_setting.key)),
        pg_catalog.format(
          'The nearest one is %s.', drip._nearest(v_setting.key, p_known)));
    end if;
    begin
      v_row := jsonb_populate_record(
        v_row, jsonb_build_object(v_setting.key, v_setting.value));
    exception when data_exception or syntax_error_or_access_rule_violation then
      perform drip._fail(
        'DR004',
        pg_catalog.format(
          '%s cannot be %s', v_setting.key, left(v_setting.value::text, 100)),
        pg_catalog.format('The column has the type %s.', (
          select pg_catalog.format_type(a.atttypid, a.atttypmod)
          from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.typrelid = a.attrelid
          where t.oid = pg_catalog.pg_typeof(p_row)::oid and a.attname = v_setting.key)));
    end;
  end loop;
  return v_row;
end
$_$;


ALTER FUNCTION drip._apply_settings(p_row anyelement, p_settings jsonb, p_known text[], p_what text) OWNER TO postgres;

--
-- Name: FUNCTION _apply_settings(p_row anyelement, p_settings jsonb, p_known text[], p_what text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._apply_settings(p_row anyelement, p_settings jsonb, p_known text[], p_what text) IS 'The row with settings {"column": value} applied; DR003 unknown key, DR004 wrong value.';


--
-- Name: _audit(bigint, text, text, bigint, text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._audit(p_user bigint, p_action text, p_kind text, p_id bigint, p_reason text DEFAULT NULL::text, p_details jsonb DEFAULT NULL::jsonb) RETURNS void
    LANGUAGE sql
    AS $$
  insert into drip.audit_log as al (
    at, user_id, session_user_name, action, subject_kind, subject_id, reason, details)
  values (
    drip.now(), p_user, session_user, p_action, p_kind, p_id,
    nullif(pg_catalog.btrim(p_reason), ''), p_details)
$$;


ALTER FUNCTION drip._audit(p_user bigint, p_action text, p_kind text, p_id bigint, p_reason text, p_details jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _audit(p_user bigint, p_action text, p_kind text, p_id bigint, p_reason text, p_details jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._audit(p_user bigint, p_action text, p_kind text, p_id bigint, p_reason text, p_details jsonb) IS 'Writes one line of the audit log: who did what to which object, and why.';


--
-- Name: _bind_devices(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._bind_devices(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_count bigint;
  v_devices bigint[];
begin
  with loose as (
    select m.id, m.user_id, m.lead_id
    from drip.broadcast_messages m
    where m.status = 'pending' and m.device_id is null
    order by m.id
    limit p_limit
    for no key update skip locked
  ),
  bound as (
    update drip.broadcast_messages m
    set device_id = d.id
    from loose o
    cross join lateral (
      select drip._pool_device(o.user_id, o.lead_id) as id
    ) d
    where m.id = o.id and d.id is not null
    returning m.device_id, m.sequence_contact_id
  ),
  kept as (
    update drip.sequence_contacts e
    set assigned_device_id = b.device_id
    from bound b
    where e.id in (
        select q.id
        from drip.sequence_contacts q
        where q.id in (select b2.sequence_contact_id from bound b2)
          and q.assigned_device_id is null
        for no key update skip locked)
      and e.id = b.sequence_contact_id
  )
  select count(*), array_agg(distinct b.device_id)
  into v_count, v_devices
  from bound b;
  perform drip._notify_wake(v_devices);
  return v_count;
end
$$;


ALTER FUNCTION drip._bind_devices(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _bind_devices(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._bind_devices(p_limit integer) IS 'Gives pending messages without a device one of the tenant''s pool; returns how many.';


--
-- Name: _campaign_definition(bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._campaign_definition(p_campaign_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
  select
    (select jsonb_object_agg(v.key, v.value)
     from jsonb_each(to_jsonb(c)) as v (key, value)
     join jsonb_each_text(drip._campaign_keys()) as k (key, kind) on k.key = v.key
     where k.kind <> 'read')
    || jsonb_build_object(
      'devices', (
        select jsonb_agg(d.name order by d.id)
        from drip.user_devices d
        where d.id = any (c.devices)))
  from drip.campaigns c
  where c.id = p_campaign_id
$$;


ALTER FUNCTION drip._campaign_definition(p_campaign_id bigint) OWNER TO postgres;

--
-- Name: FUNCTION _campaign_definition(p_campaign_id bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._campaign_definition(p_campaign_id bigint) IS 'What a definition of this campaign would say, every settable key included.';


--
-- Name: _campaign_keys(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._campaign_keys() RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select jsonb '{
    "title": "name!", "category": "choice:marketing|utility!", "greeting": "boolean!",
    "message": "text",
    "message_type": "choice:text|image|video|document|audio|template!",
    "media_url": "url", "caption": "text", "template": "object",
    "niche": "token", "target_status": "target!", "audience": "audience",
    "everyone": "boolean!", "exclude": "audience", "devices": "devices",
    "scheduled_at": "instant", "local_time_per_lead": "boolean!",
    "send_from": "time", "send_to": "time", "send_days": "days", "valid_for": "interval",
    "min_delay_seconds": "integer", "max_delay_seconds": "integer",
    "per_device_limit": "integer", "priority": "integer!",
    "id": "read", "user": "read", "user_id": "read", "status": "read", "status_reason": "read",
    "scheduled_local": "read", "audience_count": "read", "expanded_at": "read",
    "paused_at": "read", "last_error": "read", "last_run_at": "read", "completed_at": "read",
    "created_at": "read", "updated_at": "read"
  }'
$$;


ALTER FUNCTION drip._campaign_keys() OWNER TO postgres;

--
-- Name: FUNCTION _campaign_keys(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._campaign_keys() IS 'Keys of a campaign''s definition and the kind of value each takes.';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: campaigns; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.campaigns (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    title text NOT NULL,
    category text DEFAULT 'marketing'::text NOT NULL,
    greeting boolean DEFAULT false NOT NULL,
    message text,
    message_type text DEFAULT 'text'::text NOT NULL,
    media_url text,
    caption text,
    template jsonb,
    niche text,
    target_status text DEFAULT 'all'::text NOT NULL,
    audience text,
    everyone boolean DEFAULT false NOT NULL,
    exclude text,
    devices bigint[],
    scheduled_at timestamp with time zone,
    local_time_per_lead boolean DEFAULT false NOT NULL,
    send_from time without time zone,
    send_to time without time zone,
    send_days smallint[],
    valid_for interval,
    status text DEFAULT 'draft'::text NOT NULL,
    min_delay_seconds integer,
    max_delay_seconds integer,
    per_device_limit integer,
    priority smallint DEFAULT 3 NOT NULL,
    audience_count integer,
    expanded_to_lead_id bigint DEFAULT 0 NOT NULL,
    expanded_at timestamp with time zone,
    expand_attempts integer DEFAULT 0 NOT NULL,
    paused_at timestamp with time zone,
    status_reason text,
    last_error text,
    last_run_at timestamp with time zone,
    completed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT campaigns_category_known CHECK ((category = ANY (ARRAY['marketing'::text, 'utility'::text]))),
    CONSTRAINT campaigns_days_iso CHECK (((send_days <@ ARRAY[(1)::smallint, (2)::smallint, (3)::smallint, (4)::smallint, (5)::smallint, (6)::smallint, (7)::smallint]) AND (cardinality(send_days) > 0))),
    CONSTRAINT campaigns_delay_order CHECK (((min_delay_seconds >= 0) AND (min_delay_seconds <= max_delay_seconds))),
    CONSTRAINT campaigns_devices_some CHECK ((cardinality(devices) > 0)),
    CONSTRAINT campaigns_limit_positive CHECK ((per_device_limit > 0)),
    CONSTRAINT campaigns_media_url CHECK (((message_type <> ALL (ARRAY['image'::text, 'video'::text, 'document'::text, 'audio'::text])) OR COALESCE((media_url ~ '^https?://[^\s]+$'::text), false))),
    CONSTRAINT campaigns_names_somebody CHECK ((everyone OR (audience IS NOT NULL) OR (btrim(COALESCE(niche, ''::text)) <> ''::text))),
    CONSTRAINT campaigns_niche_token CHECK ((niche !~ ','::text)),
    CONSTRAINT campaigns_priority_known CHECK (((priority >= 1) AND (priority <= 3))),
    CONSTRAINT campaigns_scheduled CHECK (((status = ANY (ARRAY['draft'::text, 'cancelled'::text])) OR (scheduled_at IS NOT NULL))),
    CONSTRAINT campaigns_status_known CHECK ((status = ANY (ARRAY['draft'::text, 'pending'::text, 'triggered'::text, 'completed'::text, 'paused'::text, 'cancelled'::text, 'failed'::text]))),
    CONSTRAINT campaigns_target_known CHECK ((target_status = ANY (ARRAY['prospect'::text, 'customer'::text, 'all'::text]))),
    CONSTRAINT campaigns_template_given CHECK (((message_type <> 'template'::text) OR (template IS NOT NULL))),
    CONSTRAINT campaigns_text_content CHECK (((message_type <> 'text'::text) OR ((btrim(COALESCE(message, ''::text)) <> ''::text) AND (media_url IS NULL)))),
    CONSTRAINT campaigns_title_form CHECK (((title = btrim(title)) AND (title <> ''::text) AND (title !~ '^\d+$'::text))),
    CONSTRAINT campaigns_type_known CHECK ((message_type = ANY (ARRAY['text'::text, 'image'::text, 'video'::text, 'document'::text, 'audio'::text, 'template'::text]))),
    CONSTRAINT campaigns_valid_positive CHECK ((valid_for > '00:00:00'::interval)),
    CONSTRAINT campaigns_window_open CHECK ((send_from <> send_to)),
    CONSTRAINT campaigns_window_pair CHECK (((send_from IS NULL) = (send_to IS NULL)))
);


ALTER TABLE drip.campaigns OWNER TO postgres;

--
-- Name: TABLE campaigns; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.campaigns IS 'Broadcast campaigns: one message to each lead of an audience.';


--
-- Name: COLUMN campaigns.category; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.category IS '[setting] marketing: held by marketing opt-outs and contact caps; utility: only by full ones.';


--
-- Name: COLUMN campaigns.greeting; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.greeting IS '[setting] True: a greeting by the lead''s local hour and language stands first.';


--
-- Name: COLUMN campaigns.message; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.message IS '[setting] Text with {placeholders} and [[variants]]; rendered when a message is claimed.';


--
-- Name: COLUMN campaigns.media_url; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.media_url IS '[setting] http(s) address of the media.';


--
-- Name: COLUMN campaigns.caption; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.caption IS '[setting] Caption of media; null = message.';


--
-- Name: COLUMN campaigns.niche; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.niche IS '[setting] Leads with this niche token.';


--
-- Name: COLUMN campaigns.target_status; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.target_status IS '[setting] prospect, customer or all; all means all.';


--
-- Name: COLUMN campaigns.audience; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.audience IS '[setting] Registered view that names the leads.';


--
-- Name: COLUMN campaigns.everyone; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.everyone IS '[setting] True: every lead of the tenant.';


--
-- Name: COLUMN campaigns.exclude; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.exclude IS '[setting] Registered view of leads to leave out.';


--
-- Name: COLUMN campaigns.devices; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.devices IS '[setting] Ids of the sending devices; null = the lead''s device, else the pool.';


--
-- Name: COLUMN campaigns.local_time_per_lead; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.local_time_per_lead IS '[setting] True: the wall-clock time of scheduled_at counts in each lead''s own zone.';


--
-- Name: COLUMN campaigns.send_from; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.send_from IS '[setting] Local start of the sending window; null = the tenant''s.';


--
-- Name: COLUMN campaigns.send_to; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.send_to IS '[setting] Local end of the sending window.';


--
-- Name: COLUMN campaigns.send_days; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.send_days IS '[setting] ISO days (1 = Monday) for sending.';


--
-- Name: COLUMN campaigns.valid_for; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.valid_for IS '[setting] A message this long past its time expires; null = never.';


--
-- Name: COLUMN campaigns.min_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.min_delay_seconds IS '[setting] Least pause after a message, in seconds; the device is the floor.';


--
-- Name: COLUMN campaigns.max_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.max_delay_seconds IS '[setting] Longest pause after a message, in seconds.';


--
-- Name: COLUMN campaigns.per_device_limit; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.per_device_limit IS '[setting] Most messages per device; the rest is skipped as campaign_device_limit.';


--
-- Name: COLUMN campaigns.priority; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.campaigns.priority IS '[setting] Class in the device''s queue: 1 first, 2 drip steps, 3 campaigns.';


--
-- Name: leads; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.leads (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    external_id text,
    phone text NOT NULL,
    name text,
    niche text,
    trigger text,
    target_status text DEFAULT 'prospect'::text NOT NULL,
    device_id bigint,
    time_zone text,
    language text,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    paused_until timestamp with time zone,
    pause_reason text,
    last_inbound_at timestamp with time zone,
    enroll_check boolean DEFAULT true NOT NULL,
    chained jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT leads_attributes_object CHECK ((jsonb_typeof(attributes) = 'object'::text)),
    CONSTRAINT leads_chained_object CHECK ((jsonb_typeof(chained) = 'object'::text)),
    CONSTRAINT leads_phone_e164 CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT leads_target_known CHECK ((target_status = ANY (ARRAY['prospect'::text, 'customer'::text])))
);


ALTER TABLE drip.leads OWNER TO postgres;

--
-- Name: TABLE leads; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.leads IS 'Contacts of a tenant: one row per phone.';


--
-- Name: COLUMN leads.name; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.name IS '[setting] Name, for {name} in texts.';


--
-- Name: COLUMN leads.niche; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.niche IS '[setting] Comma list of niche tokens.';


--
-- Name: COLUMN leads.trigger; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.trigger IS '[setting] Comma list of trigger tokens that no sequence has consumed yet.';


--
-- Name: COLUMN leads.target_status; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.target_status IS '[setting] prospect or customer.';


--
-- Name: COLUMN leads.device_id; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.device_id IS '[setting] The device that writes to this lead; null = one of the pool.';


--
-- Name: COLUMN leads.time_zone; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.time_zone IS '[setting] IANA zone in which the lead''s local times are read; null = the tenant''s.';


--
-- Name: COLUMN leads.language; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.language IS '[setting] Language of greetings, such as en or ms; null = the tenant''s.';


--
-- Name: COLUMN leads.attributes; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.attributes IS '[setting] Whatever the tenant knows of the lead, for {attributes.…} in texts.';


--
-- Name: COLUMN leads.enroll_check; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.enroll_check IS 'True while automatic enrollment has still to look at the row as it is now.';


--
-- Name: COLUMN leads.chained; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.leads.chained IS 'Trigger tokens (lower case) that a completed journey gave, with the time of its last send.';


--
-- Name: _campaign_leads(drip.campaigns, bigint, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint) RETURNS SETOF drip.leads
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
begin
  return query execute
    'select l.* from drip.leads l'
    ' where l.user_id = $1 and l.id > $2'
    || case when p_campaign.niche is not null
         then ' and drip._has_token(l.niche, $3)' else '' end
    || case when p_campaign.target_status <> 'all' then ' and l.target_status = $4' else '' end
    || coalesce(' and ' || drip._in_audience(p_campaign.audience), '')
    || coalesce(' and not ' || drip._in_audience(p_campaign.exclude), '')
    || ' order by l.id limit $5'
  using
    p_campaign.user_id, p_after, p_campaign.niche, p_campaign.target_status, p_limit;
end
$_$;


ALTER FUNCTION drip._campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint) OWNER TO postgres;

--
-- Name: FUNCTION _campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint) IS 'The next leads of a campaign''s audience after a lead id, in id order; a null limit gives all.';


--
-- Name: _campaign_outlook(drip.campaigns); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._campaign_outlook(p_campaign drip.campaigns, OUT audience bigint, OUT suppressed bigint, OUT ends_at timestamp with time zone, OUT warnings text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_devices record;
begin
  with audience as (
    select
      case when p_campaign.devices is null then l.device_id end as device_id,
      exists (
        select
        from drip.suppressions s
        where s.user_id = l.user_id and s.phone = l.phone
          and s.category in ('all', p_campaign.category)) as is_suppressed
    from drip._campaign_leads(p_campaign, 0, null) l
  ),
  own as (
    select a.device_id, count(*) filter (where not a.is_suppressed) as messages, count(*) as leads
    from audience a
    group by a.device_id
  ),
  shared as (
    select d.id, count(*) over () as devices
    from drip.user_devices d
    where d.user_id = p_campaign.user_id
      and d.status <> 'disabled'
      and case
        when p_campaign.devices is null then d.in_pool
        else d.id = any (p_campaign.devices)
      end
  ),
  load as (
    select
      d.status,
      least(
        coalesce(o.messages, 0) + coalesce(ceil(n.messages::numeric / h.devices), 0),
        p_campaign.per_device_limit) as messages,
      coalesce(o.messages, 0) + coalesce(ceil(n.messages::numeric / h.devices), 0)
        > p_campaign.per_device_limit as is_limited,
      (greatest(d.min_delay_seconds, p_campaign.min_delay_seconds)
        + greatest(d.max_delay_seconds, p_campaign.max_delay_seconds)) / 2.0 as delay
    from drip.user_devices d
    left join own o on o.device_id = d.id
    left join shared h on h.id = d.id
    left join own n on n.device_id is null and h.id is not null
    where d.user_id = p_campaign.user_id and (o.messages > 0 or n.messages > 0)
  )
  select
    (select coalesce(sum(o.leads), 0) from own o) as leads,
    (select coalesce(sum(o.leads - o.messages), 0) from own o) as suppressed,
    count(*) as devices,
    count(*) filter (where l.status = 'online') as online,
    coalesce(bool_or(l.is_limited), false) as is_limited,
    max(l.messages * l.delay) as seconds
  into v_devices
  from load l;

  audience := v_devices.leads;
  suppressed := v_devices.suppressed;
  ends_at := p_campaign.scheduled_at + v_devices.seconds * interval '1 second';
  warnings := array_remove(array[
    case
      when audience = 0 then 'nobody is in the audience now'
      when audience = suppressed then 'everybody in the audience has opted out'
      when v_devices.devices = 0 then 'there is no device that would send it'
      when v_devices.online = 0 then 'no device that would send it is online'
    end,
    case when v_devices.is_limited
      then 'per_device_limit leaves a part of the audience without a message' end,
    case when ends_at > p_campaign.scheduled_at + p_campaign.valid_for
      then 'valid_for ends before the estimated end: the rest expires' end], null);
end
$$;


ALTER FUNCTION drip._campaign_outlook(p_campaign drip.campaigns, OUT audience bigint, OUT suppressed bigint, OUT ends_at timestamp with time zone, OUT warnings text[]) OWNER TO postgres;

--
-- Name: FUNCTION _campaign_outlook(p_campaign drip.campaigns, OUT audience bigint, OUT suppressed bigint, OUT ends_at timestamp with time zone, OUT warnings text[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._campaign_outlook(p_campaign drip.campaigns, OUT audience bigint, OUT suppressed bigint, OUT ends_at timestamp with time zone, OUT warnings text[]) IS 'How many leads are in a campaign''s audience now, how many opted out, and when it may end.';


--
-- Name: _campaign_values(bigint, jsonb, boolean); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_values constant jsonb := drip._read_definition(
    p_definition, drip._campaign_keys(), '', p_user, p_is_change);
begin
  perform drip._check_delays(
    (v_values ->> 'min_delay_seconds')::integer, (v_values ->> 'max_delay_seconds')::integer, '');
  return v_values;
end
$$;


ALTER FUNCTION drip._campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean) OWNER TO postgres;

--
-- Name: FUNCTION _campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean) IS 'The columns of campaigns that a definition sets, checked.';


--
-- Name: _check_category(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_category(p_category text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
  v_category text := lower(btrim(p_category));
begin
  if v_category is null or v_category not in ('all', 'marketing') then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is no category of an opt-out',
                                 pg_catalog.quote_nullable(left(p_category, 60))),
      'Use all or marketing.');
  end if;
  return v_category;
end
$$;


ALTER FUNCTION drip._check_category(p_category text) OWNER TO postgres;

--
-- Name: FUNCTION _check_category(p_category text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_category(p_category text) IS 'The category of an opt-out in lower case; DR001 when it is neither all nor marketing.';


--
-- Name: _check_delays(integer, integer, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_delays(p_min integer, p_max integer, p_path text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
  if p_min < 0 or p_max < 0 then
    perform drip._fail(
      'DR014', format('%smin_delay_seconds or max_delay_seconds is below zero', p_path),
      'Delays are seconds from 0.');
  end if;
  if p_min > p_max then
    perform drip._fail(
      'DR014',
      format('%smin_delay_seconds (%s) is above max_delay_seconds (%s)', p_path, p_min, p_max),
      'Swap them; a step without a bound has its sequence''s.');
  end if;
end
$$;


ALTER FUNCTION drip._check_delays(p_min integer, p_max integer, p_path text) OWNER TO postgres;

--
-- Name: FUNCTION _check_delays(p_min integer, p_max integer, p_path text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_delays(p_min integer, p_max integer, p_path text) IS 'DR014, with the path, where the shortest delay is above the longest.';


--
-- Name: _check_device_status(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_device_status(p_status text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
  if p_status is null or p_status not in ('online', 'offline', 'needs_attention', 'disabled') then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is no status of a device',
                                 pg_catalog.quote_nullable(left(p_status, 60))),
      'Use online, offline, needs_attention or disabled.');
  end if;
end
$$;


ALTER FUNCTION drip._check_device_status(p_status text) OWNER TO postgres;

--
-- Name: FUNCTION _check_device_status(p_status text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_device_status(p_status text) IS 'DR001 when the word is no status of a device.';


--
-- Name: _check_message(text, text, text, jsonb, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_message(p_type text, p_content text, p_media_url text, p_template jsonb, p_path text, p_content_key text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
begin
  if p_type = 'text' then
    if btrim(coalesce(p_content, '')) = '' then
      perform drip._fail(
        'DR008', format('%s%s is empty', p_path, p_content_key), 'A text message needs a text.');
    end if;
    if p_media_url is not null then
      perform drip._fail(
        'DR008', format('%smedia_url does not fit message_type text', p_path),
        'Set message_type to image, video, document or audio.');
    end if;
  elsif p_type = 'template' then
    if p_template is null then
      perform drip._fail(
        'DR008', format('%stemplate is missing', p_path),
        'message_type template needs a template object.');
    end if;
  elsif p_media_url is null or p_media_url !~ '^https?://[^\s]+$' then
    perform drip._fail(
      'DR008',
      format('%smedia_url is %s', p_path,
             case when p_media_url is null then 'missing' else 'no http(s) address' end),
      format('message_type %s needs a media_url such as https://example.com/file.', p_type));
  end if;
end
$_$;


ALTER FUNCTION drip._check_message(p_type text, p_content text, p_media_url text, p_template jsonb, p_path text, p_content_key text) OWNER TO postgres;

--
-- Name: FUNCTION _check_message(p_type text, p_content text, p_media_url text, p_template jsonb, p_path text, p_content_key text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_message(p_type text, p_content text, p_media_url text, p_template jsonb, p_path text, p_content_key text) IS 'DR008, with the path, where type, content and media of a message do not fit.';


--
-- Name: _check_message_owners(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_message_owners() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  v_id bigint;
begin
  select n.lead_id
  into v_id
  from new_rows n
  left join drip.leads l on l.id = n.lead_id and l.user_id = n.user_id
  left join drip.user_devices d on d.id = n.device_id and d.user_id = n.user_id
  left join drip.sequence_contacts e
    on e.id = n.sequence_contact_id
    and e.user_id = n.user_id and e.sequence_id = n.sequence_id and e.lead_id = n.lead_id
  left join drip.sequence_steps st
    on st.id = n.sequence_stepid and st.sequence_id = n.sequence_id
  left join drip.campaigns c on c.id = n.campaign_id and c.user_id = n.user_id
  where l.id is null
    or (n.device_id is not null and d.id is null)
    or (n.sequence_contact_id is not null and (e.id is null or st.id is null))
    or (n.campaign_id is not null and c.id is null)
  limit 1;
  if found then
    perform drip._fail(
      'DR016', pg_catalog.format('a message for lead %s names rows of another tenant', v_id),
      'Lead, device, step and campaign of a message must belong to its user_id.');
  end if;
  return null;
end
$$;


ALTER FUNCTION drip._check_message_owners() OWNER TO postgres;

--
-- Name: FUNCTION _check_message_owners(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_message_owners() IS 'Refuses messages whose lead, device, step or source is not of the same tenant.';


--
-- Name: _check_region(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_region(p_region text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
  if p_region is not null
    and not exists (select from drip.regions g where g.region = p_region)
  then
    perform drip._fail(
      'DR001',
      pg_catalog.format('%s is no region', pg_catalog.quote_literal(left(p_region, 60))),
      'Use an ISO 3166 code of two letters, such as MY.');
  end if;
end
$$;


ALTER FUNCTION drip._check_region(p_region text) OWNER TO postgres;

--
-- Name: FUNCTION _check_region(p_region text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_region(p_region text) IS 'DR001 when the text is neither null nor a region whose phones can be read.';


--
-- Name: sequences; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.sequences (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    name text NOT NULL,
    description text,
    trigger text,
    niche text,
    target_status text,
    auto_enroll text DEFAULT 'trigger'::text NOT NULL,
    status text DEFAULT 'draft'::text NOT NULL,
    is_active boolean GENERATED ALWAYS AS ((status = 'active'::text)) STORED,
    status_reason text,
    paused_at timestamp with time zone,
    started_at timestamp with time zone,
    include_existing boolean DEFAULT false NOT NULL,
    swept_at timestamp with time zone,
    swept_to_lead_id bigint DEFAULT 0 NOT NULL,
    device_id bigint,
    start_delay interval DEFAULT '00:05:00'::interval NOT NULL,
    send_from time without time zone,
    send_to time without time zone,
    send_days smallint[],
    skip_weekends boolean DEFAULT false NOT NULL,
    min_delay_seconds integer,
    max_delay_seconds integer,
    category text DEFAULT 'marketing'::text NOT NULL,
    greeting boolean DEFAULT false NOT NULL,
    stop_on_reply boolean DEFAULT true NOT NULL,
    exit_if text,
    exclusive_group text,
    reenroll_after interval,
    on_step_failure text DEFAULT 'continue'::text NOT NULL,
    priority smallint DEFAULT 2 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT sequences_auto_enroll_known CHECK ((auto_enroll = ANY (ARRAY['trigger'::text, 'niche'::text, 'manual'::text]))),
    CONSTRAINT sequences_category_known CHECK ((category = ANY (ARRAY['marketing'::text, 'utility'::text]))),
    CONSTRAINT sequences_days_iso CHECK (((send_days <@ ARRAY[(1)::smallint, (2)::smallint, (3)::smallint, (4)::smallint, (5)::smallint, (6)::smallint, (7)::smallint]) AND (cardinality(send_days) > 0))),
    CONSTRAINT sequences_days_left CHECK (((NOT skip_weekends) OR (send_days IS NULL) OR (send_days && ARRAY[(1)::smallint, (2)::smallint, (3)::smallint, (4)::smallint, (5)::smallint]))),
    CONSTRAINT sequences_delay_order CHECK (((min_delay_seconds >= 0) AND (min_delay_seconds <= max_delay_seconds))),
    CONSTRAINT sequences_failure_known CHECK ((on_step_failure = ANY (ARRAY['continue'::text, 'stop'::text]))),
    CONSTRAINT sequences_name_form CHECK (((name = btrim(name)) AND (name <> ''::text) AND (name !~ '^\d+$'::text))),
    CONSTRAINT sequences_niche_named CHECK (((status <> ALL (ARRAY['active'::text, 'paused'::text])) OR (auto_enroll <> 'niche'::text) OR (btrim(COALESCE(niche, ''::text)) <> ''::text))),
    CONSTRAINT sequences_niche_token CHECK ((niche !~ ','::text)),
    CONSTRAINT sequences_priority_known CHECK (((priority >= 1) AND (priority <= 3))),
    CONSTRAINT sequences_reenroll_positive CHECK ((reenroll_after >= '00:00:00'::interval)),
    CONSTRAINT sequences_start_delay_not_negative CHECK ((start_delay >= '00:00:00'::interval)),
    CONSTRAINT sequences_status_known CHECK ((status = ANY (ARRAY['draft'::text, 'active'::text, 'paused'::text, 'archived'::text]))),
    CONSTRAINT sequences_target_known CHECK ((target_status = ANY (ARRAY['prospect'::text, 'customer'::text, 'all'::text]))),
    CONSTRAINT sequences_trigger_token CHECK ((trigger !~ ','::text)),
    CONSTRAINT sequences_window_open CHECK ((send_from <> send_to)),
    CONSTRAINT sequences_window_pair CHECK (((send_from IS NULL) = (send_to IS NULL)))
);


ALTER TABLE drip.sequences OWNER TO postgres;

--
-- Name: TABLE sequences; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.sequences IS 'Drip sequences: one row per program, its steps beside it.';


--
-- Name: COLUMN sequences.trigger; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.trigger IS '[setting] Token of a lead that enters it; null = the entry step''s trigger.';


--
-- Name: COLUMN sequences.niche; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.niche IS '[setting] Only leads with this niche token are enrolled by themselves.';


--
-- Name: COLUMN sequences.target_status; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.target_status IS '[setting] Only leads of this status are enrolled by themselves; null or all = any.';


--
-- Name: COLUMN sequences.auto_enroll; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.auto_enroll IS '[setting] trigger: by token; niche: leads of the niche, new or changed; manual: only by call.';


--
-- Name: COLUMN sequences.include_existing; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.include_existing IS 'True: auto_enroll niche takes leads that are older than the start as well.';


--
-- Name: COLUMN sequences.swept_at; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.swept_at IS 'When the sweep last looked for matching leads; null = it looks at once.';


--
-- Name: COLUMN sequences.swept_to_lead_id; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.swept_to_lead_id IS 'How far a look of the sweep that is under way has come; 0 = none is.';


--
-- Name: COLUMN sequences.device_id; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.device_id IS '[setting] Sending device; null = the lead''s device, else one of the pool.';


--
-- Name: COLUMN sequences.start_delay; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.start_delay IS '[setting] Wait from enrollment to the first step.';


--
-- Name: COLUMN sequences.send_from; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.send_from IS '[setting] Local start of the sending window; null = the tenant''s.';


--
-- Name: COLUMN sequences.send_to; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.send_to IS '[setting] Local end of the sending window (exclusive); below send_from it wraps midnight.';


--
-- Name: COLUMN sequences.send_days; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.send_days IS '[setting] ISO days (1 = Monday) for sending.';


--
-- Name: COLUMN sequences.skip_weekends; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.skip_weekends IS '[setting] True: nothing on Saturday and Sunday.';


--
-- Name: COLUMN sequences.min_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.min_delay_seconds IS '[setting] Least pause after a message of this sequence, in seconds; the device is the floor.';


--
-- Name: COLUMN sequences.max_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.max_delay_seconds IS '[setting] Longest pause after a message of this sequence, in seconds.';


--
-- Name: COLUMN sequences.category; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.category IS '[setting] marketing: held by marketing opt-outs and contact caps; utility: only by full ones.';


--
-- Name: COLUMN sequences.greeting; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.greeting IS '[setting] True: a greeting by the lead''s local hour and language stands first in each text.';


--
-- Name: COLUMN sequences.stop_on_reply; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.stop_on_reply IS '[setting] True: a reply of the lead ends the journey.';


--
-- Name: COLUMN sequences.exit_if; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.exit_if IS '[setting] Guard that ends the journey when true.';


--
-- Name: COLUMN sequences.exclusive_group; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.exclusive_group IS '[setting] A lead is in one live sequence of a group at a time.';


--
-- Name: COLUMN sequences.reenroll_after; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.reenroll_after IS '[setting] A finished lead may enter again after this time; null = never.';


--
-- Name: COLUMN sequences.on_step_failure; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.on_step_failure IS '[setting] continue: the next step goes on after a failed one; stop: the journey ends.';


--
-- Name: COLUMN sequences.priority; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequences.priority IS '[setting] Class in the device''s queue: 1 first (single, utility), 2 drip steps, 3 campaigns.';


--
-- Name: _check_sequence_ready(drip.sequences); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_sequence_ready(p_sequence drip.sequences) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
  if not exists (select from drip.sequence_steps st where st.sequence_id = p_sequence.id) then
    perform drip._fail(
      'DR007', format('the sequence %s has no steps', quote_literal(p_sequence.name)),
      'Add "steps": [{"content": "…"}] with update_sequence.');
  end if;
  if p_sequence.auto_enroll = 'niche' and p_sequence.niche is null then
    perform drip._fail(
      'DR006',
      format('the sequence %s enrolls by niche and has none', quote_literal(p_sequence.name)),
      'Set niche, or set auto_enroll to manual to enroll by call only.');
  end if;
  if p_sequence.auto_enroll = 'trigger' and drip._entry_token(p_sequence) is null then
    perform drip._fail(
      'DR006', format('the sequence %s has an empty trigger', quote_literal(p_sequence.name)),
      'Set trigger, or set auto_enroll to manual to enroll by call only.');
  end if;
end
$$;


ALTER FUNCTION drip._check_sequence_ready(p_sequence drip.sequences) OWNER TO postgres;

--
-- Name: FUNCTION _check_sequence_ready(p_sequence drip.sequences); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_sequence_ready(p_sequence drip.sequences) IS 'DR007 without steps, DR006 with nothing that enrolls anybody.';


--
-- Name: _check_time_zone(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._check_time_zone(p_zone text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
  if p_zone is not null and not drip._is_time_zone(p_zone) then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is no time zone', pg_catalog.quote_literal(left(p_zone, 60))),
      pg_catalog.format('Use an IANA name. The nearest one is %s.', drip._nearest(
        left(p_zone, 40), array(select z.name from pg_catalog.pg_timezone_names z))));
  end if;
end
$$;


ALTER FUNCTION drip._check_time_zone(p_zone text) OWNER TO postgres;

--
-- Name: FUNCTION _check_time_zone(p_zone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._check_time_zone(p_zone text) IS 'DR001 when the text is neither null nor the name of an IANA time zone.';


--
-- Name: _claim_messages(text, integer, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._claim_messages(p_worker text, p_limit integer, p_user_id bigint) RETURNS TABLE(message_id bigint, attempt integer, user_id bigint, device_id bigint, platform text, endpoint text, instance text, secret_name text, recipient_phone text, message_type text, content text, media_url text, caption text, template jsonb, lease_expires_at timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_material TO 'off'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
  c_lease constant interval := interval '90 seconds';
  c_park constant interval := interval '15 seconds';
  c_relook constant interval := interval '1 minute';
  c_device_reasons constant text[] := array[
    'device_disabled', 'device_attention', 'device_offline', 'breaker_open',
    'device_closed_hours', 'ramp', 'device_cap', 'device_pacing', 'account_blocked',
    'user_inactive'];
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
  v_open bigint[];
  v_depth integer;
  v_heads bigint[];
  v_ids bigint[] := '{}';
  v_delays numeric[] := '{}';
  v_leads bigint[] := '{}';
  v_pass_ids bigint[];
  v_pass_leads bigint[];
  v_pass_delays numeric[];
  v_blocked bigint[];
  v_busy bigint[];
  v_until timestamptz[];
  v_contact_rules boolean;
  v_account_caps boolean;
  v_accounts bigint[] := '{}';
begin
  select array_agg(q.device_id)
  into v_devices
  from (
    select p.device_id
    from drip.device_pacing p
    where p.next_look_at <= v_now
      and p.next_send_at <= v_now
      and (p_user_id is null or p.user_id = p_user_id)
    order by p.next_look_at
    limit p_limit
    for update skip locked
  ) q;
  if v_devices is null then
    return;
  end if;

  select exists (
    select from drip.users u where u.contact_gap is not null or u.contact_cap is not null
  ) into v_contact_rules;
  select exists (
    select from drip.sender_accounts a where a.reach_cap is not null
  ) into v_account_caps;

  v_open := v_devices;
  foreach v_depth in array array[1, 50] loop
    select array_agg(h.id order by h.id)
    into v_heads
    from unnest(v_open) as t (device_id)
    join drip.user_devices d on d.id = t.device_id
    cross join lateral (
      select count(*)::integer as messages
      from drip.broadcast_messages b
      where b.device_id = t.device_id and b.status = 'processing'
    ) busy
    cross join lateral (
      select c.id
      from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
      cross join lateral (
        select m.id
        from drip.broadcast_messages m
        where m.device_id = t.device_id
          and m.status = 'pending'
          and m.priority = class.priority
          and m.due_at <= v_now
        order by m.due_at, m.id
        limit 50
        for update skip locked
      ) c
      limit case
        when busy.messages >= d.burst then 0
        when v_depth = 1 and d.max_delay_seconds = 0 and d.daily_cap is null and d.ramp is null
          then d.burst - busy.messages
        else v_depth
      end
    ) h;
    exit when v_heads is null;

    -- two devices must not judge the same contact's gap at once: the loser looks again later
    if v_contact_rules then
      select array_agg(m.id order by m.id)
      into v_heads
      from drip.broadcast_messages m
      join drip.users u on u.id = m.user_id
      where m.id = any (v_heads)
        and ((u.contact_gap is null and u.contact_cap is null)
             or pg_catalog.pg_try_advisory_xact_lock(
                  7305, (m.lead_id & 2147483647)::integer));
      exit when v_heads is null;
    end if;

    -- one contact of a capped account at a look, or its devices pass the cap together
    if v_account_caps then
      select array_agg(q.id order by q.id)
      into v_heads
      from (
        select distinct on (coalesce(a.id, -m.id)) m.id
        from drip.broadcast_messages m
        join drip.user_devices d on d.id = m.device_id
        left join drip.sender_accounts a on a.id = d.account_id and a.reach_cap is not null
        where m.id = any (v_heads)
          and (a.id is null
               or (a.id <> all (v_accounts)
                   and pg_catalog.pg_try_advisory_xact_lock(
                     7306, (a.id & 2147483647)::integer)))
        order by coalesce(a.id, -m.id), m.priority, m.due_at, m.id
      ) q;
      exit when v_heads is null;
    end if;

    with judged as materialized (
      select j.message_id, j.verdict, j.reason, j.until
      from drip._judge_messages(v_heads) j
    ),
    dropped as (
      update drip.broadcast_messages m
      set status = case j.reason when 'expired' then 'expired' else 'cancelled' end,
        status_reason = j.reason,
        finished_at = v_now,
        not_before = null,
        deferred_reason = null
      from judged j
      where j.verdict = 'drop' and m.id = j.message_id
      returning m.sequence_contact_id
    ),
    deferred as (
      update drip.broadcast_messages m
      set not_before = greatest(
            coalesce(j.until, v_now + c_relook),
            v_now + case when j.reason = 'not_due' then interval '0' else interval '5 seconds' end),
        deferred_reason = j.reason
      from judged j
      where j.verdict = 'wait'
        and j.reason <> all (c_device_reasons)
        and m.id = j.message_id
      returning m.id
    ),
    chosen as (
      select g.message_id, g.lead_id, g.delay_seconds
      from (
        select
          j.message_id,
          m.lead_id,
          delay.seconds as delay_seconds,
          -- the first look took no more heads than fit; the deeper one sees more
          case
            when v_depth = 1 then null
            when d.daily_cap is not null or d.ramp is not null then 1
            else d.burst - (
              select count(*)
              from drip.broadcast_messages b
              where b.device_id = m.device_id and b.status = 'processing')
          end as free_slots,
          row_number() over (
            partition by m.device_id order by m.priority, m.due_at, m.id) as place_on_device,
          sum(delay.seconds) over (
            partition by m.device_id order by m.priority, m.due_at, m.id
            rows between unbounded preceding and 1 preceding) as before_it,
          row_number() over (
            partition by m.lead_id order by m.priority, m.due_at, m.id) as place_of_lead
        from judged j
        join drip.broadcast_messages m on m.id = j.message_id
        join drip.user_devices d on d.id = m.device_id
        left join drip.sequences s on s.id = m.sequence_id
        left join drip.sequence_steps st on st.id = m.sequence_stepid
        left join drip.campaigns c on c.id = m.campaign_id
        cross join lateral (
          select drip._delay_seconds(
            m.id, d.min_delay_seconds, d.max_delay_seconds,
            coalesce(st.min_delay_seconds, s.min_delay_seconds, c.min_delay_seconds),
            coalesce(st.max_delay_seconds, s.max_delay_seconds, c.max_delay_seconds)) as seconds
        ) delay
        where j.verdict = 'go'
      ) g
      where coalesce(g.before_it, 0) = 0
        and g.place_of_lead = 1
        and g.lead_id <> all (v_leads)
        and (g.free_slots is null or g.place_on_device <= g.free_slots)
      order by g.place_on_device, g.message_id
      limit greatest(p_limit - cardinality(v_ids), 0)
    )
    select
      (select array_agg(c.message_id order by c.message_id) from chosen c),
      (select array_agg(c.delay_seconds order by c.message_id) from chosen c),
      (select array_agg(c.lead_id) from chosen c),
      (select array_agg(distinct m.device_id)
       from drip.broadcast_messages m
       where m.id = any (v_heads)
         and not exists (
           select
           from drip.broadcast_messages g
           join judged j on j.message_id = g.id
           where g.device_id = m.device_id
             and (j.verdict = 'go' or j.reason = any (c_device_reasons)))),
      (select array_agg(d.sequence_contact_id)
       from dropped d
       where d.sequence_contact_id is not null),
      (select array_agg(q.device_id order by q.device_id)
       from (
         select m.device_id, max(j.until) as until
         from judged j
         join drip.broadcast_messages m on m.id = j.message_id
         where j.reason = any (c_device_reasons)
         group by m.device_id
       ) q),
      (select array_agg(q.until order by q.device_id)
       from (
         select m.device_id, max(j.until) as until
         from judged j
         join drip.broadcast_messages m on m.id = j.message_id
         where j.reason = any (c_device_reasons)
         group by m.device_id
       ) q)
    into v_pass_ids, v_pass_delays, v_pass_leads, v_open, v_busy, v_blocked, v_until;

    v_ids := v_ids || coalesce(v_pass_ids, '{}');
    v_delays := v_delays || coalesce(v_pass_delays, '{}');
    v_leads := v_leads || coalesce(v_pass_leads, '{}');
    if v_account_caps then
      v_accounts := array(
        select d.account_id
        from drip.broadcast_messages m
        join drip.user_devices d on d.id = m.device_id
        where m.id = any (v_ids) and d.account_id is not null);
    end if;
    if v_busy is not null then
      perform drip._sync_enrollments(v_busy);
    end if;
    if v_blocked is not null then
      update drip.device_pacing p
      set next_look_at = least(coalesce(b.until, v_now + c_park), v_now + c_park)
      from unnest(v_blocked, v_until) as b (device_id, until)
      where p.device_id = b.device_id;
    end if;
    exit when v_open is null;
  end loop;

  if cardinality(v_ids) > 0 then
    return query
      with claimed as (
        update drip.broadcast_messages m
        set status = 'processing',
          status_reason = null,
          attempts = m.attempts + 1,
          worker_id = p_worker,
          lease_expires_at = v_now + c_lease,
          not_before = null,
          deferred_reason = null,
          error_code = null,
          error_message = null,
          recipient_name = l.name,
          content = t.greeting || drip._render(
            t.content, l.name, m.recipient_phone, l.attributes, e.attributes, m.id),
          caption = t.caption_greeting || drip._render(
            t.caption, l.name, m.recipient_phone, l.attributes, e.attributes, m.id),
          media_url = t.media_url,
          template = t.template
        from unnest(v_ids, v_delays) as a (id, delay_seconds)
        join drip.broadcast_messages n on n.id = a.id
        join drip.leads l on l.id = n.lead_id
        join drip.user_devices d on d.id = n.device_id
        left join drip.sequence_contacts e on e.id = n.sequence_contact_id
        left join drip._message_texts x on x.message_id = n.id
        cross join lateral (
          select
            case when n.message_type = 'text' then x.content end as content,
            case
              when n.message_type in ('image', 'video', 'document')
                then coalesce(x.caption, x.content)
            end as caption,
            case when n.message_type = 'text' then coalesce(x.greeting, '') else '' end as greeting,
            case when n.message_type = 'text' then '' else coalesce(x.greeting, '') end
              as caption_greeting,
            x.media_url,
            x.template
        ) t
        where m.id = a.id
        returning
          m.id, m.attempts, m.user_id, m.device_id, m.recipient_phone, m.message_type, m.content,
          m.media_url, m.caption, m.template, m.lease_expires_at, a.delay_seconds,
          d.platform, d.endpoint, d.instance, d.secret_name
      ),
      logged as (
        insert into drip.message_attempts (
          message_id, attempt, user_id, device_id, worker_id, claimed_at, delay_seconds)
        select c.id, c.attempts, c.user_id, c.device_id, p_worker, v_now, c.delay_seconds
        from claimed c
      ),
      paced as (
        update drip.device_pacing p
        set next_send_at = v_now + q.delay_seconds * interval '1 second',
          next_look_at = case
            when q.messages + q.in_flight >= q.burst then v_now + c_park else v_now end
        from (
          select
            c.device_id,
            max(c.delay_seconds) as delay_seconds,
            count(*) as messages,
            (select count(*)
             from drip.broadcast_messages b
             where b.device_id = c.device_id and b.status = 'processing') as in_flight,
            max(d.burst) as burst
          from claimed c
          join drip.user_devices d on d.id = c.device_id
          group by c.device_id
        ) q
        where p.device_id = q.device_id
      )
      select
        c.id, c.attempts, c.user_id, c.device_id, c.platform, c.endpoint, c.instance,
        c.secret_name, c.recipient_phone, c.message_type, c.content, c.media_url, c.caption,
        c.template, c.lease_expires_at
      from claimed c
      order by c.id;
  end if;

  -- park what had nothing to give: until its head is due, but a lost notification costs 15 s
  update drip.device_pacing p
  set next_look_at = case
      when busy.is_full then v_now + c_park
      else least(coalesce(head.due_at, v_now + c_park), v_now + c_park)
    end
  from unnest(v_devices) as t (device_id)
  join drip.user_devices d on d.id = t.device_id
  cross join lateral (
    select count(*) >= d.burst as is_full
    from drip.broadcast_messages b
    where b.device_id = t.device_id and b.status = 'processing'
  ) busy
  cross join lateral (
    select min(c.due_at) as due_at
    from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
    cross join lateral (
      select m.due_at
      from drip.broadcast_messages m
      where m.device_id = t.device_id and m.status = 'pending' and m.priority = class.priority
      order by m.due_at, m.id
      limit 1
    ) c
  ) head
  where p.device_id = t.device_id
    and p.next_look_at <= v_now
    and p.next_send_at <= v_now;
end
$$;


ALTER FUNCTION drip._claim_messages(p_worker text, p_limit integer, p_user_id bigint) OWNER TO postgres;

--
-- Name: FUNCTION _claim_messages(p_worker text, p_limit integer, p_user_id bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._claim_messages(p_worker text, p_limit integer, p_user_id bigint) IS 'The claim, for all tenants or for one.';


--
-- Name: _clean_phone(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._clean_phone(p_phone text, OUT cleaned text, OUT problem text) RETURNS record
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $_$
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
    '[\s\u0085\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+',
    '', 'g'));
  v_text := regexp_replace(v_text, '^[''`´‘’]', '');
  v_text := regexp_replace(v_text, '^tel:', '');
  if v_text = '' then
    problem := 'the phone is empty';
    return;
  elsif v_text ~ '^[+-]?\d+([.,]\d+)?e[+-]?\d+$' then
    problem := 'the phone is in scientific notation: a spreadsheet has cut its digits off';
    return;
  elsif v_text ~ '\d(;?ext|;?x|#|доб)' then
    problem := 'the phone has an extension';
    return;
  elsif v_text ~ '[[:alpha:]]' then
    problem := 'the phone has letters in it';
    return;
  elsif v_text ~ '^\+?\d{7,}\.0$' then
    -- A spreadsheet's decimal number: the part behind the point is no digit of the phone.
    v_text := regexp_replace(v_text, '\.0$', '');
  end if;
  if v_text ~ '^(\+|00)' then
    v_text := replace(v_text, '(0)', '');
  end if;
  v_text := regexp_replace(
    v_text, '[-./()\u2010-\u2015\u2043\u2212\u30fc\ufe58\ufe63\uff0d]+', '', 'g');
  if v_text ~ '^\+?[0-9]+$' then
    cleaned := v_text;
  elsif v_text ~ '[0-9]' then
    problem := 'the phone has a character that no phone has: '
      || pg_catalog.quote_literal(substring(regexp_replace(v_text, '^\+', '') from '[^0-9]'));
  else
    problem := 'the phone has no digits';
  end if;
end
$_$;


ALTER FUNCTION drip._clean_phone(p_phone text, OUT cleaned text, OUT problem text) OWNER TO postgres;

--
-- Name: FUNCTION _clean_phone(p_phone text, OUT cleaned text, OUT problem text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._clean_phone(p_phone text, OUT cleaned text, OUT problem text) IS 'The digits of a phone, with + in front where it had one; or the sentence that says why not.';


--
-- Name: _clean_tokens(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._clean_tokens(p_list text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select case
    when p_list ~ '^[^\s,]+$' then p_list
    else (
      select string_agg(k.token, ',' order by k.position)
      from (
        select distinct on (lower(btrim(t.token, e' \t\r\n')))
          btrim(t.token, e' \t\r\n') as token, t.position
        from unnest(string_to_array(p_list, ',')) with ordinality as t (token, position)
        where btrim(t.token, e' \t\r\n') <> ''
        order by lower(btrim(t.token, e' \t\r\n')), t.position
      ) k)
  end
$_$;


ALTER FUNCTION drip._clean_tokens(p_list text) OWNER TO postgres;

--
-- Name: FUNCTION _clean_tokens(p_list text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._clean_tokens(p_list text) IS 'The comma list with its tokens trimmed, each once ignoring case; null when nothing is left.';


--
-- Name: _column_list(jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._column_list(p_values jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select string_agg(pg_catalog.quote_ident(k.key), ', ' order by k.key)
  from pg_catalog.jsonb_object_keys(p_values) as k (key)
$$;


ALTER FUNCTION drip._column_list(p_values jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _column_list(p_values jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._column_list(p_values jsonb) IS 'The keys of an object as a list of quoted column names, in a fixed order.';


--
-- Name: _complete_campaigns(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._complete_campaigns(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_count bigint;
begin
  with done as (
    select c.id
    from drip.campaigns c
    where c.status = 'triggered'
      and c.expanded_at is not null
      and not exists (
        select
        from drip.broadcast_messages m
        where m.campaign_id = c.id and m.status = 'pending')
      and not exists (
        select
        from drip.broadcast_messages m
        where m.status = 'processing' and m.campaign_id = c.id)
      and not exists (
        select
        from drip.broadcast_messages m
        where m.user_id = c.user_id and m.status = 'unknown'
          and m.campaign_id = c.id and m.hold_ended_at is null)
    order by c.id
    limit p_limit
    for no key update skip locked
  )
  update drip.campaigns c
  set status = 'completed', completed_at = drip.now()
  from done d
  where c.id = d.id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;


ALTER FUNCTION drip._complete_campaigns(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _complete_campaigns(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._complete_campaigns(p_limit integer) IS 'Completes the campaigns whose messages are all finished; returns how many.';


--
-- Name: _constraint_error(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._constraint_error(p_constraint text, p_detail text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_meaning record;
begin
  select m.*
  into v_meaning
  from drip._constraint_meanings() m
  where m.name = p_constraint;
  if not found then
    perform drip._fail(
      'DR004', pg_catalog.format('a value breaks the rule %s', p_constraint),
      'Look at the comment of the column: \d+ in psql.');
  end if;
  perform drip._fail(
    v_meaning.code, v_meaning.sentence, v_meaning.hint,
    -- "Failing row contains …" would print the whole row, phone and all.
    case when p_detail like 'Key %' then p_detail end);
end
$$;


ALTER FUNCTION drip._constraint_error(p_constraint text, p_detail text) OWNER TO postgres;

--
-- Name: FUNCTION _constraint_error(p_constraint text, p_detail text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._constraint_error(p_constraint text, p_detail text) IS 'Raises the error that a violated constraint means to a person: code, sentence and hint.';


--
-- Name: _constraint_meanings(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._constraint_meanings() RETURNS TABLE(name text, code text, sentence text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  values
    ('users_name_unique', 'DR013', 'there is a user of that name', 'Choose another name.'),
    ('users_name_form', 'DR004', 'a user''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('users_region_form', 'DR004', 'default_region is not a region',
      'Use two capital letters, such as MY.'),
    ('users_window_pair', 'DR004', 'send_from and send_to belong together',
      'Set both, or neither.'),
    ('users_window_open', 'DR004', 'send_from and send_to are the same time',
      'Leave both out to send at all hours.'),
    ('users_days_iso', 'DR004', 'send_days are not days of the week',
      'Use numbers from 1 (Monday) to 7 (Sunday), at least one.'),
    ('users_cap_positive', 'DR004', 'contact_cap is not above zero',
      'Use null for no cap.'),
    ('users_cap_period_positive', 'DR004', 'contact_cap_period is not above zero',
      'Write an interval, such as 7 days.'),
    ('users_gap_positive', 'DR004', 'contact_gap is not above zero', 'Use null for none.'),
    ('users_hold_not_negative', 'DR004', 'unknown_hold is below zero',
      'Write an interval, such as 24 hours.'),
    ('users_breaker_rate_share', 'DR004', 'breaker_rate is not a share',
      'Use a number above 0 and up to 1, such as 0.5.'),
    ('users_breaker_sample_floor', 'DR004', 'breaker_sample is below 5',
      'Fewer results than 5 say too little about a device.'),

    ('sender_accounts_name_unique', 'DR013', 'there is a sender account of that name',
      'Choose another name.'),
    ('sender_accounts_name_form', 'DR004',
      'an account''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('sender_accounts_platform_known', 'DR004', 'the platform is not known',
      'Use gowa, cloud_api, waha, evolution, wablas or whacenter.'),
    ('sender_accounts_status_known', 'DR004', 'the status is not known',
      'Use online, offline, needs_attention or disabled.'),
    ('sender_accounts_reach_positive', 'DR004', 'reach_cap is not above zero',
      'Use null for no cap.'),

    ('user_devices_name_unique', 'DR013', 'there is a device of that name',
      'Choose another name.'),
    ('user_devices_name_form', 'DR004',
      'a device''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('user_devices_account_tenant', 'DR016', 'the account belongs to another user',
      'A device and its account have the same user.'),
    ('user_devices_phone_e164', 'DR002', 'the device''s phone is not in the form +60123456789',
      'Write + and the country code.'),
    ('user_devices_platform_known', 'DR004', 'the platform is not known',
      'Use gowa, cloud_api, waha, evolution, wablas or whacenter.'),
    ('user_devices_endpoint_http', 'DR004', 'the endpoint is not a URL',
      'Write it as http://… or https://…, without spaces.'),
    ('user_devices_status_known', 'DR004', 'the status is not known',
      'Use online, offline, needs_attention or disabled.'),
    ('user_devices_delay_order', 'DR014', 'the delays of the device are out of order',
      'min_delay_seconds is at least 0 and at most max_delay_seconds, which is at most 86400.'),
    ('user_devices_burst_positive', 'DR004', 'burst is not between 1 and 1000',
      '1 sends one message at a time.'),
    ('user_devices_cap_positive', 'DR004', 'daily_cap is not above zero', 'Use null for no cap.'),
    ('user_devices_ramp_positive', 'DR004', 'ramp holds a number that is not above zero',
      'Write the most sends on day 1, 2, …, such as [20, 40, 80].'),
    ('user_devices_ramp_start', 'DR004', 'a ramp needs the date of its first day',
      'Set ramp_started_on as well.'),
    ('user_devices_hours_pair', 'DR004', 'active_from and active_to belong together',
      'Set both, or neither.'),
    ('user_devices_hours_open', 'DR004', 'active_from and active_to are the same time',
      'Leave both out to send at all hours.'),
    ('user_devices_unknown_known', 'DR004', 'unknown_policy is not known', 'Use hold or retry.'),
    ('user_devices_failover_known', 'DR004', 'failover_policy is not known',
      'Use wait, failover or rebind.'),

    ('leads_phone_unique', 'DR013', 'another lead has that phone',
      'A user has one lead per phone.'),
    ('leads_external_unique', 'DR013', 'another lead has that external_id',
      'An external_id names one lead of a user.'),
    ('leads_device_tenant', 'DR016', 'the device belongs to another user',
      'A lead and its device have the same user.'),
    ('leads_phone_e164', 'DR002', 'the phone is not in the form +60123456789',
      'Write + and the country code.'),
    ('leads_target_known', 'DR015', 'the target status is not known',
      'A lead is a prospect or a customer.'),
    ('leads_attributes_object', 'DR004', 'attributes are not a JSON object',
      'Write {"city": "Ipoh"}.'),
    ('leads_chained_object', 'DR004', 'chained is not a JSON object',
      'It is kept by the program; leave it alone.'),
    ('suppressions_phone_e164', 'DR002', 'the phone is not in the form +60123456789',
      'Write + and the country code.'),
    ('suppressions_category_known', 'DR004', 'the category is not known', 'Use all or marketing.'),

    ('sequences_name_unique', 'DR013', 'there is a sequence of that name',
      'Choose another name, or change that one with update_sequence.'),
    ('sequences_name_form', 'DR004',
      'a sequence''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('sequences_device_tenant', 'DR016', 'the device belongs to another user',
      'A sequence and its device have the same user.'),
    ('sequences_trigger_token', 'DR004', 'the trigger of a sequence is one token',
      'Leave the comma out; leads may have several triggers, a sequence has one.'),
    ('sequences_target_known', 'DR015', 'the target status is not known',
      'Use prospect, customer or all.'),
    ('sequences_auto_enroll_known', 'DR004', 'auto_enroll is not known',
      'Use trigger, niche or manual.'),
    ('sequences_status_known', 'DR004', 'the status is not known',
      'Use draft, active, paused or archived.'),
    ('sequences_start_delay_not_negative', 'DR004', 'start_delay is below zero',
      'Write an interval, such as 5 minutes.'),
    ('sequences_window_pair', 'DR004', 'send_from and send_to belong together',
      'Set both, or neither.'),
    ('sequences_window_open', 'DR004', 'send_from and send_to are the same time',
      'Leave both out to send at all hours.'),
    ('sequences_days_iso', 'DR004', 'send_days are not days of the week',
      'Use numbers from 1 (Monday) to 7 (Sunday), at least one.'),
    ('sequences_days_left', 'DR004', 'skip_weekends leaves none of the send_days',
      'Name a day from Monday to Friday, or set skip_weekends to false.'),
    ('sequences_delay_order', 'DR014', 'the delays of the sequence are out of order',
      'min_delay_seconds is at least 0 and at most max_delay_seconds.'),
    ('sequences_category_known', 'DR004', 'the category is not known',
      'Use marketing or utility.'),
    ('sequences_failure_known', 'DR004', 'on_step_failure is not known',
      'Use continue or stop.'),
    ('sequences_reenroll_positive', 'DR004', 'reenroll_after is below zero',
      'Use null for never.'),
    ('sequences_priority_known', 'DR004', 'priority is not 1, 2 or 3',
      '1 goes first; drip steps have 2, campaigns 3.'),
    ('sequences_niche_named', 'DR006', 'enrollment by niche needs a niche',
      'Set niche, or another auto_enroll.'),
    ('sequences_niche_token', 'DR004', 'the niche of a sequence is one token',
      'Leave the comma out; leads may have several niches, a sequence has one.'),
    ('sequences_exit_if_fkey', 'DR012', 'exit_if names no registered guard',
      'Leave it out, or name one of drip.guards.'),

    ('sequence_steps_position_unique', 'DR004', 'two steps have the same day_number',
      'The steps of a sequence are numbered 1, 2, 3, ….'),
    ('sequence_steps_name_unique', 'DR013', 'two steps of the sequence have the same name',
      'A step''s name is unique in its sequence.'),
    ('sequence_steps_sequence_tenant', 'DR016', 'the sequence belongs to another user',
      'A step and its sequence have the same user.'),
    ('sequence_steps_position_positive', 'DR004', 'day_number is below 1',
      'The first step has day_number 1.'),
    ('sequence_steps_name_form', 'DR004',
      'a step''s name is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a name with a letter in it.'),
    ('sequence_steps_trigger_token', 'DR004', 'the trigger of a step is one token',
      'Leave the comma out.'),
    ('sequence_steps_next_token', 'DR004', 'next_trigger is one token', 'Leave the comma out.'),
    ('sequence_steps_delay_not_negative', 'DR004',
      'trigger_delay_hours is below 0 or above 87600',
      'Write hours since the step before; fractions are allowed.'),
    ('sequence_steps_type_known', 'DR004', 'the message type is not known',
      'Use text, image, video, document, audio or template.'),
    ('sequence_steps_text_content', 'DR008', 'a text has content and no media_url',
      'Give content, or set message_type to the type of the media.'),
    ('sequence_steps_media_url', 'DR008', 'media needs a media_url',
      'Write it as http://… or https://…, without spaces.'),
    ('sequence_steps_template_given', 'DR008', 'a template message needs a template',
      'Give template, or another message_type.'),
    ('sequence_steps_delay_order', 'DR014', 'the delays of the step are out of order',
      'min_delay_seconds is at least 0 and at most max_delay_seconds.'),
    ('sequence_steps_valid_positive', 'DR004', 'valid_for is not above zero',
      'Write an interval, such as 12 hours; null = for ever.'),
    ('sequence_steps_only_if_fkey', 'DR012', 'only_if names no registered guard',
      'Leave it out, or name one of drip.guards.'),

    ('campaigns_title_unique', 'DR013', 'there is a campaign of that title',
      'Choose another title, or change that one with update_campaign.'),
    ('campaigns_title_form', 'DR004',
      'a campaign''s title is empty, has spaces around it or is all digits',
      'Digits alone are read as an id; choose a title with a letter in it.'),
    ('campaigns_category_known', 'DR004', 'the category is not known',
      'Use marketing or utility.'),
    ('campaigns_type_known', 'DR004', 'the message type is not known',
      'Use text, image, video, document, audio or template.'),
    ('campaigns_text_content', 'DR008', 'a text has a message and no media_url',
      'Give message, or set message_type to the type of the media.'),
    ('campaigns_media_url', 'DR008', 'media needs a media_url',
      'Write it as http://… or https://…, without spaces.'),
    ('campaigns_template_given', 'DR008', 'a template message needs a template',
      'Give template, or another message_type.'),
    ('campaigns_target_known', 'DR015', 'the target status is not known',
      'Use prospect, customer or all.'),
    ('campaigns_names_somebody', 'DR009', 'the campaign names nobody',
      'Set niche, audience or everyone.'),
    ('campaigns_niche_token', 'DR004', 'the niche of a campaign is one token',
      'Leave the comma out; leads may have several niches, a campaign has one.'),
    ('campaigns_devices_some', 'DR004', 'devices is an empty list',
      'Leave it out for the lead''s device, else the pool.'),
    ('campaigns_window_pair', 'DR004', 'send_from and send_to belong together',
      'Set both, or neither.'),
    ('campaigns_window_open', 'DR004', 'send_from and send_to are the same time',
      'Leave both out to send at all hours.'),
    ('campaigns_days_iso', 'DR004', 'send_days are not days of the week',
      'Use numbers from 1 (Monday) to 7 (Sunday), at least one.'),
    ('campaigns_valid_positive', 'DR004', 'valid_for is not above zero',
      'Write an interval, such as 12 hours; null = for ever.'),
    ('campaigns_status_known', 'DR004', 'the status is not known',
      'Use draft, pending, triggered, completed, paused, cancelled or failed.'),
    ('campaigns_scheduled', 'DR005', 'a campaign that is no draft has a time',
      'Use schedule_campaign.'),
    ('campaigns_delay_order', 'DR014', 'the delays of the campaign are out of order',
      'min_delay_seconds is at least 0 and at most max_delay_seconds.'),
    ('campaigns_limit_positive', 'DR004', 'per_device_limit is not above zero',
      'Use null for no limit.'),
    ('campaigns_priority_known', 'DR004', 'priority is not 1, 2 or 3',
      '1 goes first; drip steps have 2, campaigns 3.'),
    ('campaigns_audience_fkey', 'DR012', 'audience names no registered view',
      'Leave it out, or name one of drip.audiences.'),
    ('campaigns_exclude_fkey', 'DR012', 'exclude names no registered view',
      'Leave it out, or name one of drip.audiences.'),

    ('broadcast_messages_idempotency_unique', 'DR013', 'another message has that key',
      'An idempotency key stands for one message of a user.'),
    ('sequence_contacts_attributes_object', 'DR004', 'attributes are not a JSON object',
      'Write {"city": "Ipoh"}.')
$$;


ALTER FUNCTION drip._constraint_meanings() OWNER TO postgres;

--
-- Name: FUNCTION _constraint_meanings(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._constraint_meanings() IS 'What each constraint means to a person: our error code, a sentence and a hint.';


--
-- Name: _definition_value(text, jsonb, text, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._definition_value(p_kind text, p_value jsonb, p_path text, p_user bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
  c_days constant text[] := array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  v_type constant text := jsonb_typeof(p_value);
  v_text constant text := p_value #>> '{}';
  v_expected text;
  v_days smallint[];
begin
  begin
    case split_part(p_kind, ':', 1)
      when 'text' then
        v_expected := 'a text';
        if v_type = 'string' then
          return p_value;
        end if;
      when 'name' then
        v_expected := 'a name: a text that is not empty and not all digits';
        if v_type = 'string' and btrim(v_text) <> '' and btrim(v_text) !~ '^\d+$' then
          return to_jsonb(btrim(v_text));
        end if;
      when 'token' then
        v_expected := 'one token, without a comma';
        if v_type = 'string' and v_text !~ ',' then
          return coalesce(to_jsonb(nullif(btrim(v_text), '')), 'null');
        end if;
      when 'url' then
        v_expected := 'a text with an http(s) address';
        if v_type = 'string' then
          return coalesce(to_jsonb(nullif(btrim(v_text), '')), 'null');
        end if;
      when 'boolean' then
        v_expected := 'true or false';
        if v_type = 'boolean' then
          return p_value;
        end if;
      when 'integer' then
        v_expected := 'a whole number';
        if v_type = 'number' and v_text::numeric = trunc(v_text::numeric) then
          return to_jsonb(v_text::numeric::integer);
        end if;
      when 'number' then
        v_expected := 'a number';
        if v_type = 'number' then
          return p_value;
        end if;
      when 'interval' then
        v_expected := 'an interval such as ''5 minutes''';
        if v_type = 'string' and isfinite(v_text::interval) then
          return to_jsonb(v_text::interval);
        end if;
      when 'time' then
        v_expected := 'a local time such as ''09:30''';
        if v_type = 'string' and v_text ~* '^\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*([ap]m)?\s*$' then
          return to_jsonb(v_text::time);
        end if;
      when 'days' then
        v_expected := 'a list of days: 1 (Monday) to 7, or mon, tue, …';
        if v_type = 'array' and jsonb_array_length(p_value) > 0 then
          select array_agg(distinct q.day order by q.day)
          into v_days
          from (
            select case jsonb_typeof(e.value)
              when 'number' then (e.value #>> '{}')::numeric::integer
              when 'string' then coalesce(
                array_position(c_days, left(lower(btrim(e.value #>> '{}')), 3)), 0)
              else 0
            end::smallint as day
            from jsonb_array_elements(p_value) e
          ) q;
          if 1 <= all (v_days) and 7 >= all (v_days) then
            return to_jsonb(v_days);
          end if;
        end if;
      when 'object' then
        v_expected := 'an object';
        if v_type = 'object' then
          return p_value;
        end if;
      when 'choice' then
        v_expected := 'one of ' || replace(split_part(p_kind, ':', 2), '|', ', ');
        if v_type = 'string'
          and v_text = any (string_to_array(split_part(p_kind, ':', 2), '|'))
        then
          return p_value;
        end if;
      when 'target' then
        if v_type = 'string' and lower(btrim(v_text)) in ('prospect', 'customer', 'all') then
          return to_jsonb(lower(btrim(v_text)));
        end if;
        perform drip._fail(
          'DR015', format('%s is no target status: %s', p_path, left(p_value::text, 60)),
          'It is prospect, customer or all.');
      when 'instant' then
        -- In the tenant's zone where the text names no other.
        v_expected := 'a time such as ''2026-03-02 09:00''';
        if v_type = 'string' and v_text ~ '^\s*\d{4}-\d{2}-\d{2}([ T]|$)' then
          return to_jsonb(drip._read_instant(v_text, p_user));
        end if;
      when 'device' then
        v_expected := 'the name or the id of a device';
        if v_type in ('string', 'number') then
          return to_jsonb((drip._find_device(v_text, p_user)).id);
        end if;
      when 'devices' then
        v_expected := 'a list of names or ids of devices; null means all';
        if v_type = 'array' and jsonb_array_length(p_value) > 0 then
          return (
            select jsonb_agg(distinct (drip._find_device(e.value, p_user)).id)
            from jsonb_array_elements_text(p_value) as e (value));
        end if;
      when 'guard' then
        v_expected := 'the name of a registered guard';
        if v_type = 'string' then
          if exists (select from drip.guards g where g.name = v_text) then
            return p_value;
          end if;
          perform drip._fail(
            'DR012', format('%s: there is no guard %s', p_path, quote_literal(v_text)),
            'Leave it out: no guard is registered here.');
        end if;
      when 'audience' then
        v_expected := 'the name of a registered audience';
        if v_type = 'string' then
          if exists (
            select from drip.audiences a
            where a.name = v_text and coalesce(a.user_id, p_user) = p_user
          ) then
            return p_value;
          end if;
          perform drip._fail(
            'DR012', format('%s: there is no audience %s', p_path, quote_literal(v_text)),
            'Leave it out: no audience is registered here; use niche or everyone.');
        end if;
    end case;
  exception
    when data_exception then
      null;
  end;
  perform drip._fail(
    'DR004', format('%s is not %s: %s', p_path, v_expected, left(p_value::text, 60)),
    'See the column''s comment for what it takes.');
end
$_$;


ALTER FUNCTION drip._definition_value(p_kind text, p_value jsonb, p_path text, p_user bigint) OWNER TO postgres;

--
-- Name: FUNCTION _definition_value(p_kind text, p_value jsonb, p_path text, p_user bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._definition_value(p_kind text, p_value jsonb, p_path text, p_user bigint) IS 'One value of a definition in the form of its column; DR004, DR012 or DR015 name the path.';


--
-- Name: _delay_seconds(bigint, integer, integer, integer, integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._delay_seconds(p_message_id bigint, p_device_min integer, p_device_max integer, p_program_min integer, p_program_max integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select round((
    greatest(p_device_min, p_program_min)
    + (greatest(p_device_min, p_program_min, p_device_max, p_program_max)
       - greatest(p_device_min, p_program_min)) * drip._seeded_fraction(p_message_id, 1)
  )::numeric, 3)
$$;


ALTER FUNCTION drip._delay_seconds(p_message_id bigint, p_device_min integer, p_device_max integer, p_program_min integer, p_program_max integer) OWNER TO postgres;

--
-- Name: FUNCTION _delay_seconds(p_message_id bigint, p_device_min integer, p_device_max integer, p_program_min integer, p_program_max integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._delay_seconds(p_message_id bigint, p_device_min integer, p_device_max integer, p_program_min integer, p_program_max integer) IS 'Seconds from the claim of a message to the next claim of its device.';


--
-- Name: _device_account(bigint, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._device_account(p_user bigint, p_account text, p_platform text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
  v_account text := nullif(btrim(p_account), '');
  v_id bigint;
begin
  if v_account is null then
    return null;
  end if;
  select a.id
  into v_id
  from drip.sender_accounts a
  where a.user_id = p_user
    and case when v_account ~ '^\d+$' then a.id::text = v_account else a.name = v_account end;
  if v_id is null and v_account ~ '^\d+$' then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no account %s', v_account),
      'Name the account; a new name makes a new account.');
  end if;
  if v_id is null then
    insert into drip.sender_accounts as a (user_id, name, platform, created_at)
    values (p_user, v_account, p_platform, drip.now())
    on conflict (user_id, name) do update set platform = a.platform
    returning a.id
    into v_id;
  end if;
  return v_id;
end
$_$;


ALTER FUNCTION drip._device_account(p_user bigint, p_account text, p_platform text) OWNER TO postgres;

--
-- Name: FUNCTION _device_account(p_user bigint, p_account text, p_platform text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._device_account(p_user bigint, p_account text, p_platform text) IS 'Id of the sender account of that id or name; a name that is new makes the account.';


--
-- Name: _drain_sync_backlog(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._drain_sync_backlog(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_ids bigint[];
begin
  with taken as (
    delete from drip.sync_backlog b
    where b.id in (
      select q.id
      from drip.sync_backlog q
      order by q.id
      limit p_limit
      for update skip locked)
    returning b.enrollment_id
  )
  select array_agg(distinct t.enrollment_id) into v_ids from taken t;
  if v_ids is null then
    return 0;
  end if;
  perform drip._sync_enrollments(v_ids);
  return cardinality(v_ids);
end
$$;


ALTER FUNCTION drip._drain_sync_backlog(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _drain_sync_backlog(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._drain_sync_backlog(p_limit integer) IS 'Syncs enrollments noted in the backlog; those still held are noted again.';


--
-- Name: _edit_distance(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._edit_distance(p_one text, p_other text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$
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


ALTER FUNCTION drip._edit_distance(p_one text, p_other text) OWNER TO postgres;

--
-- Name: FUNCTION _edit_distance(p_one text, p_other text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._edit_distance(p_one text, p_other text) IS 'How many letters to add, drop or change to get from one word to the other; 64 are compared.';


--
-- Name: _end_lead_pauses(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._end_lead_pauses(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_leads bigint[];
  v_enrollments bigint[];
begin
  with over as (
    select l.id
    from drip.leads l
    where l.paused_until <= drip.now()
    order by l.id
    limit p_limit
    for no key update skip locked
  ),
  ended as (
    update drip.leads l
    set paused_until = null, pause_reason = null
    from over o
    where l.id = o.id
    returning l.id
  )
  select array_agg(e.id) into v_leads from ended e;
  if v_leads is null then
    return 0;
  end if;
  select array_agg(e.id)
  into v_enrollments
  from drip.sequence_contacts e
  where e.lead_id = any (v_leads) and e.completed_at is null;
  perform drip._sync_enrollments(v_enrollments);
  return cardinality(v_leads);
end
$$;


ALTER FUNCTION drip._end_lead_pauses(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _end_lead_pauses(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._end_lead_pauses(p_limit integer) IS 'Lifts the pauses of leads whose time is over; returns how many.';


--
-- Name: _end_unknown_holds(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._end_unknown_holds(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_count bigint;
  v_enrollments bigint[];
begin
  with held as (
    select m.id
    from drip.broadcast_messages m
    join drip.users u on u.id = m.user_id
    where m.status = 'unknown'
      and m.hold_ended_at is null
      and m.finished_at + u.unknown_hold <= v_now
    order by m.id
    limit p_limit
    for no key update of m skip locked
  ),
  ended as (
    update drip.broadcast_messages m
    set hold_ended_at = v_now
    from held h
    where m.id = h.id
    returning m.sequence_contact_id
  )
  select count(*), array_agg(e.sequence_contact_id)
    filter (where e.sequence_contact_id is not null)
  into v_count, v_enrollments
  from ended e;
  if v_enrollments is not null then
    perform drip._advance_journeys(v_enrollments);
    perform drip._sync_enrollments(v_enrollments);
  end if;
  return v_count;
end
$$;


ALTER FUNCTION drip._end_unknown_holds(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _end_unknown_holds(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._end_unknown_holds(p_limit integer) IS 'Ends the hold of unknown messages whose time is over; returns how many.';


--
-- Name: _enroll(bigint, bigint[], timestamp with time zone, jsonb, text, timestamp with time zone[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._enroll(p_sequence_id bigint, p_lead_ids bigint[], p_at timestamp with time zone, p_attributes jsonb, p_key text, p_chained_from timestamp with time zone[] DEFAULT NULL::timestamp with time zone[]) RETURNS TABLE(lead_id bigint, enrollment_id bigint, outcome text, reason text, first_at timestamp with time zone, last_at timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
declare
  c_live constant text[] := array['pending', 'active', 'sent', 'failed', 'paused'];
  v_now constant timestamptz := drip.now();
  v_key constant text := coalesce(p_key, '');
  v_sequence drip.sequences;
  v_zone text;
  v_first drip.sequence_steps;
  v_types text[];
  v_valid interval[];
  v_start timestamptz;
  v_pool bigint[];
begin
  select s.* into v_sequence from drip.sequences s where s.id = p_sequence_id;
  if v_sequence.status is distinct from 'active' then
    return query
      select l.id, null::bigint, 'sequence_not_active', v_sequence.status,
        null::timestamptz, null::timestamptz
      from unnest(p_lead_ids) as l (id);
    return;
  end if;
  select st.*
  into v_first
  from drip.sequence_steps st
  where st.sequence_id = p_sequence_id
  order by st.day_number
  limit 1;
  select
    array_agg(st.message_type order by st.day_number),
    array_agg(st.valid_for order by st.day_number)
  into v_types, v_valid
  from drip.sequence_steps st
  where st.sequence_id = p_sequence_id;
  select u.time_zone into v_zone from drip.users u where u.id = v_sequence.user_id;
  v_start := coalesce(p_at, v_now + v_sequence.start_delay);
  if v_sequence.device_id is null then
    v_pool := drip._pool_devices(v_sequence.user_id);
  end if;

  return query
    with wanted as materialized (
      select
        l.id, l.phone, l.name,
        coalesce(l.time_zone, v_zone) as zone,
        coalesce(v_sequence.device_id, l.device_id, drip._hashed_device(v_pool, l.id)) as device_id,
        case
          when p_at is null and w.chained_from is not null
            then greatest(
              v_now, w.chained_from + v_first.trigger_delay_hours * interval '1 hour')
          else v_start
        end as start
      from unnest(p_lead_ids, p_chained_from) as w (lead_id, chained_from)
      join drip.leads l on l.id = w.lead_id
      where l.user_id = v_sequence.user_id
    ),
    judged as materialized (
      select
        w.*,
        e.id as existing_id,
        case
          when e.status = any (c_live) then 'already_enrolled'
          when s.category is not null then 'suppressed'
          when e.completed_at + v_sequence.reenroll_after > v_now
            or (e.id is not null and v_sequence.reenroll_after is null) then 'already_enrolled'
          when o.id is not null then 'exclusive'
        end as refusal,
        case
          when e.status = any (c_live) then e.status
          when s.category is not null then 'opted out of ' || s.category
          when e.id is not null and (v_sequence.reenroll_after is null
            or e.completed_at + v_sequence.reenroll_after > v_now) then e.status
          when o.id is not null then format(
            'in sequence %s of the group %s', o.sequence_id, v_sequence.exclusive_group)
        end as reason
      from wanted w
      left join lateral (
        select k.id, k.status, k.completed_at
        from drip.sequence_contacts k
        where k.lead_id = w.id and k.sequence_id = v_sequence.id and k.key = v_key
        order by k.completed_at is null desc, k.id desc
        limit 1
      ) e on true
      left join lateral (
        select p.category
        from drip.suppressions p
        where p.user_id = v_sequence.user_id and p.phone = w.phone
          and p.category in ('all', v_sequence.category)
        order by p.category
        limit 1
      ) s on true
      left join lateral (
        select k.id, k.sequence_id
        from drip.sequence_contacts k
        where k.user_id = v_sequence.user_id and k.lead_id = w.id
          and k.exclusive_group = v_sequence.exclusive_group
          and k.status = any (c_live)
        limit 1
      ) o on v_sequence.exclusive_group is not null
    ),
    timelines as materialized (
      select g.start, g.zone, t.step_ids, t.times
      from (
        select distinct j.start, j.zone
        from judged j
        where j.refusal is null
      ) g
      cross join lateral (
        select
          array_agg(q.sequence_stepid order by q.day_number) as step_ids,
          array_agg(q.at order by q.day_number) as times
        from drip._timeline(v_sequence.id, g.start, g.zone) q
      ) t
    ),
    enrolled as (
      insert into drip.sequence_contacts as e (
        user_id, sequence_id, lead_id, key, attributes, contact_phone, contact_name,
        current_trigger, current_step, sequence_stepid, next_trigger_time, assigned_device_id,
        exclusive_group, status, enrolled_at)
      select
        v_sequence.user_id, v_sequence.id, j.id, v_key, coalesce(p_attributes, '{}'), j.phone,
        j.name, v_first.trigger, v_first.day_number, v_first.id, t.times[1], j.device_id,
        v_sequence.exclusive_group, 'pending', v_now
      from judged j
      join timelines t on t.start = j.start and t.zone = j.zone
      where j.refusal is null
      order by j.phone
      on conflict do nothing
      returning
        e.id, e.lead_id, e.contact_phone, e.contact_name, e.assigned_device_id, e.next_trigger_time
    ),
    -- What follows the first step depends on its time and the zone alone.
    journeys as materialized (
      select e.*, t.step_ids, t.times
      from enrolled e
      join drip.leads l on l.id = e.lead_id
      join (
        select distinct on (q.zone, q.times[1]) q.zone, q.step_ids, q.times
        from timelines q
        order by q.zone, q.times[1]
      ) t on t.zone = coalesce(l.time_zone, v_zone) and t.times[1] = e.next_trigger_time
    ),
    messages as (
      insert into drip.broadcast_messages (
        user_id, device_id, lead_id, sequence_id, sequence_stepid, sequence_contact_id,
        recipient_phone, recipient_name, category, message_type, priority, scheduled_at,
        planned_at, expires_at, status, created_at)
      select
        v_sequence.user_id, e.assigned_device_id, e.lead_id, v_sequence.id, t.step_id, e.id,
        e.contact_phone, e.contact_name, v_sequence.category, t.message_type,
        v_sequence.priority, t.at, t.at, t.at + t.valid_for, 'pending', v_now
      from journeys e
      cross join lateral unnest(e.step_ids, e.times, v_types, v_valid)
        as t (step_id, at, message_type, valid_for)
    )
    select
      q.lead_id, max(q.enrollment_id), coalesce(max(q.outcome), 'already_enrolled'),
      max(q.reason), max(q.first_at), max(q.last_at)
    from (
      select
        e.lead_id, e.id as enrollment_id, 'enrolled' as outcome, null as reason,
        e.times[1] as first_at, e.times[cardinality(e.times)] as last_at
      from journeys e
      union all
      select j.id, j.existing_id, j.refusal, j.reason, x.first_at, x.last_at
      from judged j
      left join lateral (
        select min(m.scheduled_at) as first_at, max(m.scheduled_at) as last_at
        from drip.broadcast_messages m
        where j.refusal = 'already_enrolled' and m.sequence_contact_id = j.existing_id
      ) x on true
    ) q
    group by q.lead_id;

  -- What is due so soon that a parked device would be late for it.
  if v_start <= v_now + interval '15 seconds' or p_chained_from is not null then
    perform drip._notify_wake(array(
      select d.id
      from drip.user_devices d
      where d.user_id = v_sequence.user_id
        and exists (
          select
          from drip.broadcast_messages m
          where m.device_id = d.id and m.status = 'pending' and m.priority = v_sequence.priority
            and m.due_at <= v_now + interval '15 seconds')));
  end if;
end
$$;


ALTER FUNCTION drip._enroll(p_sequence_id bigint, p_lead_ids bigint[], p_at timestamp with time zone, p_attributes jsonb, p_key text, p_chained_from timestamp with time zone[]) OWNER TO postgres;

--
-- Name: FUNCTION _enroll(p_sequence_id bigint, p_lead_ids bigint[], p_at timestamp with time zone, p_attributes jsonb, p_key text, p_chained_from timestamp with time zone[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._enroll(p_sequence_id bigint, p_lead_ids bigint[], p_at timestamp with time zone, p_attributes jsonb, p_key text, p_chained_from timestamp with time zone[]) IS 'Enrolls leads of the sequence''s tenant and plans their messages; one row per lead: enrolled,
   already_enrolled, suppressed, exclusive or sequence_not_active.';


--
-- Name: _enroll_chunk(bigint, bigint[], timestamp with time zone[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._enroll_chunk(p_sequence_id bigint, p_lead_ids bigint[], p_chained_from timestamp with time zone[], OUT enrolled bigint, OUT lead_ids bigint[]) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_one record;
begin
  select
    count(*) filter (where e.outcome = 'enrolled'),
    coalesce(array_agg(e.lead_id)
      filter (where e.outcome in ('enrolled', 'already_enrolled')), '{}')
  into enrolled, lead_ids
  from drip._enroll(p_sequence_id, p_lead_ids, null, '{}', '', p_chained_from) e;
exception
  when others then
    enrolled := 0;
    lead_ids := '{}';
    if cardinality(p_lead_ids) = 1 then
      insert into drip.task_runs as t (name, last_run_at, last_error, last_error_at)
      values (
        'enroll_matching_leads', drip.now(),
        format('lead %s, sequence %s: %s: %s', p_lead_ids[1], p_sequence_id, sqlstate, sqlerrm),
        drip.now())
      on conflict (name) do update
      set last_error = excluded.last_error, last_error_at = excluded.last_error_at;
      return;
    end if;
    for v_one in
      select c.enrolled, c.lead_ids
      from unnest(p_lead_ids, p_chained_from) as l (id, chained_from)
      cross join lateral drip._enroll_chunk(
        p_sequence_id, array[l.id], array[l.chained_from]) c
    loop
      enrolled := enrolled + v_one.enrolled;
      lead_ids := lead_ids || v_one.lead_ids;
    end loop;
end
$$;


ALTER FUNCTION drip._enroll_chunk(p_sequence_id bigint, p_lead_ids bigint[], p_chained_from timestamp with time zone[], OUT enrolled bigint, OUT lead_ids bigint[]) OWNER TO postgres;

--
-- Name: FUNCTION _enroll_chunk(p_sequence_id bigint, p_lead_ids bigint[], p_chained_from timestamp with time zone[], OUT enrolled bigint, OUT lead_ids bigint[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._enroll_chunk(p_sequence_id bigint, p_lead_ids bigint[], p_chained_from timestamp with time zone[], OUT enrolled bigint, OUT lead_ids bigint[]) IS 'Enrolls leads of a sweep: how many are new, and which are in now.';


--
-- Name: _enroll_phones(text, text[], text[], timestamp with time zone, jsonb, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._enroll_phones(p_sequence text, p_phones text[], p_names text[], p_at timestamp with time zone, p_attributes jsonb, p_key text) RETURNS TABLE(input text, enrollment_id bigint, lead_id bigint, outcome text, reason text, first_at timestamp with time zone, last_at timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_inputs text[];
  v_found bigint[];
  v_problems text[];
  v_leads bigint[];
begin
  if v_sequence.status <> 'active' then
    return query
      select p.input, null::bigint, null::bigint, 'sequence_not_active', v_sequence.status,
        null::timestamptz, null::timestamptz
      from unnest(p_phones) with ordinality as p (input, place)
      order by p.place;
    return;
  end if;
  select
    array_agg(g.input order by g.position),
    array_agg(g.lead_id order by g.position),
    array_agg(g.problem order by g.position)
  into v_inputs, v_found, v_problems
  from drip._get_or_create_leads(v_sequence.user_id, p_phones, p_names) g;
  -- Sorted by phone, so that two batches wait for each other instead of deadlocking.
  select array_agg(q.id)
  into v_leads
  from (
    select l.id
    from drip.leads l
    where l.id = any (v_found)
    order by l.phone
    for no key update
  ) q;
  return query
    with given as (
      select
        f.input, f.lead_id, f.problem, f.place,
        row_number() over (partition by f.lead_id order by f.place) as repeat
      from unnest(v_inputs, v_found, v_problems) with ordinality
        as f (input, lead_id, problem, place)
    )
    select
      g.input,
      e.enrollment_id,
      g.lead_id,
      case
        when g.lead_id is null then 'invalid_phone'
        when g.repeat > 1 and e.outcome = 'enrolled' then 'already_enrolled'
        else e.outcome
      end,
      case
        when g.lead_id is null then coalesce(g.problem, 'the phone cannot be read')
        when g.repeat > 1 and e.outcome = 'enrolled' then 'pending'
        else e.reason
      end,
      e.first_at,
      e.last_at
    from given g
    left join drip._enroll(v_sequence.id, v_leads, p_at, p_attributes, p_key) e
      on e.lead_id = g.lead_id
    order by g.place;
end
$$;


ALTER FUNCTION drip._enroll_phones(p_sequence text, p_phones text[], p_names text[], p_at timestamp with time zone, p_attributes jsonb, p_key text) OWNER TO postgres;

--
-- Name: FUNCTION _enroll_phones(p_sequence text, p_phones text[], p_names text[], p_at timestamp with time zone, p_attributes jsonb, p_key text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._enroll_phones(p_sequence text, p_phones text[], p_names text[], p_at timestamp with time zone, p_attributes jsonb, p_key text) IS 'Enrolls phones as given, one row per phone in their order; the rest as in enroll_lead.';


--
-- Name: _entry_token(drip.sequences); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._entry_token(p_sequence drip.sequences) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  select lower(coalesce(
    nullif(btrim(p_sequence.trigger), ''),
    (select nullif(btrim(st.trigger), '')
     from drip.sequence_steps st
     where st.sequence_id = p_sequence.id and st.is_entry_point)))
$$;


ALTER FUNCTION drip._entry_token(p_sequence drip.sequences) OWNER TO postgres;

--
-- Name: FUNCTION _entry_token(p_sequence drip.sequences); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._entry_token(p_sequence drip.sequences) IS 'The token that enters the sequence, in lower case: its trigger, else its entry step''s.';


--
-- Name: _exit_enrollments(bigint[], text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._exit_enrollments(p_ids bigint[], p_reason text) RETURNS TABLE(enrollment_id bigint, lead_id bigint, cancelled integer)
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_ids bigint[];
begin
  select array_agg(q.id order by q.id)
  into v_ids
  from (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_ids) and e.completed_at is null
    order by e.id
    for no key update
  ) q;
  if v_ids is null then
    return;
  end if;
  return query
    with locked as (
      select m.id
      from drip.broadcast_messages m
      where m.sequence_contact_id = any (v_ids) and m.status = 'pending'
      order by m.id
      for no key update
    ),
    cancelled as (
      update drip.broadcast_messages m
      set status = 'cancelled', status_reason = p_reason, finished_at = v_now,
        not_before = null, deferred_reason = null
      from locked k
      where m.id = k.id
      returning m.sequence_contact_id
    ),
    counted as (
      select c.sequence_contact_id, count(*)::integer as messages
      from cancelled c
      group by c.sequence_contact_id
    ),
    exited as (
      update drip.sequence_contacts e
      set status = 'exited', exit_reason = p_reason, completed_at = v_now,
        next_trigger_time = null
      where e.id = any (v_ids)
      returning e.id, e.lead_id
    )
    select x.id, x.lead_id, coalesce(c.messages, 0)
    from exited x
    left join counted c on c.sequence_contact_id = x.id
    order by x.id;
  -- A token that waited behind an exclusive group is looked at again.
  with freed as (
    select l.id
    from drip.leads l
    where l.id in (
        select e.lead_id
        from drip.sequence_contacts e
        where e.id = any (v_ids) and e.exclusive_group is not null)
      and not l.enroll_check
    order by l.id
    for no key update skip locked
  )
  update drip.leads l set enroll_check = true from freed f where l.id = f.id;
  if found then
    perform pg_notify('drip_enroll', '');
  end if;
end
$$;


ALTER FUNCTION drip._exit_enrollments(p_ids bigint[], p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION _exit_enrollments(p_ids bigint[], p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._exit_enrollments(p_ids bigint[], p_reason text) IS 'Cancels what is pending of these live journeys and marks them exited, with the reason.';


--
-- Name: _expand_chunk(drip.campaigns, integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._expand_chunk(p_campaign drip.campaigns, p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_zone constant text := (select u.time_zone from drip.users u where u.id = p_campaign.user_id);
  v_local constant timestamp := p_campaign.scheduled_at at time zone v_zone;
  v_named bigint[];
  v_pool bigint[];
  v_leads bigint[];
  v_audience bigint := p_campaign.audience_count;
  v_is_last boolean;
  v_inserted bigint;
  v_devices bigint[];
begin
  if p_campaign.expanded_to_lead_id = 0 then
    select count(*) into v_audience from drip._campaign_leads(p_campaign, 0, null);
  end if;
  v_leads := array(
    select l.id
    from drip._campaign_leads(p_campaign, p_campaign.expanded_to_lead_id, p_limit) l);
  v_is_last := cardinality(v_leads) < p_limit;
  if p_campaign.devices is null then
    v_pool := drip._pool_devices(p_campaign.user_id);
  else
    -- A named device that a person has switched off leaves its share to the others.
    v_named := (
      select array_agg(case when d.status <> 'disabled' then d.id end order by d.id)
      from drip.user_devices d
      where d.id = any (p_campaign.devices));
    if array_remove(v_named, null) = '{}' then
      v_named := p_campaign.devices;
    end if;
  end if;

  with chosen as (
    select
      l.id, l.phone, l.name,
      case
        when v_named is null then coalesce(l.device_id, drip._hashed_device(v_pool, l.id))
        when l.device_id = any (v_named) then l.device_id
        else drip._hashed_device(v_named, l.id)
      end as device_id,
      case
        when p_campaign.local_time_per_lead
          then drip._local_instant(v_local, coalesce(l.time_zone, v_zone))
        else p_campaign.scheduled_at
      end as at,
      exists (
        select
        from drip.suppressions s
        where s.user_id = l.user_id and s.phone = l.phone
          and s.category in ('all', p_campaign.category)) as is_suppressed
    from unnest(v_leads) as k (id)
    join drip.leads l on l.id = k.id
  ),
  before as (
    select m.device_id, count(*) as messages
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id and p_campaign.per_device_limit is not null
      and m.status <> 'skipped'
    group by m.device_id
  ),
  placed as (
    select
      c.*,
      case
        when c.is_suppressed then 'suppressed'
        when coalesce(b.messages, 0)
          + row_number() over (partition by c.device_id, c.is_suppressed order by c.id)
          > p_campaign.per_device_limit then 'campaign_device_limit'
      end as reason
    from chosen c
    left join before b on b.device_id = c.device_id
  ),
  planned as (
    insert into drip.broadcast_messages as m (
      user_id, device_id, lead_id, campaign_id, recipient_phone, recipient_name, category,
      message_type, priority, scheduled_at, planned_at, expires_at, status, status_reason,
      finished_at, created_at)
    select
      p_campaign.user_id, p.device_id, p.id, p_campaign.id, p.phone, p.name,
      p_campaign.category, p_campaign.message_type, p_campaign.priority, p.at, p.at,
      p.at + p_campaign.valid_for,
      case when p.reason is null then 'pending' else 'skipped' end, p.reason,
      case when p.reason is not null then v_now end, v_now
    from placed p
    order by p.id
    on conflict do nothing
    returning m.device_id, m.status, m.scheduled_at
  )
  select
    count(*),
    array_agg(distinct p.device_id)
      filter (where p.status = 'pending' and p.scheduled_at <= v_now + interval '15 seconds')
  into v_inserted, v_devices
  from planned p;

  if v_is_last then
    select count(*)
    into v_audience
    from drip.broadcast_messages m
    where m.campaign_id = p_campaign.id;
  end if;
  update drip.campaigns c
  set status = case when v_is_last and v_audience = 0 then 'completed' else 'triggered' end,
    status_reason = case when v_is_last and v_audience = 0 then 'audience is empty' end,
    completed_at = case when v_is_last and v_audience = 0 then v_now end,
    audience_count = v_audience,
    expanded_to_lead_id = coalesce(v_leads[cardinality(v_leads)], c.expanded_to_lead_id),
    expanded_at = case when v_is_last then v_now end,
    expand_attempts = 0,
    last_error = null,
    last_run_at = v_now
  where c.id = p_campaign.id;
  perform drip._notify_wake(v_devices);
  return v_inserted;
end
$$;


ALTER FUNCTION drip._expand_chunk(p_campaign drip.campaigns, p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _expand_chunk(p_campaign drip.campaigns, p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._expand_chunk(p_campaign drip.campaigns, p_limit integer) IS 'Plans the messages of the next leads of a campaign and writes how far it has come.';


--
-- Name: _expands_at(drip.campaigns); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._expands_at(p_campaign drip.campaigns) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select p_campaign.scheduled_at
    - case when p_campaign.local_time_per_lead then interval '26 hours' else interval '0' end
$$;


ALTER FUNCTION drip._expands_at(p_campaign drip.campaigns) OWNER TO postgres;

--
-- Name: FUNCTION _expands_at(p_campaign drip.campaigns); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._expands_at(p_campaign drip.campaigns) IS 'When the messages of a campaign are planned.';


--
-- Name: _expect_phone(bigint, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._expect_phone(p_user bigint, p_phone text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_read record;
begin
  select r.phone, r.problem
  into v_read
  from drip.users u
  cross join lateral drip._read_phone(p_phone, u.default_region) as r
  where u.id = p_user;
  if v_read.phone is null then
    perform drip._fail(
      'DR002', v_read.problem, 'Write it with + and the country code, such as +60123456789.');
  end if;
  return v_read.phone;
end
$$;


ALTER FUNCTION drip._expect_phone(p_user bigint, p_phone text) OWNER TO postgres;

--
-- Name: FUNCTION _expect_phone(p_user bigint, p_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._expect_phone(p_user bigint, p_phone text) IS 'The phone as E.164, read by the tenant''s region; DR002 when it cannot be read.';


--
-- Name: _expire_messages(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._expire_messages(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_count bigint;
  v_enrollments bigint[];
begin
  with late as (
    select m.id
    from drip.broadcast_messages m
    where m.status = 'pending' and m.expires_at is not null and m.expires_at <= v_now
      and coalesce(m.deferred_reason, '') not in ('sequence_paused', 'campaign_paused')
    order by m.id
    limit p_limit
    for no key update skip locked
  ),
  expired as (
    update drip.broadcast_messages m
    set status = 'expired', status_reason = 'expired', finished_at = v_now,
      not_before = null, deferred_reason = null
    from late l
    where m.id = l.id
    returning m.sequence_contact_id
  )
  select count(*), array_agg(distinct e.sequence_contact_id)
    filter (where e.sequence_contact_id is not null)
  into v_count, v_enrollments
  from expired e;
  if v_enrollments is not null then
    perform drip._advance_journeys(v_enrollments);
    perform drip._sync_enrollments(v_enrollments);
  end if;
  return v_count;
end
$$;


ALTER FUNCTION drip._expire_messages(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _expire_messages(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._expire_messages(p_limit integer) IS 'Expires pending messages whose time is over; returns how many.';


--
-- Name: _fail(text, text, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._fail(p_code text, p_message text, p_hint text, p_detail text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
  -- psql prints a line for an empty detail, and a null one is refused
  if p_detail is null then
    raise exception using errcode = p_code, message = p_message, hint = p_hint;
  end if;
  raise exception using
    errcode = p_code, message = p_message, hint = p_hint, detail = p_detail;
end
$$;


ALTER FUNCTION drip._fail(p_code text, p_message text, p_hint text, p_detail text) OWNER TO postgres;

--
-- Name: FUNCTION _fail(p_code text, p_message text, p_hint text, p_detail text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._fail(p_code text, p_message text, p_hint text, p_detail text) IS 'Raises an error with one of our codes (docs/errors.md), a sentence and a hint.';


--
-- Name: _fake_now(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._fake_now() RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO ''
    AS $$
begin
  if exists (
    select from drip.private_settings ps where ps.name = 'test_database' and ps.value = 'yes'
  ) then
    return pg_catalog.current_setting('drip.fake_now')::timestamptz;
  end if;
  return pg_catalog.now();
end
$$;


ALTER FUNCTION drip._fake_now() OWNER TO postgres;

--
-- Name: FUNCTION _fake_now(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._fake_now() IS 'The set time, where this database''s private settings allow one; else the real time.';


--
-- Name: _find_campaign(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._find_campaign(p_campaign text) RETURNS drip.campaigns
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
  v_wanted constant text := btrim(p_campaign);
  v_users bigint[];
  v_found drip.campaigns[];
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no campaign is named', 'Give the title or the id of a campaign.');
  end if;
  v_users := drip._mapped_users();
  if cardinality(v_users) = 0 then
    perform drip._tenant();
  end if;
  if v_wanted ~ '^\d+$' then
    select array_agg(c)
    into v_found
    from drip.campaigns c
    where c.id = case when length(v_wanted) < 19 then v_wanted::bigint end
      and c.user_id = any (v_users);
  else
    select array_agg(c order by c.user_id)
    into v_found
    from drip.campaigns c
    where c.title = v_wanted and c.user_id = any (v_users);
  end if;
  if v_found is null then
    perform drip._fail(
      'DR012', format('there is no campaign %s', quote_literal(v_wanted)),
      coalesce(
        'The nearest title is ' || quote_literal(drip._nearest(
          v_wanted,
          array(select c.title from drip.campaigns c where c.user_id = any (v_users)))) || '.',
        'There are no campaigns yet; create_campaign makes one.'));
  end if;
  if cardinality(v_found) > 1 then
    perform drip._fail(
      'DR011',
      format(
        'two users have a campaign %s: %s', quote_literal(v_wanted),
        (select string_agg(quote_literal(u.name), ' and ' order by u.id)
         from drip.users u
         where u.id in (v_found[1].user_id, v_found[2].user_id))),
      'Say whose: set local drip."user" = ''user name''.');
  end if;
  return v_found[1];
end
$_$;


ALTER FUNCTION drip._find_campaign(p_campaign text) OWNER TO postgres;

--
-- Name: FUNCTION _find_campaign(p_campaign text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._find_campaign(p_campaign text) IS 'The campaign of that id or title among the caller''s tenants; DR012 or DR011 if not one.';


--
-- Name: user_devices; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.user_devices (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    account_id bigint,
    name text NOT NULL,
    phone text,
    platform text NOT NULL,
    endpoint text,
    instance text,
    secret_name text,
    webhook_secret_name text,
    verify_token_secret_name text,
    status text DEFAULT 'online'::text NOT NULL,
    status_reason text,
    status_since timestamp with time zone NOT NULL,
    last_seen timestamp with time zone,
    min_delay_seconds integer DEFAULT 10 NOT NULL,
    max_delay_seconds integer DEFAULT 30 NOT NULL,
    burst integer DEFAULT 1 NOT NULL,
    in_pool boolean DEFAULT true NOT NULL,
    daily_cap integer,
    ramp integer[],
    ramp_started_on date,
    active_from time without time zone,
    active_to time without time zone,
    unknown_policy text DEFAULT 'hold'::text NOT NULL,
    failover_policy text DEFAULT 'wait'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT user_devices_burst_positive CHECK (((burst >= 1) AND (burst <= 1000))),
    CONSTRAINT user_devices_cap_positive CHECK ((daily_cap > 0)),
    CONSTRAINT user_devices_delay_order CHECK (((min_delay_seconds >= 0) AND (min_delay_seconds <= max_delay_seconds) AND (max_delay_seconds <= 86400))),
    CONSTRAINT user_devices_endpoint_http CHECK ((endpoint ~ '^https?://[^\s]+$'::text)),
    CONSTRAINT user_devices_failover_known CHECK ((failover_policy = ANY (ARRAY['wait'::text, 'failover'::text, 'rebind'::text]))),
    CONSTRAINT user_devices_hours_open CHECK ((active_from <> active_to)),
    CONSTRAINT user_devices_hours_pair CHECK (((active_from IS NULL) = (active_to IS NULL))),
    CONSTRAINT user_devices_name_form CHECK (((name = btrim(name)) AND (name <> ''::text) AND (name !~ '^\d+$'::text))),
    CONSTRAINT user_devices_phone_e164 CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT user_devices_platform_known CHECK ((platform = ANY (ARRAY['gowa'::text, 'cloud_api'::text, 'waha'::text, 'evolution'::text, 'wablas'::text, 'whacenter'::text]))),
    CONSTRAINT user_devices_ramp_positive CHECK (((0 < ALL (ramp)) AND (cardinality(ramp) > 0))),
    CONSTRAINT user_devices_ramp_start CHECK (((ramp IS NULL) OR (ramp_started_on IS NOT NULL))),
    CONSTRAINT user_devices_status_known CHECK ((status = ANY (ARRAY['online'::text, 'offline'::text, 'needs_attention'::text, 'disabled'::text]))),
    CONSTRAINT user_devices_unknown_known CHECK ((unknown_policy = ANY (ARRAY['hold'::text, 'retry'::text])))
);


ALTER TABLE drip.user_devices OWNER TO postgres;

--
-- Name: TABLE user_devices; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.user_devices IS 'WhatsApp senders: one row per number or session.';


--
-- Name: COLUMN user_devices.min_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.min_delay_seconds IS '[setting] Shortest pause after a claim of this device, in seconds; a floor for all programs.';


--
-- Name: COLUMN user_devices.max_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.max_delay_seconds IS '[setting] Longest pause after a claim of this device, in seconds.';


--
-- Name: COLUMN user_devices.burst; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.burst IS '[setting] Most messages of this device in flight at once.';


--
-- Name: COLUMN user_devices.in_pool; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.in_pool IS '[setting] True: leads without a device of their own may be given to this one.';


--
-- Name: COLUMN user_devices.daily_cap; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.daily_cap IS '[setting] Most sends per local calendar day of the tenant; null = no cap.';


--
-- Name: COLUMN user_devices.ramp; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.ramp IS '[setting] Warm-up: most sends on day 1, 2, … since ramp_started_on; null = off.';


--
-- Name: COLUMN user_devices.ramp_started_on; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.ramp_started_on IS '[setting] Local date of day 1 of the ramp.';


--
-- Name: COLUMN user_devices.active_from; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.active_from IS '[setting] Local start of the hours in which this device sends; null = always.';


--
-- Name: COLUMN user_devices.active_to; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.active_to IS '[setting] Local end of the device''s hours (exclusive); below active_from it wraps midnight.';


--
-- Name: COLUMN user_devices.unknown_policy; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.unknown_policy IS '[setting] hold: an unknown outcome waits for a receipt or a person; retry: it is sent again.';


--
-- Name: COLUMN user_devices.failover_policy; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.user_devices.failover_policy IS '[setting] wait: messages stay with the device; failover: due ones move to another pool device
   while it cannot send; rebind: the lead moves too.';


--
-- Name: _find_device(text, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._find_device(p_device text, p_user bigint DEFAULT NULL::bigint) RETURNS drip.user_devices
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
  v_wanted text := pg_catalog.btrim(p_device);
  v_users bigint[] := coalesce(array[p_user], '{}');
  v_found drip.user_devices[];
begin
  if p_user is null then
    v_users := drip._mapped_users();
  end if;
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no device is named', 'Give the name or the id of a device.');
  end if;
  if cardinality(v_users) = 0 then
    perform drip._tenant();
  end if;
  select array_agg(d order by d.user_id)
  into v_found
  from drip.user_devices d
  where d.user_id = any (v_users)
    and case when v_wanted ~ '^\d+$' then d.id::text = v_wanted else d.name = v_wanted end;
  if v_found is null then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no device %s', pg_catalog.quote_literal(v_wanted)),
      coalesce(
        'The nearest name is ' || pg_catalog.quote_literal(drip._nearest(
          v_wanted,
          array(select d.name from drip.user_devices d where d.user_id = any (v_users)))) || '.',
        'There are no devices yet; an operator makes one with upsert_device.'));
  end if;
  if cardinality(v_found) > 1 then
    perform drip._fail(
      'DR011',
      pg_catalog.format(
        'two users have a device %s: %s', pg_catalog.quote_literal(v_wanted),
        (select string_agg(pg_catalog.quote_literal(u.name), ' and ' order by u.id)
         from drip.users u
         where u.id in (v_found[1].user_id, v_found[2].user_id))),
      'Say whose: set local drip."user" = ''user name''.');
  end if;
  return v_found[1];
end
$_$;


ALTER FUNCTION drip._find_device(p_device text, p_user bigint) OWNER TO postgres;

--
-- Name: FUNCTION _find_device(p_device text, p_user bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._find_device(p_device text, p_user bigint) IS 'The device of that id or name, of p_user or the caller''s tenants; DR012 or DR011 if not one.';


--
-- Name: _find_lead(bigint, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._find_lead(p_user bigint, p_phone text) RETURNS drip.leads
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_phone text := drip._expect_phone(p_user, p_phone);
  v_lead drip.leads;
begin
  select l.*
  into v_lead
  from drip.leads l
  where l.user_id = p_user and l.phone = v_phone;
  if v_lead.id is null then
    perform drip._fail(
      'DR012', 'there is no lead with this phone',
      'upsert_lead makes one; drip.user says for which user.');
  end if;
  return v_lead;
end
$$;


ALTER FUNCTION drip._find_lead(p_user bigint, p_phone text) OWNER TO postgres;

--
-- Name: FUNCTION _find_lead(p_user bigint, p_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._find_lead(p_user bigint, p_phone text) IS 'The tenant''s lead of that phone; DR002 for no phone, DR012 for no lead.';


--
-- Name: _find_sequence(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._find_sequence(p_sequence text) RETURNS drip.sequences
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
  v_wanted constant text := btrim(p_sequence);
  v_users bigint[];
  v_found drip.sequences[];
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no sequence is named', 'Give the name or the id of a sequence.');
  end if;
  v_users := drip._mapped_users();
  if cardinality(v_users) = 0 then
    perform drip._tenant();
  end if;
  if v_wanted ~ '^\d+$' then
    select array_agg(s)
    into v_found
    from drip.sequences s
    where s.id = case when length(v_wanted) < 19 then v_wanted::bigint end
      and s.user_id = any (v_users);
  else
    select array_agg(s order by s.user_id)
    into v_found
    from drip.sequences s
    where s.name = v_wanted and s.user_id = any (v_users);
  end if;
  if v_found is null then
    perform drip._fail(
      'DR012', format('there is no sequence %s', quote_literal(v_wanted)),
      coalesce(
        'The nearest name is ' || quote_literal(drip._nearest(
          v_wanted,
          array(select s.name from drip.sequences s where s.user_id = any (v_users)))) || '.',
        'There are no sequences yet; create_sequence makes one.'));
  end if;
  if cardinality(v_found) > 1 then
    perform drip._fail(
      'DR011',
      format(
        'two users have a sequence %s: %s', quote_literal(v_wanted),
        (select string_agg(quote_literal(u.name), ' and ' order by u.id)
         from drip.users u
         where u.id in (v_found[1].user_id, v_found[2].user_id))),
      'Say whose: set local drip."user" = ''user name''.');
  end if;
  return v_found[1];
end
$_$;


ALTER FUNCTION drip._find_sequence(p_sequence text) OWNER TO postgres;

--
-- Name: FUNCTION _find_sequence(p_sequence text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._find_sequence(p_sequence text) IS 'The sequence of that id or name among the caller''s tenants; DR012 or DR011 if not one.';


--
-- Name: users; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.users (
    id bigint NOT NULL,
    name text NOT NULL,
    email text,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    default_region text,
    language text DEFAULT 'en'::text NOT NULL,
    send_from time without time zone,
    send_to time without time zone,
    send_days smallint[],
    contact_cap integer,
    contact_cap_period interval DEFAULT '7 days'::interval NOT NULL,
    contact_gap interval,
    unknown_hold interval DEFAULT '24:00:00'::interval NOT NULL,
    breaker_rate numeric DEFAULT 0.5 NOT NULL,
    breaker_sample integer DEFAULT 20 NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT users_breaker_rate_share CHECK (((breaker_rate > (0)::numeric) AND (breaker_rate <= (1)::numeric))),
    CONSTRAINT users_breaker_sample_floor CHECK ((breaker_sample >= 5)),
    CONSTRAINT users_cap_period_positive CHECK ((contact_cap_period > '00:00:00'::interval)),
    CONSTRAINT users_cap_positive CHECK ((contact_cap > 0)),
    CONSTRAINT users_days_iso CHECK (((send_days <@ ARRAY[(1)::smallint, (2)::smallint, (3)::smallint, (4)::smallint, (5)::smallint, (6)::smallint, (7)::smallint]) AND (cardinality(send_days) > 0))),
    CONSTRAINT users_gap_positive CHECK ((contact_gap > '00:00:00'::interval)),
    CONSTRAINT users_hold_not_negative CHECK ((unknown_hold >= '00:00:00'::interval)),
    CONSTRAINT users_name_form CHECK (((name = btrim(name)) AND (name <> ''::text) AND (name !~ '^\d+$'::text))),
    CONSTRAINT users_region_form CHECK ((default_region ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT users_window_open CHECK ((send_from <> send_to)),
    CONSTRAINT users_window_pair CHECK (((send_from IS NULL) = (send_to IS NULL)))
);


ALTER TABLE drip.users OWNER TO postgres;

--
-- Name: TABLE users; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.users IS 'Tenants. One row per customer of this installation.';


--
-- Name: COLUMN users.time_zone; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.time_zone IS '[setting] IANA zone in which local times without a zone of their own are read.';


--
-- Name: COLUMN users.default_region; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.default_region IS '[setting] ISO 3166 region by which phones without + are read; null accepts only +….';


--
-- Name: COLUMN users.language; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.language IS '[setting] Language of greetings for leads that name none.';


--
-- Name: COLUMN users.send_from; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.send_from IS '[setting] Local start of the sending window for programs that set none.';


--
-- Name: COLUMN users.send_to; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.send_to IS '[setting] Local end of the sending window (exclusive); below send_from it wraps midnight.';


--
-- Name: COLUMN users.send_days; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.send_days IS '[setting] ISO days (1 = Monday) on which programs that set none may send; null = all.';


--
-- Name: COLUMN users.contact_cap; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.contact_cap IS '[setting] Most marketing messages one contact gets per contact_cap_period; null = no cap.';


--
-- Name: COLUMN users.contact_cap_period; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.contact_cap_period IS '[setting] Moving period over which contact_cap counts.';


--
-- Name: COLUMN users.contact_gap; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.contact_gap IS '[setting] Least time between two marketing messages to one contact; null = off.';


--
-- Name: COLUMN users.unknown_hold; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.unknown_hold IS '[setting] After this time a held unknown counts as finished for order and completion.';


--
-- Name: COLUMN users.breaker_rate; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.breaker_rate IS '[setting] Share of failures (0 to 1) at which a device''s circuit breaker opens.';


--
-- Name: COLUMN users.breaker_sample; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.breaker_sample IS '[setting] Results a device must have before its circuit breaker may open.';


--
-- Name: COLUMN users.is_active; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.users.is_active IS '[setting] False stops all sending of the tenant at the next claim.';


--
-- Name: _find_user(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._find_user(p_user text) RETURNS drip.users
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
  v_wanted text := pg_catalog.btrim(p_user);
  v_users bigint[] := drip._mapped_users();
  v_found drip.users;
begin
  if coalesce(v_wanted, '') = '' then
    perform drip._fail('DR001', 'no user is named', 'Give the name or the id of a user.');
  end if;
  select u.*
  into v_found
  from drip.users u
  where u.id = any (v_users)
    and case when v_wanted ~ '^\d+$' then u.id::text = v_wanted else u.name = v_wanted end;
  if v_found.id is null then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no user %s', pg_catalog.quote_literal(v_wanted)),
      coalesce(
        'The nearest name is ' || pg_catalog.quote_literal(drip._nearest(
          v_wanted, array(select u.name from drip.users u where u.id = any (v_users)))) || '.',
        'Make it with create_user.'));
  end if;
  return v_found;
end
$_$;


ALTER FUNCTION drip._find_user(p_user text) OWNER TO postgres;

--
-- Name: FUNCTION _find_user(p_user text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._find_user(p_user text) IS 'The user of that id or name among those the caller may act for; DR012 if there is none.';


--
-- Name: _free_at(timestamp with time zone, timestamp with time zone, numeric, time without time zone, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select case
    when p_send_time is null then p_finished_at + p_delay_hours * interval '1 hour'
    else (
      (p_scheduled_at at time zone p_zone)
      + floor(extract(epoch from
          (p_finished_at at time zone p_zone) - (p_scheduled_at at time zone p_zone)) / 86400)
        * interval '1 day'
      + p_delay_hours * interval '1 hour') at time zone p_zone
  end
$$;


ALTER FUNCTION drip._free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) OWNER TO postgres;

--
-- Name: FUNCTION _free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) IS 'From when a step may go, by when the one before it was due and was finished.';


--
-- Name: _get_or_create_leads(bigint, text[], text[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._get_or_create_leads(p_user bigint, p_phones text[], p_names text[] DEFAULT NULL::text[]) RETURNS TABLE("position" integer, input text, phone text, lead_id bigint, problem text)
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_region text := (select u.default_region from drip.users u where u.id = p_user);
  v_phones text[];
  v_problems text[];
begin
  -- a phone that stands in the table as it was given needs no reading, a tenth of the time
  select
    array_agg(coalesce(k.phone, r.phone) order by i.position),
    array_agg(r.problem order by i.position)
  into v_phones, v_problems
  from unnest(p_phones) with ordinality as i (input, position)
  left join drip.leads k on k.user_id = p_user and k.phone = i.input
  left join lateral (
    select q.phone, q.problem
    from drip._read_phone(i.input, v_region) as q
    where k.id is null
    offset 0
  ) r on true;

  insert into drip.leads as l (user_id, phone, name, created_at, updated_at)
  select p_user, n.phone, n.name, v_now, v_now
  from (
    select distinct on (i.phone)
      i.phone, nullif(btrim(i.name), '') as name
    from unnest(v_phones, p_names) with ordinality as i (phone, name, position)
    where i.phone is not null
    order by i.phone, nullif(btrim(i.name), '') is null, i.position
  ) n
  where not exists (
    select from drip.leads k where k.user_id = p_user and k.phone = n.phone)
  order by n.phone
  on conflict (user_id, phone) do nothing;

  return query
    select i.position::integer, i.input, i.phone, l.id, i.problem
    from unnest(p_phones, v_phones, v_problems) with ordinality
      as i (input, phone, problem, position)
    left join drip.leads l on l.user_id = p_user and l.phone = i.phone
    order by i.position;
end
$$;


ALTER FUNCTION drip._get_or_create_leads(p_user bigint, p_phones text[], p_names text[]) OWNER TO postgres;

--
-- Name: FUNCTION _get_or_create_leads(p_user bigint, p_phones text[], p_names text[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._get_or_create_leads(p_user bigint, p_phones text[], p_names text[]) IS 'The lead of each phone, made where there is none; problem says why a phone cannot be read.';


--
-- Name: _greeting(bigint, text, text, timestamp with time zone, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._greeting(p_user_id bigint, p_language text, p_zone text, p_at timestamp with time zone, p_name text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
  select g.text || coalesce(' ' || nullif(btrim(p_name), ''), '') || E',\n\n'
  from drip.greetings g
  where (g.user_id = p_user_id or g.user_id is null)
    and g.language in (lower(p_language), split_part(lower(p_language), '-', 1), 'en')
    and extract(hour from p_at at time zone p_zone) >= g.from_hour
    and extract(hour from p_at at time zone p_zone) < g.to_hour
  order by
    case g.language when lower(p_language) then 1 when 'en' then 3 else 2 end,
    g.user_id nulls last
  limit 1
$$;


ALTER FUNCTION drip._greeting(p_user_id bigint, p_language text, p_zone text, p_at timestamp with time zone, p_name text) OWNER TO postgres;

--
-- Name: FUNCTION _greeting(p_user_id bigint, p_language text, p_zone text, p_at timestamp with time zone, p_name text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._greeting(p_user_id bigint, p_language text, p_zone text, p_at timestamp with time zone, p_name text) IS 'Greeting line for the lead''s local hour and language, ending in an empty line; null if none.';


--
-- Name: _guard_leads(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._guard_leads() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
begin
  if tg_op = 'INSERT' then
    new.trigger := drip._clean_tokens(new.trigger);
    new.niche := drip._clean_tokens(new.niche);
    perform drip._check_time_zone(new.time_zone);
    new.created_at := coalesce(new.created_at, v_now);
    new.updated_at := coalesce(new.updated_at, v_now);
    -- Without a token there is nothing to enroll by.
    new.enroll_check := new.trigger is not null or new.niche is not null;
    return new;
  end if;
  if new.time_zone is distinct from old.time_zone then
    perform drip._check_time_zone(new.time_zone);
  end if;
  if new.trigger is distinct from old.trigger then
    new.trigger := drip._clean_tokens(new.trigger);
  end if;
  if new.niche is distinct from old.niche then
    new.niche := drip._clean_tokens(new.niche);
  end if;
  if (new.trigger, new.niche, new.target_status, new.device_id)
    is distinct from (old.trigger, old.niche, old.target_status, old.device_id)
    and not (old.enroll_check and not new.enroll_check)
  then
    new.enroll_check := new.trigger is not null or new.niche is not null;
  end if;
  if new.updated_at = old.updated_at
    and (new.trigger, new.niche, new.target_status, new.device_id, new.name, new.time_zone,
         new.language, new.attributes, new.external_id, new.phone, new.paused_until)
    is distinct from
      (old.trigger, old.niche, old.target_status, old.device_id, old.name, old.time_zone,
       old.language, old.attributes, old.external_id, old.phone, old.paused_until)
  then
    new.updated_at := v_now;
  end if;
  return new;
end
$$;


ALTER FUNCTION drip._guard_leads() OWNER TO postgres;

--
-- Name: FUNCTION _guard_leads(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._guard_leads() IS 'Trigger: cleans trigger and niche, and marks the lead for enrollment when they change.';


--
-- Name: _guard_users(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._guard_users() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  perform drip._check_time_zone(new.time_zone);
  perform drip._check_region(new.default_region);
  return new;
end
$$;


ALTER FUNCTION drip._guard_users() OWNER TO postgres;

--
-- Name: FUNCTION _guard_users(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._guard_users() IS 'Trigger: a user''s zone and region exist.';


--
-- Name: _has_token(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._has_token(p_list text, p_token text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select coalesce(
    lower(btrim(p_token)) <> ''
    and lower(btrim(p_token)) = any (
      string_to_array(regexp_replace(lower(btrim(p_list)), '\s*,\s*', ',', 'g'), ',')),
    false)
$$;


ALTER FUNCTION drip._has_token(p_list text, p_token text) OWNER TO postgres;

--
-- Name: FUNCTION _has_token(p_list text, p_token text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._has_token(p_list text, p_token text) IS 'True when the comma list holds the token; an empty token is in no list.';


--
-- Name: _hashed_device(bigint[], bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._hashed_device(p_places bigint[], p_lead bigint) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$
declare
  c_tries constant integer := 20;
  v_count constant integer := cardinality(p_places);
  v_place integer;
  v_next float8;
begin
  -- A place without a device is drawn again, with another salt.
  for v_try in 1 .. case when v_count > 0 then c_tries else 0 end loop
    v_next := 0;
    while v_next < v_count loop
      v_place := v_next::integer;
      v_next := floor((v_place + 1)
        / ((1 + (hashint8extended(p_lead, v_place + v_try * 4294967296) & 4503599627370495))
           / 4503599627370496.0::float8));
    end loop;
    if p_places[v_place + 1] is not null then
      return p_places[v_place + 1];
    end if;
  end loop;
  -- Most places are empty: choose among the rest by rendezvous.
  return (
    select d.id
    from unnest(p_places) as d (id)
    where d.id is not null
    order by hashint8extended(p_lead, d.id) desc
    limit 1);
end
$$;


ALTER FUNCTION drip._hashed_device(p_places bigint[], p_lead bigint) OWNER TO postgres;

--
-- Name: FUNCTION _hashed_device(p_places bigint[], p_lead bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._hashed_device(p_places bigint[], p_lead bigint) IS 'One of the devices, the same for the same lead and places; null when there is none.';


--
-- Name: _hold_messages(bigint[], text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._hold_messages(p_ids bigint[], p_reason text) RETURNS void
    LANGUAGE sql
    AS $$
  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.id = any (p_ids) and m.status = 'pending'
    order by m.id
    for no key update
  )
  update drip.broadcast_messages m
  set not_before = 'infinity', deferred_reason = p_reason
  from locked k
  where m.id = k.id
$$;


ALTER FUNCTION drip._hold_messages(p_ids bigint[], p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION _hold_messages(p_ids bigint[], p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._hold_messages(p_ids bigint[], p_reason text) IS 'Holds pending messages until they are freed; waits for rows that somebody is changing.';


--
-- Name: _import_leads(bigint, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._import_leads(p_user bigint, p_leads jsonb) RETURNS TABLE("row" integer, phone text, lead_id bigint, outcome text, problem text)
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
#variable_conflict use_column
begin
  return query
    with given as materialized (
      select r.*
      from drip._read_leads(p_user, p_leads) r
    ),
    valid as materialized (
      select
        g.row, g.phone, g.patch, g.trigger, g.attributes,
        row_number() over (partition by g.phone order by g.row) as occurrence,
        count(*) over (partition by g.phone) as occurrences,
        max(g.row) filter (where g.trigger = '') over (partition by g.phone) as cleared_at
      from given g
      where g.code is null
    ),
    -- The later row wins, field by field.
    merged_fields as (
      select v.phone, jsonb_object_agg(f.key, f.value order by v.row) as patch
      from valid v
      cross join lateral jsonb_each(v.patch) as f (key, value)
      where v.occurrences > 1
      group by v.phone
    ),
    merged_attributes as (
      select v.phone, jsonb_object_agg(f.key, f.value order by v.row) as attributes
      from valid v
      cross join lateral jsonb_each(v.attributes) as f (key, value)
      where v.occurrences > 1
      group by v.phone
    ),
    merged as (
      select
        v.phone,
        v.patch || jsonb_build_object(
          'tokens', v.trigger, 'clear_trigger', v.trigger = '',
          'attributes', coalesce(v.attributes, '{}')) as patch
      from valid v
      where v.occurrences = 1
      union all
      select
        t.phone,
        coalesce(f.patch, '{}') || jsonb_build_object(
          'tokens', t.tokens, 'clear_trigger', t.is_cleared,
          'attributes', coalesce(a.attributes, '{}'))
      from (
        select
          v.phone,
          string_agg(v.trigger, ',' order by v.row)
            filter (where v.row > coalesce(v.cleared_at, 0)) as tokens,
          max(v.cleared_at) is not null as is_cleared
        from valid v
        where v.occurrences > 1
        group by v.phone
      ) t
      left join merged_fields f on f.phone = t.phone
      left join merged_attributes a on a.phone = t.phone
    ),
    written as materialized (
      select w.phone, w.lead_id, w.outcome
      from drip._write_leads(
        p_user,
        (select array_agg(m.phone order by m.phone) from merged m),
        (select array_agg(m.patch order by m.phone) from merged m)) w
    )
    select
      g.row,
      g.phone,
      w.lead_id,
      case
        when g.code is not null then 'invalid'
        when v.occurrence > 1 then 'duplicate'
        else w.outcome
      end,
      g.problem
    from given g
    left join valid v on v.row = g.row
    left join written w on w.phone = v.phone
    order by g.row;
end
$$;


ALTER FUNCTION drip._import_leads(p_user bigint, p_leads jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _import_leads(p_user bigint, p_leads jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._import_leads(p_user bigint, p_leads jsonb) IS 'One try of import_leads for a tenant.';


--
-- Name: _in_audience(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._in_audience(p_audience text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_key text := (select a.key_column from drip.audiences a where a.name = p_audience);
  v_view regclass := coalesce(
    to_regclass(p_audience),
    to_regclass('public.' || quote_ident(p_audience)),
    to_regclass('drip.' || quote_ident(p_audience)));
begin
  if p_audience is null then
    return null;
  end if;
  if v_view is null or v_key is null then
    perform drip._fail(
      'DR012', format('the view of the audience %s is gone', quote_literal(p_audience)),
      'Make the view again, or change the campaign.');
  end if;
  return format(
    'exists (select from %s a where a.%I::text = l.%I::text)',
    v_view, v_key, case v_key when 'lead_id' then 'id' else v_key end);
end
$$;


ALTER FUNCTION drip._in_audience(p_audience text) OWNER TO postgres;

--
-- Name: FUNCTION _in_audience(p_audience text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._in_audience(p_audience text) IS 'The SQL condition that a lead l is in a registered audience; null for none.';


--
-- Name: _insert_campaign(bigint, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._insert_campaign(p_user bigint, p_definition jsonb) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
  v_values jsonb := drip._campaign_values(p_user, p_definition, false);
  v_id bigint;
begin
  if v_values ->> 'title' is null then
    perform drip._fail('DR001', 'the definition has no title', 'Add "title": "…".');
  end if;
  perform drip._check_message(
    coalesce(v_values ->> 'message_type', 'text'), v_values ->> 'message',
    v_values ->> 'media_url', nullif(v_values -> 'template', 'null'), '', 'message');
  v_values := v_values || jsonb_build_object(
    'user_id', p_user, 'created_at', drip.now(), 'updated_at', drip.now());
  execute format(
    'insert into drip.campaigns (%1$s) select %1$s'
    ' from pg_catalog.jsonb_populate_record(null::drip.campaigns, $1) returning id',
    drip._column_list(v_values))
  into v_id
  using v_values;
  return v_id;
end
$_$;


ALTER FUNCTION drip._insert_campaign(p_user bigint, p_definition jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _insert_campaign(p_user bigint, p_definition jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._insert_campaign(p_user bigint, p_definition jsonb) IS 'Writes a draft from a definition; returns its id.';


--
-- Name: _insert_sequence(bigint, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._insert_sequence(p_user bigint, p_definition jsonb) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
  v_values jsonb := drip._sequence_values(p_user, p_definition - 'steps', false);
  v_id bigint;
begin
  if v_values ->> 'name' is null then
    perform drip._fail('DR001', 'the definition has no name', 'Add "name": "…".');
  end if;
  -- A utility message goes before drip steps, unless the definition says otherwise.
  if v_values ->> 'category' = 'utility' and not v_values ? 'priority' then
    v_values := v_values || '{"priority": 1}';
  end if;
  v_values := v_values || jsonb_build_object(
    'user_id', p_user, 'created_at', drip.now(), 'updated_at', drip.now());
  execute format(
    'insert into drip.sequences (%1$s) select %1$s'
    ' from pg_catalog.jsonb_populate_record(null::drip.sequences, $1) returning id',
    drip._column_list(v_values))
  into v_id
  using v_values;
  perform drip._insert_steps(v_id, coalesce(p_definition -> 'steps', '[]'));
  return v_id;
end
$_$;


ALTER FUNCTION drip._insert_sequence(p_user bigint, p_definition jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _insert_sequence(p_user bigint, p_definition jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._insert_sequence(p_user bigint, p_definition jsonb) IS 'Writes a draft from a definition: the row and its steps; returns its id.';


--
-- Name: _insert_steps(bigint, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._insert_steps(p_sequence_id bigint, p_steps jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
  v_sequence drip.sequences;
  v_step jsonb;
  v_values jsonb;
  v_path text;
  v_place integer := 0;
  v_given_next text;
begin
  select s.* into v_sequence from drip.sequences s where s.id = p_sequence_id;
  if jsonb_typeof(p_steps) <> 'array' then
    perform drip._fail(
      'DR004', 'steps is not a list', 'Write "steps": [{"content": "…"}, …].');
  end if;
  for v_step in select e.value from jsonb_array_elements(p_steps) e loop
    v_place := v_place + 1;
    v_path := format('steps[%s]', v_place);
    v_values := drip._read_definition(
      v_step, drip._step_keys(), v_path || '.', v_sequence.user_id, false);
    if (v_values ->> 'day_number')::integer <> v_place then
      perform drip._fail(
        'DR004', format('%s.day_number is not %s', v_path, v_place),
        'day_number is the step''s place in the list, counted from 1; leave it out.');
    end if;
    if (v_values ->> 'is_entry_point')::boolean <> (v_place = 1) then
      perform drip._fail(
        'DR004', format('%s.is_entry_point is not %s', v_path, v_place = 1),
        'A journey enters at the first step; leave is_entry_point out.');
    end if;
    v_values := v_values || jsonb_build_object(
      'trigger', coalesce(
        v_values ->> 'trigger',
        case when v_place = 1 then v_sequence.trigger else v_given_next end));
    if lower(v_given_next) <> lower(v_values ->> 'trigger') then
      perform drip._fail(
        'DR004',
        format('steps[%s].next_trigger (%s) is not the trigger of the next step (%s)',
               v_place - 1, v_given_next, v_values ->> 'trigger'),
        'Only the last step''s next_trigger leads to another sequence.');
    end if;
    v_given_next := v_values ->> 'next_trigger';
    perform drip._check_message(
      coalesce(v_values ->> 'message_type', 'text'), v_values ->> 'content',
      v_values ->> 'media_url', nullif(v_values -> 'template', 'null'), v_path || '.', 'content');
    perform drip._check_delays(
      coalesce((v_values ->> 'min_delay_seconds')::integer, v_sequence.min_delay_seconds),
      coalesce((v_values ->> 'max_delay_seconds')::integer, v_sequence.max_delay_seconds),
      v_path || '.');
    v_values := v_values || jsonb_build_object(
      'user_id', v_sequence.user_id, 'sequence_id', p_sequence_id, 'day_number', v_place,
      'is_entry_point', v_place = 1, 'created_at', drip.now(), 'updated_at', drip.now());
    execute format(
      'insert into drip.sequence_steps (%1$s) select %1$s'
      ' from pg_catalog.jsonb_populate_record(null::drip.sequence_steps, $1)',
      drip._column_list(v_values))
    using v_values;
  end loop;
end
$_$;


ALTER FUNCTION drip._insert_steps(p_sequence_id bigint, p_steps jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _insert_steps(p_sequence_id bigint, p_steps jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._insert_steps(p_sequence_id bigint, p_steps jsonb) IS 'Writes the steps of a definition in their order; errors name the step, counted from 1.';


--
-- Name: _is_barred(bigint, text, drip.sequences); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._is_barred(p_lead bigint, p_phone text, p_sequence drip.sequences) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
  select
    exists (
      select
      from drip.suppressions p
      where p.user_id = p_sequence.user_id and p.phone = p_phone
        and p.category in ('all', p_sequence.category))
    or (
      p_sequence.exclusive_group is not null
      and exists (
        select
        from drip.sequence_contacts e
        where e.user_id = p_sequence.user_id and e.lead_id = p_lead
          and e.exclusive_group = p_sequence.exclusive_group
          and e.sequence_id <> p_sequence.id
          and e.status in ('pending', 'active', 'sent', 'failed', 'paused')))
$$;


ALTER FUNCTION drip._is_barred(p_lead bigint, p_phone text, p_sequence drip.sequences) OWNER TO postgres;

--
-- Name: FUNCTION _is_barred(p_lead bigint, p_phone text, p_sequence drip.sequences); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._is_barred(p_lead bigint, p_phone text, p_sequence drip.sequences) IS 'True when an opt-out or another sequence of its group keeps the lead out for now.';


--
-- Name: _is_expansion_due(drip.campaigns, timestamp with time zone); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._is_expansion_due(p_campaign drip.campaigns, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select p_campaign.expanded_at is null
    and p_campaign.status in ('pending', 'triggered')
    and drip._expands_at(p_campaign) <= p_now
    and (p_campaign.expand_attempts = 0
         or p_campaign.last_run_at + p_campaign.expand_attempts * interval '30 seconds' <= p_now)
$$;


ALTER FUNCTION drip._is_expansion_due(p_campaign drip.campaigns, p_now timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION _is_expansion_due(p_campaign drip.campaigns, p_now timestamp with time zone); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._is_expansion_due(p_campaign drip.campaigns, p_now timestamp with time zone) IS 'True when messages of the campaign are to be planned now.';


--
-- Name: _is_new_to_sequence(bigint, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._is_new_to_sequence(p_lead bigint, p_sequence bigint) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
  select not exists (
    select
    from drip.sequence_contacts e
    where e.lead_id = p_lead and e.sequence_id = p_sequence)
$$;


ALTER FUNCTION drip._is_new_to_sequence(p_lead bigint, p_sequence bigint) OWNER TO postgres;

--
-- Name: FUNCTION _is_new_to_sequence(p_lead bigint, p_sequence bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._is_new_to_sequence(p_lead bigint, p_sequence bigint) IS 'True when the lead was never in the sequence.';


--
-- Name: _is_time_zone(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._is_time_zone(p_zone text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
begin
  if p_zone = 'UTC' then
    return true;
  end if;
  if p_zone ~ '^[A-Za-z_-]+(/[A-Za-z_-]+)+$' then
    begin
      perform timestamp '2000-01-01' at time zone p_zone;
      return true;
    exception when invalid_parameter_value then
      return false;
    end;
  end if;
  return exists (select from pg_catalog.pg_timezone_names z where z.name = p_zone);
end
$_$;


ALTER FUNCTION drip._is_time_zone(p_zone text) OWNER TO postgres;

--
-- Name: FUNCTION _is_time_zone(p_zone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._is_time_zone(p_zone text) IS 'True for the name of an IANA time zone.';


--
-- Name: _judge_messages(bigint[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._judge_messages(p_ids bigint[]) RETURNS TABLE(message_id bigint, verdict text, reason text, until timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
  select f.message_id, f.verdict, f.reason, f.until
  from drip._message_facts f
  where f.message_id = any (p_ids)
$$;


ALTER FUNCTION drip._judge_messages(p_ids bigint[]) OWNER TO postgres;

--
-- Name: FUNCTION _judge_messages(p_ids bigint[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._judge_messages(p_ids bigint[]) IS 'One row per given message that is pending: go, wait or drop, why, and until when.';


--
-- Name: regions; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.regions (
    region text NOT NULL,
    calling_code text NOT NULL,
    trunk_prefix text,
    dial_out text,
    lengths smallint[] NOT NULL,
    mobile_lengths smallint[] NOT NULL,
    CONSTRAINT regions_region_form CHECK ((region ~ '^[A-Z]{2}$'::text))
);


ALTER TABLE drip.regions OWNER TO postgres;

--
-- Name: TABLE regions; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.regions IS 'Numbering facts per region: calling code, trunk and dial-out prefix, lengths of numbers.';


--
-- Name: _length_problem(text, drip.regions); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._length_problem(p_text text, p_region drip.regions) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select case
    when l.least is null then 'the phone begins with no known country code'
    when l.digits < l.least then pg_catalog.format('the phone is too short for %s', l.place)
    when l.digits > l.most then pg_catalog.format('the phone is too long for %s', l.place)
    else pg_catalog.format('the phone has a length that no phone has in %s', l.place)
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


ALTER FUNCTION drip._length_problem(p_text text, p_region drip.regions) OWNER TO postgres;

--
-- Name: FUNCTION _length_problem(p_text text, p_region drip.regions); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._length_problem(p_text text, p_region drip.regions) IS 'The sentence about a number whose country code is unknown or whose length is impossible.';


--
-- Name: _local_instant(timestamp without time zone, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._local_instant(p_local timestamp without time zone, p_zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select p_local at time zone p_zone
$$;


ALTER FUNCTION drip._local_instant(p_local timestamp without time zone, p_zone text) OWNER TO postgres;

--
-- Name: FUNCTION _local_instant(p_local timestamp without time zone, p_zone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._local_instant(p_local timestamp without time zone, p_zone text) IS 'The instant of a wall-clock time in an IANA zone; skipped times move forward.';


--
-- Name: _mapped_users(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._mapped_users() RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_caller name := coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user);
  v_wanted text := nullif(pg_catalog.current_setting('drip.user', true), '');
  v_users bigint[];
begin
  if pg_catalog.pg_has_role(v_caller, 'drip_operator', 'member')
    or pg_catalog.pg_has_role(v_caller, 'drip_worker', 'member')
  then
    select array_agg(u.id order by u.id)
    into v_users
    from drip.users u
    where v_wanted is null or v_wanted in (u.id::text, u.name);
  else
    select array_agg(distinct u.id)
    into v_users
    from drip.user_roles ur
    join pg_catalog.pg_roles r on r.rolname = ur.role_name
    join drip.users u on u.id = ur.user_id
    where pg_catalog.pg_has_role(v_caller, r.oid, 'member')
      and (v_wanted is null or v_wanted in (u.id::text, u.name));
  end if;
  if v_users is null and v_wanted is not null then
    if pg_catalog.pg_has_role(v_caller, 'drip_operator', 'member') then
      perform drip._fail(
        'DR010', pg_catalog.format('there is no user %L', v_wanted),
        pg_catalog.format(
          'The nearest name is %L; create_user makes one.',
          drip._nearest(v_wanted, array(select u.name from drip.users u))));
    end if;
    perform drip._fail(
      'DR010', pg_catalog.format('role %s may not act for user %L', v_caller, v_wanted),
      'Set drip."user" to a user of this role, or ask an operator for assign_role(role, user).');
  end if;
  return coalesce(v_users, '{}');
end
$$;


ALTER FUNCTION drip._mapped_users() OWNER TO postgres;

--
-- Name: FUNCTION _mapped_users(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._mapped_users() IS 'Ids of the tenants the caller may act for, narrowed by drip.user; DR010 if that is not one.';


--
-- Name: _mark_matching_leads(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._mark_matching_leads(p_limit integer) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_sequence drip.sequences;
  v_token text;
  v_ids bigint[];
  v_is_unfinished boolean := false;
begin
  for v_sequence in
    select s.*
    from drip.sequences s
    where s.status = 'active'
      and s.auto_enroll <> 'manual'
      and (s.swept_at is null
           or s.swept_to_lead_id > 0
           or (s.auto_enroll = 'trigger' and s.swept_at <= v_now - interval '5 minutes'))
    order by s.swept_at nulls first, s.id
    limit 100
    for no key update skip locked
  loop
    v_token := drip._entry_token(v_sequence);
    if v_sequence.auto_enroll = 'trigger' then
      v_ids := array(
        select l.id
        from drip.leads l
        where l.user_id = v_sequence.user_id
          and l.trigger is not null
          and not l.enroll_check
          and l.id > v_sequence.swept_to_lead_id
          and drip._matches_sequence(l, v_sequence, v_token)
          and not drip._is_barred(l.id, l.phone, v_sequence)
        order by l.id
        limit p_limit);
    else
      v_ids := array(
        select l.id
        from drip.leads l
        where l.user_id = v_sequence.user_id
          and l.niche is not null
          and not l.enroll_check
          and l.id > v_sequence.swept_to_lead_id
          and drip._matches_sequence(l, v_sequence, v_token)
          and drip._is_new_to_sequence(l.id, v_sequence.id)
          and not drip._is_barred(l.id, l.phone, v_sequence)
        order by l.id
        limit p_limit);
    end if;
    with free as (
      select l.id
      from drip.leads l
      where l.id = any (v_ids) and not l.enroll_check
      order by l.id
      for no key update skip locked
    )
    update drip.leads l set enroll_check = true from free f where l.id = f.id;
    if cardinality(v_ids) = p_limit then
      v_is_unfinished := true;
      update drip.sequences s
      set swept_to_lead_id = v_ids[cardinality(v_ids)]
      where s.id = v_sequence.id;
    else
      update drip.sequences s
      set swept_at = v_now, swept_to_lead_id = 0
      where s.id = v_sequence.id;
    end if;
  end loop;
  return v_is_unfinished;
end
$$;


ALTER FUNCTION drip._mark_matching_leads(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _mark_matching_leads(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._mark_matching_leads(p_limit integer) IS 'Marks leads that match a sequence and are not marked; true while a look is under way.';


--
-- Name: _matches_sequence(drip.leads, drip.sequences, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._matches_sequence(p_lead drip.leads, p_sequence drip.sequences, p_token text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
  select
    case p_sequence.auto_enroll
      when 'trigger' then
        coalesce(strpos(lower(p_lead.trigger), p_token) > 0, false)
        and drip._has_token(p_lead.trigger, p_token)
      when 'niche' then
        p_lead.niche is not null
        and (p_sequence.include_existing or p_lead.updated_at >= p_sequence.started_at)
      else false
    end
    and (p_sequence.niche is null or drip._has_token(p_lead.niche, p_sequence.niche))
    and coalesce(p_sequence.target_status, 'all') in ('all', p_lead.target_status)
$$;


ALTER FUNCTION drip._matches_sequence(p_lead drip.leads, p_sequence drip.sequences, p_token text) OWNER TO postgres;

--
-- Name: FUNCTION _matches_sequence(p_lead drip.leads, p_sequence drip.sequences, p_token text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._matches_sequence(p_lead drip.leads, p_sequence drip.sequences, p_token text) IS 'True when the lead enters the sequence by itself: token or niche, and status; the tenant apart.';


--
-- Name: _move_failed_over(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._move_failed_over(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_count bigint;
  v_devices bigint[];
begin
  with stranded as (
    select m.id, m.user_id, m.lead_id, d.id as from_device, d.failover_policy
    from drip.user_devices d
    cross join lateral (
      select b.id, b.user_id, b.lead_id
      from (values (1::smallint), (2::smallint), (3::smallint)) as class (priority)
      cross join lateral (
        select n.id, n.user_id, n.lead_id
        from drip.broadcast_messages n
        where n.device_id = d.id and n.status = 'pending' and n.priority = class.priority
          and n.due_at <= v_now
        order by n.due_at, n.id
        limit p_limit
        for no key update skip locked
      ) b
    ) m
    where d.status <> 'online' and d.failover_policy <> 'wait'
    limit p_limit
  ),
  placed as (
    select s.id, s.lead_id, s.from_device, s.failover_policy, s.user_id, t.id as to_device
    from stranded s
    cross join lateral (
      select p.id
      from drip.user_devices p
      where p.user_id = s.user_id and p.in_pool and p.status = 'online' and p.id <> s.from_device
      order by pg_catalog.hashint8extended(s.lead_id, p.id) desc
      limit 1
    ) t
  ),
  moved as (
    update drip.broadcast_messages m
    set device_id = p.to_device
    from placed p
    where m.id = p.id
    returning m.id, p.lead_id, p.to_device, p.from_device, p.failover_policy, m.user_id
  ),
  rebound as (
    update drip.leads l
    set device_id = x.to_device
    from moved x
    where x.failover_policy = 'rebind'
      and l.id = x.lead_id
      and l.id in (
        select q.id
        from drip.leads q
        where q.id in (select y.lead_id from moved y where y.failover_policy = 'rebind')
        order by q.id
        for no key update skip locked)
  ),
  noted as (
    insert into drip.audit_log (
      at, user_id, session_user_name, action, subject_kind, subject_id, reason, details)
    select v_now, x.user_id, session_user, 'failover', 'device', x.from_device,
      'the device cannot send', jsonb_build_object('to', x.to_device, 'messages', count(*))
    from moved x
    group by x.user_id, x.from_device, x.to_device
  )
  select count(*), array_agg(distinct x.to_device)
  into v_count, v_devices
  from moved x;
  perform drip._notify_wake(v_devices);
  return v_count;
end
$$;


ALTER FUNCTION drip._move_failed_over(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION _move_failed_over(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._move_failed_over(p_limit integer) IS 'Moves due messages off devices that cannot send, where their policy says so; returns how many.';


--
-- Name: _nearest(text, text[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._nearest(p_word text, p_words text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$
  select w.word
  from unnest(p_words) as w (word)
  where w.word is not null
  order by
    drip._edit_distance(lower(coalesce(p_word, '')), lower(w.word)),
    not starts_with(lower(w.word), left(lower(coalesce(p_word, '')), 1)),
    w.word
  limit 1
$$;


ALTER FUNCTION drip._nearest(p_word text, p_words text[]) OWNER TO postgres;

--
-- Name: FUNCTION _nearest(p_word text, p_words text[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._nearest(p_word text, p_words text[]) IS 'The word of the list that is closest in spelling; null only for an empty list.';


--
-- Name: _new_device(bigint, text, timestamp with time zone); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._new_device(p_user bigint, p_name text, p_now timestamp with time zone) RETURNS drip.user_devices
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$
declare
  v_device drip.user_devices;
begin
  v_device.user_id := p_user;
  v_device.name := p_name;
  v_device.status := 'online';
  v_device.status_since := p_now;
  v_device.min_delay_seconds := 10;
  v_device.max_delay_seconds := 30;
  v_device.burst := 1;
  v_device.in_pool := true;
  v_device.unknown_policy := 'hold';
  v_device.failover_policy := 'wait';
  v_device.created_at := p_now;
  return v_device;
end
$$;


ALTER FUNCTION drip._new_device(p_user bigint, p_name text, p_now timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION _new_device(p_user bigint, p_name text, p_now timestamp with time zone); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._new_device(p_user bigint, p_name text, p_now timestamp with time zone) IS 'A device as it is before anybody sets anything.';


--
-- Name: _next_local_time(timestamp with time zone, text, time without time zone); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._next_local_time(p_at timestamp with time zone, p_zone text, p_time time without time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select case
    when p_time is null then p_at
    else (
      select min(o.at)
      from (
        select drip._local_instant((p_at at time zone p_zone)::date + day.n + p_time, p_zone) as at
        from generate_series(0, 1) as day (n)
      ) o
      where o.at >= p_at)
  end
$$;


ALTER FUNCTION drip._next_local_time(p_at timestamp with time zone, p_zone text, p_time time without time zone) OWNER TO postgres;

--
-- Name: FUNCTION _next_local_time(p_at timestamp with time zone, p_zone text, p_time time without time zone); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._next_local_time(p_at timestamp with time zone, p_zone text, p_time time without time zone) IS 'The first instant, not before the given one, with that local time; the given one if no time.';


--
-- Name: _next_step_at(timestamp with time zone, numeric, time without time zone, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._next_step_at(p_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select case
    when p_send_time is null then p_at + p_delay_hours * interval '1 hour'
    else drip._next_local_time(
      drip._local_instant(
        (p_at at time zone p_zone) + p_delay_hours * interval '1 hour', p_zone),
      p_zone, p_send_time)
  end
$$;


ALTER FUNCTION drip._next_step_at(p_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) OWNER TO postgres;

--
-- Name: FUNCTION _next_step_at(p_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._next_step_at(p_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) IS 'When a step is due whose predecessor is due at an instant.';


--
-- Name: _normalize_phone(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._normalize_phone(p_phone text, p_region text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select r.phone from drip._read_phone(p_phone, p_region) as r
$$;


ALTER FUNCTION drip._normalize_phone(p_phone text, p_region text) OWNER TO postgres;

--
-- Name: FUNCTION _normalize_phone(p_phone text, p_region text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._normalize_phone(p_phone text, p_region text) IS 'The phone as E.164 (+60123456789), read with the region''s rules; null if it is not one.';


--
-- Name: _notify_wake(bigint[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._notify_wake(p_devices bigint[]) RETURNS void
    LANGUAGE sql
    AS $$
  select pg_catalog.pg_notify(
    'drip_wake',
    case when cardinality(p_devices) <= 400 then array_to_string(p_devices, ',') else '' end)
  where cardinality(p_devices) > 0
$$;


ALTER FUNCTION drip._notify_wake(p_devices bigint[]) OWNER TO postgres;

--
-- Name: FUNCTION _notify_wake(p_devices bigint[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._notify_wake(p_devices bigint[]) IS 'Tells the workers which devices have something new; more than 400 are told as all.';


--
-- Name: _opt_out(bigint, text, text, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._opt_out(p_user bigint, p_phone text, p_category text, p_reason text, p_source text) RETURNS TABLE(lead_id bigint, outcome text, cancelled integer)
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_lead bigint;
  v_outcome text := 'already_suppressed';
  v_enrollments bigint[];
  v_cancelled integer;
begin
  insert into drip.suppressions (user_id, phone, category, reason, source, created_at)
  values (p_user, p_phone, p_category, nullif(btrim(p_reason), ''), p_source, v_now)
  on conflict (user_id, phone, category) do nothing;
  if found then
    v_outcome := 'suppressed';
  end if;
  select l.id into v_lead from drip.leads l where l.user_id = p_user and l.phone = p_phone;
  if v_lead is null then
    return query select null::bigint, v_outcome, 0;
    return;
  end if;

  select array_agg(q.id order by q.id)
  into v_enrollments
  from (
    select e.id
    from drip.sequence_contacts e
    join drip.sequences s on s.id = e.sequence_id
    where e.lead_id = v_lead
      and e.completed_at is null
      and (p_category = 'all' or s.category = p_category)
    order by e.id
    for no key update of e
  ) q;

  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = v_lead
      and m.status = 'pending'
      and (p_category = 'all' or m.category = p_category)
    order by m.id
    for no key update
  ),
  stopped as (
    update drip.broadcast_messages m
    set status = 'cancelled', status_reason = 'suppressed', finished_at = v_now,
      not_before = null, deferred_reason = null
    from locked k
    where m.id = k.id
    returning m.id
  )
  select count(*)
  into v_cancelled
  from stopped;

  if v_enrollments is not null then
    perform drip._exit_enrollments(v_enrollments, 'opted_out');
  end if;
  return query select v_lead, v_outcome, v_cancelled;
end
$$;


ALTER FUNCTION drip._opt_out(p_user bigint, p_phone text, p_category text, p_reason text, p_source text) OWNER TO postgres;

--
-- Name: FUNCTION _opt_out(p_user bigint, p_phone text, p_category text, p_reason text, p_source text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._opt_out(p_user bigint, p_phone text, p_category text, p_reason text, p_source text) IS 'opt_out for a tenant and an E.164 phone: suppression, cancelled messages, ended journeys.';


--
-- Name: _pace_results(jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._pace_results(p_devices jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
begin
  perform
  from drip.device_pacing p
  where p.device_id = any (array(
    select (e.value ->> 'device_id')::bigint from jsonb_array_elements(p_devices) e))
  order by p.device_id
  for no key update;

  update drip.device_pacing p
  set next_look_at = v_now,
    next_send_at = greatest(p.next_send_at, v_now + r.wait),
    local_day = t.today,
    sent_today = greatest(
      case when p.local_day = t.today then p.sent_today else 0 end + r.sent, 0),
    window_started_at = case when w.is_new then v_now else p.window_started_at end,
    window_results = case when n.trips or n.heals then 0 else n.results end,
    window_failures = case when n.trips or n.heals then 0 else n.failures end,
    breaker_open_until = case
      when n.trips then v_now + interval '15 minutes' * power(2, least(p.breaker_level, 5))
      else p.breaker_open_until
    end,
    breaker_level = case
      when n.trips then p.breaker_level + 1 when n.heals then 0 else p.breaker_level end
  from jsonb_to_recordset(p_devices) as r (
    device_id bigint, results integer, failures integer, sent integer, wait interval)
  join drip.user_devices d on d.id = r.device_id
  join drip.users u on u.id = d.user_id
  cross join lateral (select (v_now at time zone u.time_zone)::date as today) t
  join drip.device_pacing o on o.device_id = r.device_id
  cross join lateral (
    select coalesce(o.window_started_at < v_now - interval '1 hour', true) as is_new
  ) w
  cross join lateral (
    select
      q.results,
      q.failures,
      -- after an opening, a fifth of the sample decides: a half-open breaker is on trial
      q.results >= case
        when o.breaker_level > 0 then greatest(u.breaker_sample / 5, 1) else u.breaker_sample
      end and q.failures >= q.results * u.breaker_rate as trips,
      o.breaker_level > 0 and q.results >= u.breaker_sample
        and q.failures < q.results * u.breaker_rate as heals
    from (
      select
        case when w.is_new then 0 else o.window_results end + r.results as results,
        case when w.is_new then 0 else o.window_failures end + r.failures as failures
    ) q
  ) n
  where p.device_id = r.device_id;
end
$$;


ALTER FUNCTION drip._pace_results(p_devices jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _pace_results(p_devices jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._pace_results(p_devices jsonb) IS 'Books results [{device_id, results, failures, sent, wait}] on the devices'' pacing rows.';


--
-- Name: _patch_lead(drip.leads, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._patch_lead(p_lead drip.leads, p_patch jsonb) RETURNS drip.leads
    LANGUAGE sql STABLE
    AS $$
  select jsonb_populate_record(
    p_lead,
    p_patch || jsonb_build_object(
      'trigger', drip._clean_tokens(concat_ws(
        ',',
        case when not coalesce((p_patch ->> 'clear_trigger')::boolean, false)
          then p_lead.trigger end,
        p_patch ->> 'tokens')),
      'attributes', p_lead.attributes || coalesce(p_patch -> 'attributes', '{}')))
$$;


ALTER FUNCTION drip._patch_lead(p_lead drip.leads, p_patch jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _patch_lead(p_lead drip.leads, p_patch jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._patch_lead(p_lead drip.leads, p_patch jsonb) IS 'The lead with a patch applied: fields by column name, tokens, clear_trigger, attributes.';


--
-- Name: _phone_problem(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._phone_problem(p_phone text, p_region text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select r.problem from drip._read_phone(p_phone, p_region) as r
$$;


ALTER FUNCTION drip._phone_problem(p_phone text, p_region text) OWNER TO postgres;

--
-- Name: FUNCTION _phone_problem(p_phone text, p_region text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._phone_problem(p_phone text, p_region text) IS 'The sentence that says why the phone cannot be read; null if it can.';


--
-- Name: _pool_device(bigint, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._pool_device(p_user bigint, p_lead bigint) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$
  select drip._hashed_device(drip._pool_devices(p_user), p_lead)
$$;


ALTER FUNCTION drip._pool_device(p_user bigint, p_lead bigint) OWNER TO postgres;

--
-- Name: FUNCTION _pool_device(p_user bigint, p_lead bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._pool_device(p_user bigint, p_lead bigint) IS 'The device of the tenant''s pool that a lead without one gets; null when the pool is empty.';


--
-- Name: _pool_devices(bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._pool_devices(p_user bigint) RETURNS bigint[]
    LANGUAGE sql STABLE
    AS $$
  select array_agg(case when d.in_pool and d.status <> 'disabled' then d.id end order by d.id)
  from drip.user_devices d
  where d.user_id = p_user
$$;


ALTER FUNCTION drip._pool_devices(p_user bigint) OWNER TO postgres;

--
-- Name: FUNCTION _pool_devices(p_user bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._pool_devices(p_user bigint) IS 'Places for _hashed_device: the tenant''s devices in id order, null for those not in the pool.';


--
-- Name: _prepare_campaign(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._prepare_campaign() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  c_next constant jsonb := '{
    "draft": ["pending", "cancelled"],
    "pending": ["triggered", "completed", "paused", "cancelled", "failed"],
    "triggered": ["completed", "paused", "cancelled", "failed"],
    "paused": ["pending", "triggered", "cancelled"],
    "failed": ["pending", "triggered", "cancelled"],
    "completed": [],
    "cancelled": []
  }';
begin
  new.niche := nullif(btrim(new.niche), '');
  if tg_op = 'UPDATE' then
    if new is not distinct from old then
      return new;
    end if;
    new.updated_at := drip.now();
    if new.status <> old.status then
      if not c_next -> old.status ? new.status then
        perform drip._fail(
          'DR005',
          format('a campaign that is %s does not become %s', old.status, new.status),
          'A finished one can be copied:'
          ' create_campaign(get_campaign(…) || ''{"title": "…"}'').');
      end if;
      new.paused_at := case when new.status = 'paused' then drip.now() end;
    end if;
  end if;
  return new;
end
$$;


ALTER FUNCTION drip._prepare_campaign() OWNER TO postgres;

--
-- Name: FUNCTION _prepare_campaign(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._prepare_campaign() IS 'Normalises and checks a campaign before it is written, and sets the times of its status.';


--
-- Name: _prepare_sequence(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._prepare_sequence() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  c_sweep constant text[] := array['swept_at', 'swept_to_lead_id'];
  v_was text;
begin
  new.trigger := nullif(btrim(new.trigger), '');
  new.niche := nullif(btrim(new.niche), '');
  new.exclusive_group := nullif(btrim(new.exclusive_group), '');
  if tg_op = 'UPDATE' then
    if to_jsonb(new) - c_sweep = to_jsonb(old) - c_sweep then
      return new;
    end if;
    new.updated_at := drip.now();
    v_was := old.status;
    if (new.name, new.trigger, new.niche, new.target_status, new.auto_enroll, new.include_existing,
        new.status, new.exclusive_group, new.reenroll_after)
      is distinct from
      (old.name, old.trigger, old.niche, old.target_status, old.auto_enroll, old.include_existing,
       old.status, old.exclusive_group, old.reenroll_after)
    then
      -- Who matches may have changed: the sweep looks at all leads once more.
      new.swept_at := null;
      new.swept_to_lead_id := 0;
    end if;
  end if;
  if new.status is distinct from v_was then
    if v_was = 'archived' or (new.status = 'draft' and v_was is not null)
      or (new.status = 'paused' and v_was = 'draft')
    then
      perform drip._fail(
        'DR005', format('a sequence that is %s does not become %s', v_was, new.status),
        'draft → active ⇄ paused → archived; an archived one can be copied:'
        ' create_sequence(get_sequence(…) || ''{"name": "…"}'').');
    end if;
    new.paused_at := case when new.status = 'paused' then drip.now() end;
    if new.status = 'active' then
      new.started_at := coalesce(new.started_at, drip.now());
    end if;
  end if;
  if new.status in ('active', 'paused') then
    perform drip._check_sequence_ready(new);
  end if;
  return new;
end
$$;


ALTER FUNCTION drip._prepare_sequence() OWNER TO postgres;

--
-- Name: FUNCTION _prepare_sequence(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._prepare_sequence() IS 'Normalises and checks a sequence before it is written, and sets the times of its status.';


--
-- Name: _prepare_step(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._prepare_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  new.name := nullif(btrim(new.name), '');
  new.trigger := nullif(btrim(new.trigger), '');
  new.next_trigger := nullif(btrim(new.next_trigger), '');
  if tg_op = 'UPDATE' and new is distinct from old then
    new.updated_at := drip.now();
  end if;
  return new;
end
$$;


ALTER FUNCTION drip._prepare_step() OWNER TO postgres;

--
-- Name: FUNCTION _prepare_step(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._prepare_step() IS 'Trigger: normalises a step before it is written.';


--
-- Name: _read_definition(jsonb, jsonb, text, bigint, boolean); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._read_definition(p_definition jsonb, p_kinds jsonb, p_path text, p_user bigint, p_is_change boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_key text;
  v_value jsonb;
  v_kind text;
  v_result jsonb := '{}';
begin
  if jsonb_typeof(p_definition) is distinct from 'object' then
    perform drip._fail(
      'DR004',
      format('%s must be an object', coalesce(nullif(rtrim(p_path, '.'), ''), 'the definition')),
      'Its keys are column names: {"name": "…"}.');
  end if;
  for v_key, v_value in select d.key, d.value from jsonb_each(p_definition) d loop
    v_kind := p_kinds ->> v_key;
    if v_kind is null then
      perform drip._fail(
        'DR003', format('unknown key %s', quote_literal(p_path || v_key)),
        format(
          'The nearest known one is %s.',
          quote_literal(drip._nearest(
            v_key,
            array(select k.key from jsonb_each_text(p_kinds) k
                  where k.value <> 'read')))));
    end if;
    if v_kind = 'read' then
      if p_is_change then
        perform drip._fail(
          'DR004',
          format('%s is not changed this way', quote_literal(p_path || v_key)),
          'It follows from other functions; see docs/sql-api.md.');
      end if;
      continue;
    end if;
    if jsonb_typeof(v_value) = 'null' then
      if v_kind like '%!' then
        perform drip._fail(
          'DR004', format('%s must not be null', p_path || v_key),
          'Leave the key out to get the default.');
      end if;
    else
      v_value := drip._definition_value(
        rtrim(v_kind, '!'), v_value, p_path || v_key, p_user);
    end if;
    v_result := v_result || jsonb_build_object(v_key, v_value);
  end loop;
  return v_result;
end
$$;


ALTER FUNCTION drip._read_definition(p_definition jsonb, p_kinds jsonb, p_path text, p_user bigint, p_is_change boolean) OWNER TO postgres;

--
-- Name: FUNCTION _read_definition(p_definition jsonb, p_kinds jsonb, p_path text, p_user bigint, p_is_change boolean); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._read_definition(p_definition jsonb, p_kinds jsonb, p_path text, p_user bigint, p_is_change boolean) IS 'The checked definition, values in the form of their columns; DR003 and DR004 name the path.';


--
-- Name: _read_instant(text, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._read_instant(p_text text, p_user bigint) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET "TimeZone" TO 'UTC'
    AS $$
declare
  v_instant timestamptz;
begin
  perform set_config(
    'timezone', (select u.time_zone from drip.users u where u.id = p_user), true);
  v_instant := p_text::timestamptz;
  return v_instant;
end
$$;


ALTER FUNCTION drip._read_instant(p_text text, p_user bigint) OWNER TO postgres;

--
-- Name: FUNCTION _read_instant(p_text text, p_user bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._read_instant(p_text text, p_user bigint) IS 'The instant of a written time; without an offset it is wall clock in the user''s zone.';


--
-- Name: _read_international_phone(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._read_international_phone(p_phone text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
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


ALTER FUNCTION drip._read_international_phone(p_phone text) OWNER TO postgres;

--
-- Name: FUNCTION _read_international_phone(p_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._read_international_phone(p_phone text) IS 'The E.164 form of + and digits: a trunk prefix behind the calling code goes; or null.';


--
-- Name: _read_leads(bigint, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._read_leads(p_user bigint, p_leads jsonb) RETURNS TABLE("row" integer, phone text, patch jsonb, trigger text, attributes jsonb, code text, problem text, hint text)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
#variable_conflict use_column
declare
  v_region text := (select u.default_region from drip.users u where u.id = p_user);
  v_known constant text[] := array[
    'phone', 'name', 'niche', 'target_status', 'trigger', 'device', 'time_zone', 'language',
    'external_id', 'attributes'];
begin
  return query
    with given as materialized (
      select
        e.position::integer as row,
        e.value,
        jsonb_typeof(e.value) = 'object' as is_object
      from jsonb_array_elements(p_leads) with ordinality as e (value, position)
    ),
    fields as materialized (
      select
        g.row,
        g.is_object,
        f.unknown_key,
        f.odd_key,
        g.value ->> 'phone' as phone,
        btrim(g.value ->> 'name') as name,
        btrim(g.value ->> 'niche') as niche,
        lower(btrim(g.value ->> 'target_status')) as target_status,
        btrim(g.value ->> 'trigger') as trigger,
        btrim(g.value ->> 'device') as device,
        btrim(g.value ->> 'time_zone') as time_zone,
        btrim(g.value ->> 'language') as language,
        btrim(g.value ->> 'external_id') as external_id,
        g.value -> 'attributes' as attributes
      from given g
      cross join lateral (
        select
          min(k.key) filter (where k.key <> all (v_known)) as unknown_key,
          min(k.key) filter (
            where k.key <> 'attributes'
              and jsonb_typeof(k.value) in ('object', 'array', 'boolean')) as odd_key
        from jsonb_each(case when g.is_object then g.value else '{}' end) as k (key, value)
      ) f
    ),
    devices as materialized (
      select w.device, d.id
      from (select distinct f.device from fields f where f.device <> '') w
      join drip.user_devices d
        on d.user_id = p_user
          and case
            when w.device ~ '^\d+$' then d.id::text = w.device
            else d.name = w.device
          end
    ),
    zones as materialized (
      select w.time_zone, drip._is_time_zone(w.time_zone) as is_known
      from (select distinct f.time_zone from fields f where f.time_zone <> '') w
    ),
    judged as (
      select
        f.*,
        p.phone as e164,
        d.id as device_id,
        case
          when not f.is_object then array['DR001', 'the lead is not a JSON object',
            'Write {"phone": "+60123456789", "name": "Ali"}.']
          when f.unknown_key is not null then array['DR003',
            pg_catalog.format('a lead has no field %s; the nearest is %s',
              pg_catalog.quote_literal(left(f.unknown_key, 60)),
              drip._nearest(f.unknown_key, v_known)),
            'What is not a field of its own belongs into attributes.']
          when f.odd_key is not null then array['DR004',
            pg_catalog.format('%s is not a text', f.odd_key),
            'Write it in quotes; lists are comma lists: "cold,warm".']
          when p.problem is not null then array['DR002', p.problem,
            'Write it with + and the country code, such as +60123456789.']
          when f.target_status not in ('', 'prospect', 'customer') then array['DR015',
            pg_catalog.format('%s is no target status',
              pg_catalog.quote_literal(left(f.target_status, 60))),
            'Use prospect or customer.']
          when f.device <> '' and d.id is null then array['DR012',
            pg_catalog.format('there is no device %s',
              pg_catalog.quote_literal(left(f.device, 60))),
            coalesce(
              'The nearest name is ' || pg_catalog.quote_literal(drip._nearest(
                f.device,
                array(select n.name from drip.user_devices n where n.user_id = p_user))) || '.',
              'There are no devices yet; an operator makes one with upsert_device.')]
          when not z.is_known then array['DR001',
            pg_catalog.format('%s is no time zone',
              pg_catalog.quote_literal(left(f.time_zone, 60))),
            'Use an IANA name, such as Asia/Kuala_Lumpur.']
          when f.language !~ '^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$' then array['DR001',
            pg_catalog.format('%s is no language', pg_catalog.quote_literal(left(f.language, 60))),
            'Use a code, such as en, ms or zh-CN.']
          when length(f.external_id) > 200 then array['DR001',
            'external_id is longer than 200 characters', 'Use your system''s short key.']
          when jsonb_typeof(f.attributes) not in ('object', 'null') then array['DR001',
            'attributes are not a JSON object', 'Write {"city": "Ipoh"}.']
        end as wrong
      from fields f
      left join lateral drip._read_phone(f.phone, v_region) as p on f.is_object
      left join devices d on d.device = f.device
      left join zones z on z.time_zone = f.time_zone
    ),
    -- An external_id names one lead: the one that has it, else the first of the batch.
    owned as (
      select
        j.*,
        case
          when j.wrong is null and j.external_id <> '' then coalesce(
            (select l.phone
             from drip.leads l
             where l.user_id = p_user and l.external_id = j.external_id),
            first_value(j.e164) over (
              partition by j.wrong is null, j.external_id order by j.row))
        end as owner
      from judged j
    ),
    settled as (
      select
        o.*,
        case
          when o.owner <> o.e164 then array['DR013',
            pg_catalog.format('external_id %s belongs to another lead',
              pg_catalog.quote_literal(o.external_id)),
            'An external_id names one lead; change_phone gives that lead another phone.']
          else o.wrong
        end as verdict
      from owned o
    )
    select
      s.row,
      s.e164,
      c.patch,
      s.trigger,
      case when jsonb_typeof(s.attributes) = 'object' then s.attributes end,
      s.verdict[1],
      s.verdict[2],
      s.verdict[3]
    from settled s
    cross join lateral (
      select coalesce(jsonb_object_agg(v.key, v.value), '{}') as patch
      from (
        values
          ('name', to_jsonb(nullif(s.name, '')), s.name),
          ('niche', to_jsonb(drip._clean_tokens(s.niche)), s.niche),
          ('target_status', to_jsonb(s.target_status), nullif(s.target_status, '')),
          ('device_id', to_jsonb(s.device_id), s.device),
          ('time_zone', to_jsonb(nullif(s.time_zone, '')), s.time_zone),
          ('language', to_jsonb(nullif(s.language, '')), s.language),
          ('external_id', to_jsonb(nullif(s.external_id, '')), s.external_id)
      ) v (key, value, given)
      where v.given is not null
    ) c
    order by s.row;
end
$_$;


ALTER FUNCTION drip._read_leads(p_user bigint, p_leads jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _read_leads(p_user bigint, p_leads jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._read_leads(p_user bigint, p_leads jsonb) IS 'Leads [{phone, name, …}] as phone and patch, or code, problem and hint; one row per element.';


--
-- Name: _read_national_phone(text, drip.regions); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._read_national_phone(p_digits text, p_region drip.regions) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
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


ALTER FUNCTION drip._read_national_phone(p_digits text, p_region drip.regions) OWNER TO postgres;

--
-- Name: FUNCTION _read_national_phone(p_digits text, p_region drip.regions); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._read_national_phone(p_digits text, p_region drip.regions) IS 'The E.164 form of digits as people of the region write them; null if no reading fits.';


--
-- Name: _read_phone(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._read_phone(p_phone text, p_region text, OUT phone text, OUT problem text) RETURNS record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $_$
declare
  v_text text := translate(p_phone, ' -', '');
  v_region drip.regions;
begin
  if v_text !~ '^\+?[0-9]{4,16}$' or v_text is null then
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
$_$;


ALTER FUNCTION drip._read_phone(p_phone text, p_region text, OUT phone text, OUT problem text) OWNER TO postgres;

--
-- Name: FUNCTION _read_phone(p_phone text, p_region text, OUT phone text, OUT problem text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._read_phone(p_phone text, p_region text, OUT phone text, OUT problem text) IS 'The phone as E.164, or the sentence that says why it cannot be read.';


--
-- Name: _remove_token(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._remove_token(p_list text, p_token text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select nullif(string_agg(btrim(t.token), ',' order by t.position), '')
  from unnest(string_to_array(p_list, ',')) with ordinality as t (token, position)
  where btrim(t.token) <> '' and lower(btrim(t.token)) <> lower(btrim(p_token))
$$;


ALTER FUNCTION drip._remove_token(p_list text, p_token text) OWNER TO postgres;

--
-- Name: FUNCTION _remove_token(p_list text, p_token text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._remove_token(p_list text, p_token text) IS 'The comma list without the token; null when nothing is left.';


--
-- Name: _render(text, text, text, jsonb, jsonb, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._render(p_text text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb, p_seed bigint) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $_$
declare
  v_signs constant text := '[|]{}';
  v_marks constant text := chr(1) || chr(2) || chr(3) || chr(4) || chr(5);
  v_out text := '';
  v_rest text := p_text;
  v_token text;
  v_path text;
  v_value text;
  v_start integer;
  v_end integer;
  v_options text[];
  v_number integer := 0;
begin
  if p_text is null or (position('{' in p_text) = 0 and position('[[' in p_text) = 0) then
    return p_text;
  end if;
  -- the two usual placeholders by replace(): a third of the time of the pattern below
  if position('{name}' in v_rest) > 0 then
    v_rest := replace(v_rest, '{name}', translate(coalesce(btrim(p_name), ''), v_signs, v_marks));
  end if;
  if position('{phone}' in v_rest) > 0 then
    v_rest := replace(v_rest, '{phone}', p_phone);
  end if;
  -- by position: a pattern with a lazy beginning took 40 µs a placeholder, this takes 4
  loop
    v_start := position('{' in v_rest);
    exit when v_start = 0;
    v_end := position('}' in substr(v_rest, v_start));
    exit when v_end = 0;
    v_token := substr(v_rest, v_start + 1, v_end - 2);
    v_path := split_part(v_token, '|', 1);
    if v_path in ('name', 'phone') or v_path ~ '^attributes\.[[:alnum:]_]+$' then
      v_value := case v_path
        when 'name' then p_name
        when 'phone' then p_phone
        else coalesce(
          nullif(btrim(p_lead_attributes ->> substr(v_path, 12)), ''),
          p_enrollment_attributes ->> substr(v_path, 12))
      end;
      v_value := coalesce(nullif(btrim(v_value), ''), substr(v_token, length(v_path) + 2));
      v_out := v_out || left(v_rest, v_start - 1) || translate(v_value, v_signs, v_marks);
      v_rest := substr(v_rest, v_start + v_end);
    else
      v_out := v_out || left(v_rest, v_start);
      v_rest := substr(v_rest, v_start + 1);
    end if;
  end loop;
  if v_out <> '' then
    v_rest := v_out || v_rest;
    v_out := '';
  end if;
  if position('[[' in v_rest) = 0 then
    return translate(v_rest, v_marks, v_signs);
  end if;
  loop
    v_start := position('[[' in v_rest);
    exit when v_start = 0;
    v_end := position(']]' in substr(v_rest, v_start));
    exit when v_end = 0;
    v_options := string_to_array(substr(v_rest, v_start + 2, v_end - 3), '|');
    v_number := v_number + 1;
    v_out := v_out || left(v_rest, v_start - 1) || coalesce(
      v_options[
        1 + floor(drip._seeded_fraction(p_seed, 100 + v_number) * cardinality(v_options))::integer],
      '');
    v_rest := substr(v_rest, v_start + v_end + 1);
  end loop;
  return translate(v_out || v_rest, v_marks, v_signs);
end
$_$;


ALTER FUNCTION drip._render(p_text text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb, p_seed bigint) OWNER TO postgres;

--
-- Name: FUNCTION _render(p_text text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb, p_seed bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._render(p_text text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb, p_seed bigint) IS 'The text with {name}, {phone}, {attributes.x|fallback} filled and [[a|b]] chosen by the seed.';


--
-- Name: _resume_messages(bigint[], timestamp with time zone, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._resume_messages(p_enrollments bigint[], p_paused_at timestamp with time zone, p_policy text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_devices bigint[];
  v_moved bigint;
  v_skipped bigint;
begin
  with locked as (
    select
      m.id, m.user_id, m.lead_id, m.sequence_contact_id, m.sequence_stepid, m.scheduled_at,
      m.created_at
    from drip.broadcast_messages m
    where m.sequence_contact_id = any (p_enrollments) and m.status = 'pending'
    order by m.id
    for no key update
  ),
  moved as (
    select
      k.id,
      p_policy = 'skip' and k.scheduled_at <= v_now as is_skipped,
      case
        when p_policy = 'shift' then max(
          case
            when st.send_time is null then k.scheduled_at + p.length
            -- By whole days, so that a short pause does not cost a day.
            else drip._next_local_time(
              greatest(
                v_now,
                drip._local_instant(
                  (k.scheduled_at at time zone p.zone)
                    + floor(extract(epoch from p.length) / 86400) * interval '1 day',
                  p.zone)),
              p.zone, st.send_time)
          end)
          over (partition by k.sequence_contact_id order by st.day_number)
        else k.scheduled_at
      end as at
    from locked k
    join drip.sequence_steps st on st.id = k.sequence_stepid
    join drip.leads l on l.id = k.lead_id
    join drip.users u on u.id = k.user_id
    cross join lateral (
      select
        coalesce(l.time_zone, u.time_zone) as zone,
        greatest(v_now - greatest(p_paused_at, k.created_at), interval '0') as length
    ) p
  ),
  written as (
    update drip.broadcast_messages m
    set status = case when v.is_skipped then 'skipped' else m.status end,
      status_reason = case when v.is_skipped then 'skipped_by_resume' end,
      finished_at = case when v.is_skipped then v_now end,
      scheduled_at = v.at,
      expires_at = m.expires_at + (v.at - m.scheduled_at),
      not_before = null,
      deferred_reason = null
    from moved v
    where m.id = v.id
    returning m.device_id, m.due_at, m.status
  )
  select
    count(*) filter (where w.status = 'pending' and p_policy = 'shift'),
    count(*) filter (where w.status = 'skipped'),
    array_agg(distinct w.device_id)
      filter (where w.status = 'pending' and w.due_at <= v_now + interval '15 seconds')
  into v_moved, v_skipped, v_devices
  from written w;
  perform drip._notify_wake(v_devices);
  -- For the verb, in this transaction.
  perform set_config('drip.resumed', json_build_array(v_moved, v_skipped)::text, true);
end
$$;


ALTER FUNCTION drip._resume_messages(p_enrollments bigint[], p_paused_at timestamp with time zone, p_policy text) OWNER TO postgres;

--
-- Name: FUNCTION _resume_messages(p_enrollments bigint[], p_paused_at timestamp with time zone, p_policy text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._resume_messages(p_enrollments bigint[], p_paused_at timestamp with time zone, p_policy text) IS 'Frees the pending messages of paused journeys by a policy: shift, catch_up or skip.';


--
-- Name: _seeded_fraction(bigint, bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._seeded_fraction(p_id bigint, p_salt bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select (pg_catalog.hashint8extended(p_id, p_salt) & 4503599627370495) / 4503599627370496.0::float8
$$;


ALTER FUNCTION drip._seeded_fraction(p_id bigint, p_salt bigint) OWNER TO postgres;

--
-- Name: FUNCTION _seeded_fraction(p_id bigint, p_salt bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._seeded_fraction(p_id bigint, p_salt bigint) IS 'A number in [0, 1) that depends on id and salt alone.';


--
-- Name: _sequence_definition(bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._sequence_definition(p_sequence_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
  select
    (select jsonb_object_agg(c.key, c.value)
     from jsonb_each(to_jsonb(s)) as c (key, value)
     join jsonb_each_text(drip._sequence_keys()) as k (key, kind) on k.key = c.key
     where k.kind <> 'read' and c.key <> 'device_id')
    || jsonb_build_object(
      'device', (select d.name from drip.user_devices d where d.id = s.device_id),
      'steps', coalesce((
        select jsonb_agg(q.step order by q.day_number)
        from (
          select st.day_number, jsonb_object_agg(c.key, c.value) as step
          from drip.sequence_steps st
          cross join jsonb_each(to_jsonb(st)) as c (key, value)
          join jsonb_each_text(drip._step_keys()) as k (key, kind) on k.key = c.key
          where st.sequence_id = s.id and k.kind <> 'read'
          group by st.day_number
        ) q), '[]'))
  from drip.sequences s
  where s.id = p_sequence_id
$$;


ALTER FUNCTION drip._sequence_definition(p_sequence_id bigint) OWNER TO postgres;

--
-- Name: FUNCTION _sequence_definition(p_sequence_id bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._sequence_definition(p_sequence_id bigint) IS 'What a definition of this sequence would say, every settable key included.';


--
-- Name: _sequence_keys(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._sequence_keys() RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select jsonb '{
    "name": "name!", "description": "text", "trigger": "token", "niche": "token",
    "target_status": "target", "auto_enroll": "choice:trigger|niche|manual!",
    "device": "device", "device_id": "device", "start_delay": "interval!",
    "send_from": "time", "send_to": "time", "send_days": "days", "skip_weekends": "boolean!",
    "min_delay_seconds": "integer", "max_delay_seconds": "integer",
    "category": "choice:marketing|utility!", "greeting": "boolean!",
    "stop_on_reply": "boolean!", "exit_if": "guard", "exclusive_group": "token",
    "reenroll_after": "interval", "on_step_failure": "choice:continue|stop!",
    "priority": "integer!",
    "id": "read", "user": "read", "user_id": "read", "status": "read", "is_active": "read",
    "status_reason": "read", "paused_at": "read", "started_at": "read", "created_at": "read",
    "updated_at": "read"
  }'
$$;


ALTER FUNCTION drip._sequence_keys() OWNER TO postgres;

--
-- Name: FUNCTION _sequence_keys(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._sequence_keys() IS 'Keys of a sequence''s definition and the kind of value each takes.';


--
-- Name: _sequence_values(bigint, jsonb, boolean); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._sequence_values(p_user bigint, p_definition jsonb, p_is_change boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_values jsonb := drip._read_definition(
    p_definition, drip._sequence_keys(), '', p_user, p_is_change);
begin
  if v_values ? 'device' then
    if v_values ? 'device_id' and v_values -> 'device' <> v_values -> 'device_id' then
      perform drip._fail(
        'DR004', 'device and device_id name two devices', 'Leave one of them out.');
    end if;
    v_values := v_values - 'device' || jsonb_build_object('device_id', v_values -> 'device');
  end if;
  perform drip._check_delays(
    (v_values ->> 'min_delay_seconds')::integer, (v_values ->> 'max_delay_seconds')::integer, '');
  return v_values;
end
$$;


ALTER FUNCTION drip._sequence_values(p_user bigint, p_definition jsonb, p_is_change boolean) OWNER TO postgres;

--
-- Name: FUNCTION _sequence_values(p_user bigint, p_definition jsonb, p_is_change boolean); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._sequence_values(p_user bigint, p_definition jsonb, p_is_change boolean) IS 'The columns of sequences that a definition sets, checked.';


--
-- Name: _settings_of(regclass); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._settings_of(p_table regclass) RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
  select array_agg(a.attname::text order by a.attnum)
  from pg_catalog.pg_attribute a
  where a.attrelid = p_table
    and a.attnum > 0
    and not a.attisdropped
    and pg_catalog.col_description(a.attrelid, a.attnum) like '[setting]%'
$$;


ALTER FUNCTION drip._settings_of(p_table regclass) OWNER TO postgres;

--
-- Name: FUNCTION _settings_of(p_table regclass); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._settings_of(p_table regclass) IS 'Names of the columns of a table that people set: those whose comment begins with [setting].';


--
-- Name: _step_keys(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._step_keys() RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select jsonb '{
    "name": "name", "day_number": "integer!", "trigger": "token", "next_trigger": "token",
    "is_entry_point": "boolean!", "trigger_delay_hours": "number!", "send_time": "time",
    "message_type": "choice:text|image|video|document|audio|template!", "content": "text",
    "media_url": "url", "caption": "text", "template": "object",
    "min_delay_seconds": "integer", "max_delay_seconds": "integer", "valid_for": "interval",
    "only_if": "guard",
    "id": "read", "user_id": "read", "sequence_id": "read", "created_at": "read",
    "updated_at": "read"
  }'
$$;


ALTER FUNCTION drip._step_keys() OWNER TO postgres;

--
-- Name: FUNCTION _step_keys(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._step_keys() IS 'Keys of a step''s definition and the kind of value each takes.';


--
-- Name: _stop_devices(jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._stop_devices(p_devices jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
begin
  update drip.user_devices d
  set status = 'needs_attention', status_reason = r.meaning, status_since = v_now
  from jsonb_to_recordset(p_devices) as r (
    device_id bigint, scope text, action text, meaning text, auto_resume boolean)
  where d.id = r.device_id
    and r.action = 'stop'
    and r.scope = 'device'
    and not r.auto_resume
    and d.status in ('online', 'offline')
    and d.id in (
      select l.id
      from drip.user_devices l
      where l.id in (
        select (e.value ->> 'device_id')::bigint from jsonb_array_elements(p_devices) e)
      for no key update skip locked);

  update drip.sender_accounts a
  set status = case
      when r.action = 'stop' and not r.auto_resume then 'needs_attention' else a.status end,
    status_reason = r.meaning,
    blocked_until = greatest(a.blocked_until, v_now + r.device_wait)
  from jsonb_to_recordset(p_devices) as r (
    account_id bigint, scope text, action text, meaning text, auto_resume boolean,
    device_wait interval)
  where a.id = r.account_id
    and r.scope = 'account'
    and a.status <> 'disabled'
    and a.id in (
      select l.id
      from drip.sender_accounts l
      where l.id in (
        select (e.value ->> 'account_id')::bigint from jsonb_array_elements(p_devices) e)
      for no key update skip locked);
end
$$;


ALTER FUNCTION drip._stop_devices(p_devices jsonb) OWNER TO postgres;

--
-- Name: FUNCTION _stop_devices(p_devices jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._stop_devices(p_devices jsonb) IS 'Stops the devices or accounts that a result says cannot send until a person acts.';


--
-- Name: _sync_enrollments(bigint[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._sync_enrollments(p_ids bigint[]) RETURNS TABLE(enrollment_id bigint, status text, synced boolean)
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_material TO 'off'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_locked bigint[];
  v_finishing bigint[];
  v_leads bigint[];
begin
  select array_agg(q.id)
  into v_locked
  from (
    select e.id
    from drip.sequence_contacts e
    where e.id = any (p_ids) and e.completed_at is null
    order by e.id
    for no key update skip locked
  ) q;

  -- those that finish now and owe the lead something
  select
    array_agg(e.id),
    array_agg(distinct e.lead_id)
  into v_finishing, v_leads
  from drip._enrollment_facts x
  join drip.sequence_contacts e on e.id = x.enrollment_id
  where x.enrollment_id = any (v_locked) and x.is_finished;

  if v_finishing is not null then
    select array_agg(q.id)
    into v_leads
    from (
      select l.id
      from drip.leads l
      where l.id = any (v_leads)
      order by l.id
      for no key update skip locked
    ) q;
    -- a journey whose lead is held waits for the next tick
    select array_agg(e.id)
    into v_locked
    from drip.sequence_contacts e
    where e.id = any (v_locked)
      and (e.id <> all (v_finishing) or e.lead_id = any (v_leads));

    update drip.leads l
    set trigger = drip._add_token(l.trigger, t.tokens),
      chained = l.chained || t.chained,
      enroll_check = true,
      updated_at = v_now
    from (
      select
        e.lead_id,
        string_agg(distinct x.next_trigger, ',') as tokens,
        coalesce(
          jsonb_object_agg(lower(btrim(x.next_trigger)), x.last_sent_at)
            filter (where x.next_trigger is not null),
          '{}') as chained
      from drip._enrollment_facts x
      join drip.sequence_contacts e on e.id = x.enrollment_id
      where x.enrollment_id = any (v_finishing)
        and x.status = 'completed'
        and x.next_trigger is not null
      group by e.lead_id
    ) t
    where l.id = t.lead_id and l.id = any (v_leads);

    -- a token that waited behind an exclusive group is looked at again
    update drip.leads l
    set enroll_check = true
    from drip.sequence_contacts e
    where e.id = any (v_finishing)
      and e.exclusive_group is not null
      and l.id = e.lead_id
      and l.id = any (v_leads)
      and not l.enroll_check;
  end if;

  insert into drip.sync_backlog (enrollment_id, noted_at)
  select e.id, v_now
  from drip.sequence_contacts e
  where e.id = any (p_ids)
    and e.completed_at is null
    and e.id <> all (coalesce(v_locked, '{}'));

  return query
    with states as materialized (
      select x.* from drip._enrollment_facts x where x.enrollment_id = any (v_locked)
    ),
    stopped as (
      update drip.broadcast_messages m
      set status = 'cancelled', status_reason = 'enrollment_finished', finished_at = v_now,
        not_before = null, deferred_reason = null
      where m.id in (
        select q.id
        from states s
        join drip.broadcast_messages q on q.sequence_contact_id = s.enrollment_id
        where s.status = 'sequence_failed' and q.status = 'pending'
        order by q.id
        for no key update of q skip locked)
    ),
    synced as (
      update drip.sequence_contacts e
      set status = s.status,
        current_step = s.current_step,
        sequence_stepid = s.sequence_stepid,
        current_trigger = s.current_trigger,
        next_trigger_time = case when not s.is_finished then s.next_trigger_time end,
        completed_at = case when s.is_finished then v_now end
      from states s
      where e.id = s.enrollment_id
      returning e.id, e.status
    )
    select s.id, s.status, true from synced s
    union all
    select e.id, e.status, false
    from drip.sequence_contacts e
    where e.id = any (p_ids) and not exists (select from synced s where s.id = e.id);
end
$$;


ALTER FUNCTION drip._sync_enrollments(p_ids bigint[]) OWNER TO postgres;

--
-- Name: FUNCTION _sync_enrollments(p_ids bigint[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._sync_enrollments(p_ids bigint[]) IS 'Brings status, step and next time of these live enrollments up to date with their messages.';


--
-- Name: _tenant(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._tenant() RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
  v_users bigint[] := drip._mapped_users();
begin
  if cardinality(v_users) = 1 then
    return v_users[1];
  end if;
  if cardinality(v_users) = 0 then
    perform drip._fail(
      'DR010', 'this role may act for no user',
      'Ask an operator for: select * from drip.assign_role(''your_role'', ''user name'').');
  end if;
  perform drip._fail(
    'DR010', pg_catalog.format('this role may act for %s users, and none is named',
                               cardinality(v_users)),
    'Name one: set local drip."user" = ''user name''.');
end
$$;


ALTER FUNCTION drip._tenant() OWNER TO postgres;

--
-- Name: FUNCTION _tenant(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._tenant() IS 'Id of the tenant the call is for: the only mapped one or that of drip.user; else DR010.';


--
-- Name: _timeline(bigint, timestamp with time zone, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._timeline(p_sequence_id bigint, p_start timestamp with time zone, p_zone text) RETURNS TABLE(sequence_stepid bigint, day_number integer, at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
  with recursive steps as (
    select
      st.id, st.day_number, st.send_time, st.trigger_delay_hours,
      row_number() over (order by st.day_number) as place
    from drip.sequence_steps st
    where st.sequence_id = p_sequence_id
  ),
  timeline as (
    select
      s.id, s.day_number, s.place,
      drip._next_local_time(p_start, p_zone, s.send_time) as at
    from steps s
    where s.place = 1
    union all
    select
      s.id, s.day_number, s.place,
      drip._next_step_at(t.at, s.trigger_delay_hours, s.send_time, p_zone)
    from timeline t
    join steps s on s.place = t.place + 1
  )
  select t.id, t.day_number, t.at
  from timeline t
  order by t.place
$$;


ALTER FUNCTION drip._timeline(p_sequence_id bigint, p_start timestamp with time zone, p_zone text) OWNER TO postgres;

--
-- Name: FUNCTION _timeline(p_sequence_id bigint, p_start timestamp with time zone, p_zone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._timeline(p_sequence_id bigint, p_start timestamp with time zone, p_zone text) IS 'The planned time of each step of a sequence for a journey that starts at an instant in a zone.';


--
-- Name: _verdict(timestamp with time zone, timestamp with time zone, timestamp with time zone, timestamp with time zone, boolean, text, text, text, timestamp with time zone, boolean, timestamp with time zone, timestamp with time zone, timestamp with time zone, bigint, text, text, timestamp with time zone, timestamp with time zone, boolean, timestamp with time zone, timestamp with time zone, boolean, timestamp with time zone, timestamp with time zone, timestamp with time zone, timestamp with time zone, integer, integer, integer, timestamp with time zone); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone) RETURNS TABLE(verdict text, reason text, until timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select
    case
      when r.reason is null then 'go'
      when r.reason in ('campaign_cancelled', 'enrollment_finished', 'suppressed', 'expired')
        then 'drop'
      else 'wait'
    end,
    r.reason,
    case r.reason
      when 'lead_paused' then nullif(p_lead_paused_until, 'infinity')
      when 'not_due' then case
        when p_scheduled_at > p_now then greatest(p_scheduled_at, p_predecessor_free_at)
        else greatest(p_not_before, p_predecessor_free_at)
      end
      when 'predecessor_pending' then
        greatest(p_scheduled_at, nullif(p_predecessor_due_at, 'infinity'))
      when 'predecessor_unknown' then p_predecessor_hold_at
      when 'account_blocked' then p_account_blocked_until
      when 'account_cap' then p_account_cap_until
      when 'breaker_open' then p_breaker_until
      when 'outside_window' then p_window_opens_at
      when 'weekend' then p_window_opens_at
      when 'contact_gap' then p_gap_until
      when 'contact_cap' then p_cap_until
      when 'device_closed_hours' then p_device_opens_at
      when 'ramp' then p_next_day_at
      when 'device_cap' then p_next_day_at
      when 'device_pacing' then p_next_send_at
    end
  from (
    select case
      when p_campaign_status = 'cancelled' then 'campaign_cancelled'
      when p_enrollment_status in ('completed', 'sequence_failed', 'exited')
        or p_sequence_status = 'archived' then 'enrollment_finished'
      when p_suppressed then 'suppressed'
      -- a pause does not count, so nothing expires behind it; what failed may be mended
      when p_sequence_status in ('paused', 'draft') then 'sequence_paused'
      when p_campaign_status in ('paused', 'failed') then 'campaign_paused'
      when p_expires_at <= p_now then 'expired'
      when not p_user_active then 'user_inactive'
      when p_lead_paused_until > p_now then 'lead_paused'
      when p_enrollment_status = 'paused' and p_lead_paused_until is null
        and p_sequence_status is null then 'enrollment_paused'
      when p_predecessor_due_at is not null then 'predecessor_pending'
      when p_predecessor_hold_at > p_now then 'predecessor_unknown'
      when p_scheduled_at > p_now or p_predecessor_free_at > p_now then 'not_due'
      when p_device_id is null then 'no_device'
      when p_account_status = 'disabled' or p_account_blocked_until > p_now
        or p_account_status = 'needs_attention' then 'account_blocked'
      when p_device_status = 'disabled' then 'device_disabled'
      when p_device_status = 'needs_attention' then 'device_attention'
      when p_device_status = 'offline' then 'device_offline'
      when p_service_window_closed then 'service_window_closed'
      when p_window_opens_at > p_now and p_window_is_weekend then 'weekend'
      when p_window_opens_at > p_now then 'outside_window'
      when p_gap_until > p_now then 'contact_gap'
      when p_cap_until > p_now then 'contact_cap'
      when p_account_cap_until > p_now then 'account_cap'
      when p_breaker_until > p_now then 'breaker_open'
      when p_device_opens_at > p_now then 'device_closed_hours'
      when p_used_today >= p_ramp_cap then 'ramp'
      when p_used_today >= p_daily_cap then 'device_cap'
      when p_next_send_at > p_now then 'device_pacing'
      when p_not_before > p_now then 'not_due'
    end as reason
    offset 0
  ) r
$$;


ALTER FUNCTION drip._verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION _verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone) IS 'go, wait (until, null when a person must act) or drop, with the reason''s code; null for go.';


--
-- Name: _wall_clock(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._wall_clock() RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$
  select pg_catalog.clock_timestamp()
$$;


ALTER FUNCTION drip._wall_clock() OWNER TO postgres;

--
-- Name: FUNCTION _wall_clock(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._wall_clock() IS 'The real time at this moment, for measuring durations.';


--
-- Name: _window_opens_at(timestamp with time zone, text, time without time zone, time without time zone, smallint[], boolean); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select min(greatest(p_at, w.opens))
  from (
    select
      (day.date + coalesce(p_from, time '00:00')) at time zone p_zone as opens,
      case
        when p_from is null then (day.date + 1)::timestamp
        when p_to <= p_from then day.date + 1 + p_to
        else day.date + p_to
      end at time zone p_zone as closes
    from (
      select (p_at at time zone p_zone)::date + n as date
      from generate_series(-1, 8) n
    ) day
    where (p_days is null or extract(isodow from day.date) = any (p_days))
      and not (p_skip_weekends and extract(isodow from day.date) in (6, 7))
  ) w
  where w.closes > p_at
$$;


ALTER FUNCTION drip._window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean) OWNER TO postgres;

--
-- Name: FUNCTION _window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean) IS 'The earliest instant, not before the given one, that lies in the window; null if there is none.';


--
-- Name: _write_leads(bigint, text[], jsonb[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip._write_leads(p_user bigint, p_phones text[], p_patches jsonb[]) RETURNS TABLE(phone text, lead_id bigint, outcome text)
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_blank drip.leads;
  v_created bigint[];
  v_updated bigint[];
begin
  v_blank.user_id := p_user;
  v_blank.target_status := 'prospect';
  v_blank.attributes := '{}';

  with created as (
    insert into drip.leads as l (
      user_id, external_id, phone, name, niche, trigger, target_status, device_id, time_zone,
      language, attributes, created_at, updated_at)
    select
      p_user, x.external_id, n.phone, x.name, x.niche, x.trigger, x.target_status, x.device_id,
      x.time_zone, x.language, x.attributes, v_now, v_now
    from unnest(p_phones, p_patches) as n (phone, patch)
    cross join lateral drip._patch_lead(v_blank, n.patch) as x
    where not exists (
      select from drip.leads k where k.user_id = p_user and k.phone = n.phone)
    order by n.phone
    on conflict (user_id, phone) do nothing
    returning l.id
  )
  select array_agg(c.id)
  into v_created
  from created c;

  perform
  from unnest(p_phones, p_patches) as n (phone, patch)
  join drip.leads l on l.user_id = p_user and l.phone = n.phone
  where drip._patch_lead(l, n.patch) is distinct from l
  order by l.phone
  for no key update of l;

  with updated as (
    update drip.leads l
    set external_id = x.external_id, name = x.name, niche = x.niche, trigger = x.trigger,
      target_status = x.target_status, device_id = x.device_id, time_zone = x.time_zone,
      language = x.language, attributes = x.attributes, updated_at = v_now
    from unnest(p_phones, p_patches) as n (phone, patch)
    join drip.leads k on k.user_id = p_user and k.phone = n.phone
    cross join lateral drip._patch_lead(k, n.patch) as x
    where l.id = k.id
      and x is distinct from k
    returning l.id
  )
  select array_agg(u.id)
  into v_updated
  from updated u;

  return query
    select
      n.phone,
      l.id,
      -- Sublinks are hashed; joins to a list of unknown length would be nested loops.
      case
        when l.id in (select c.id from unnest(v_created) as c (id)) then 'created'
        when l.id in (select u.id from unnest(v_updated) as u (id)) then 'updated'
        else 'unchanged'
      end
    from unnest(p_phones) as n (phone)
    join drip.leads l on l.user_id = p_user and l.phone = n.phone;
end
$$;


ALTER FUNCTION drip._write_leads(p_user bigint, p_phones text[], p_patches jsonb[]) OWNER TO postgres;

--
-- Name: FUNCTION _write_leads(p_user bigint, p_phones text[], p_patches jsonb[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip._write_leads(p_user bigint, p_phones text[], p_patches jsonb[]) IS 'Makes or patches the leads of distinct phones. Outcome: created, updated, unchanged.';


--
-- Name: archive_sequence(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.archive_sequence(p_sequence text, p_reason text DEFAULT NULL::text) RETURNS TABLE(sequence_id bigint, status text, exited bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_live bigint;
  v_outcome text := 'already_archived';
begin
  select count(*)
  into v_live
  from drip.sequence_contacts e
  where e.sequence_id = v_sequence.id and e.completed_at is null;
  update drip.sequences s
  set status = 'archived', status_reason = nullif(btrim(p_reason), '')
  where s.id = v_sequence.id and s.status <> 'archived';
  if found then
    v_outcome := 'archived';
    perform drip._audit(
      v_sequence.user_id, 'archive_sequence', 'sequence', v_sequence.id, p_reason);
  end if;
  return query select v_sequence.id, 'archived', v_live, v_outcome;
end
$$;


ALTER FUNCTION drip.archive_sequence(p_sequence text, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION archive_sequence(p_sequence text, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.archive_sequence(p_sequence text, p_reason text) IS 'Ends a sequence for good: live journeys exit, their pending messages are cancelled. Outcomes:
   archived, already_archived.';


--
-- Name: assign_role(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.assign_role(p_role text, p_user text) RETURNS TABLE(role_name text, user_id bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user drip.users;
  v_role text := nullif(btrim(p_role), '');
begin
  if v_role is null then
    perform drip._fail('DR001', 'no role is named', 'Pass p_role, a role of this server.');
  end if;
  v_user := drip._find_user(p_user);
  if not exists (select from pg_catalog.pg_roles r where r.rolname = v_role) then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no role %s', pg_catalog.quote_literal(v_role)),
      pg_catalog.format(
        'The nearest one is %s; create role and grant drip_app make one.',
        pg_catalog.quote_literal(drip._nearest(v_role, array(
          select r.rolname::text
          from pg_catalog.pg_roles r
          where not starts_with(r.rolname::text, 'pg_'))))));
  end if;
  insert into drip.user_roles as ur (role_name, user_id, created_at)
  values (v_role, v_user.id, drip.now())
  on conflict (role_name, user_id) do nothing;
  if not found then
    return query select v_role, v_user.id, 'already_assigned'::text;
    return;
  end if;
  perform drip._audit(
    v_user.id, 'assign_role', 'user', v_user.id, null, jsonb_build_object('role', v_role));
  return query select v_role, v_user.id, 'assigned'::text;
end
$$;


ALTER FUNCTION drip.assign_role(p_role text, p_user text) OWNER TO postgres;

--
-- Name: FUNCTION assign_role(p_role text, p_user text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.assign_role(p_role text, p_user text) IS 'Lets a database role act for a user (id or name). Outcome: assigned, already_assigned.';


--
-- Name: can_see_phones(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.can_see_phones() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select pg_catalog.pg_has_role(
    coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user),
    'drip_pii', 'member')
$$;


ALTER FUNCTION drip.can_see_phones() OWNER TO postgres;

--
-- Name: FUNCTION can_see_phones(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.can_see_phones() IS 'True when the caller is a member of drip_pii and so sees phones unmasked.';


--
-- Name: cancel_campaign(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.cancel_campaign(p_campaign text, p_reason text DEFAULT NULL::text) RETURNS TABLE(campaign_id bigint, status text, changed bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_changed bigint := 0;
  v_outcome text := 'already_cancelled';
begin
  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id for no key update;
  if v_campaign.status = 'completed' then
    perform drip._fail(
      'DR005', format('the campaign %s is completed', quote_literal(v_campaign.title)),
      'Its messages have left; there is nothing to cancel.');
  end if;
  if v_campaign.status <> 'cancelled' then
    v_outcome := 'cancelled';
    update drip.campaigns c
    set status = 'cancelled', status_reason = nullif(btrim(p_reason), '')
    where c.id = v_campaign.id;
    select count(*)
    into v_changed
    from drip.broadcast_messages m
    where m.campaign_id = v_campaign.id
      and m.status = 'cancelled' and m.status_reason = 'campaign_cancelled';
    perform drip._audit(
      v_campaign.user_id, 'cancel_campaign', 'campaign', v_campaign.id, p_reason);
  end if;
  return query select v_campaign.id, 'cancelled', v_changed, v_outcome;
end
$$;


ALTER FUNCTION drip.cancel_campaign(p_campaign text, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION cancel_campaign(p_campaign text, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.cancel_campaign(p_campaign text, p_reason text) IS 'Ends a campaign for good; changed counts the messages that were cancelled. Outcomes: cancelled,
   already_cancelled.';


--
-- Name: change_phone(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.change_phone(p_phone text, p_new_phone text) RETURNS TABLE(lead_id bigint, phone text, moved integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_lead drip.leads := drip._find_lead(v_user, p_phone);
  v_new text := drip._expect_phone(v_user, p_new_phone);
  v_moved integer;
  v_rule text;
  v_detail text;
begin
  if v_new = v_lead.phone then
    return query select v_lead.id, v_new, 0, 'unchanged'::text;
    return;
  end if;
  begin
    update drip.leads l
    set phone = v_new
    where l.id = v_lead.id;
  exception when unique_violation then
    get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
    perform drip._constraint_error(v_rule, v_detail);
  end;

  insert into drip.suppressions (user_id, phone, category, reason, source, created_at)
  select k.user_id, v_new, k.category, k.reason, k.source, drip.now()
  from drip.suppressions k
  where k.user_id = v_user and k.phone = v_lead.phone
  order by k.category
  on conflict (user_id, phone, category) do nothing;

  with locked as (
    select e.id
    from drip.sequence_contacts e
    where e.lead_id = v_lead.id and e.completed_at is null
    order by e.id
    for no key update
  )
  update drip.sequence_contacts e
  set contact_phone = v_new
  from locked k
  where e.id = k.id;

  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id and m.status = 'pending'
    order by m.id
    for no key update
  ),
  moved as (
    update drip.broadcast_messages m
    set recipient_phone = v_new
    from locked k
    where m.id = k.id
    returning m.id
  )
  select count(*)
  into v_moved
  from moved;
  return query select v_lead.id, v_new, v_moved, 'changed'::text;
end
$$;


ALTER FUNCTION drip.change_phone(p_phone text, p_new_phone text) OWNER TO postgres;

--
-- Name: FUNCTION change_phone(p_phone text, p_new_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.change_phone(p_phone text, p_new_phone text) IS 'Gives a lead another phone, and its pending messages (moved), live journeys and opt-outs with
   it. Outcome: changed, unchanged; DR013 when another lead has that phone.';


--
-- Name: claim_messages(text, integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.claim_messages(p_worker text, p_limit integer) RETURNS TABLE(message_id bigint, attempt integer, user_id bigint, device_id bigint, platform text, endpoint text, instance text, secret_name text, recipient_phone text, message_type text, content text, media_url text, caption text, template jsonb, lease_expires_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  if nullif(btrim(p_worker), '') is null then
    perform drip._fail('DR001', 'the worker has no name', 'Pass the worker''s name as p_worker.');
  end if;
  if coalesce(p_limit, 0) < 1 or p_limit > 10000 then
    perform drip._fail(
      'DR001', pg_catalog.format('%s is no number of free slots', coalesce(p_limit::text, 'null')),
      'Pass p_limit between 1 and 10000: the messages that can be handed over now.');
  end if;
  return query select c.* from drip._claim_messages(p_worker, p_limit, null) c;
end
$$;


ALTER FUNCTION drip.claim_messages(p_worker text, p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION claim_messages(p_worker text, p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.claim_messages(p_worker text, p_limit integer) IS 'Leases at most p_limit messages that may leave now, rendered and paced, for this worker to hand
   over at once; each until its lease_expires_at.';


--
-- Name: create_campaign(jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.create_campaign(p_definition jsonb) RETURNS TABLE(campaign_id bigint, title text, status text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_outcome text := 'existing';
  v_id bigint;
  v_copy bigint;
  v_wanted jsonb;
  v_constraint text;
  v_detail text;
begin
  if p_definition is null then
    perform drip._fail('DR001', 'there is no definition', 'Give a JSON object with a title.');
  end if;
  for v_try in 1 .. 2 loop
    select c.id
    into v_id
    from drip.campaigns c
    where c.user_id = v_user and c.title = btrim(p_definition ->> 'title');
    begin
      if v_id is null then
        v_id := drip._insert_campaign(v_user, p_definition);
        v_outcome := 'created';
      else
        v_copy := drip._insert_campaign(
          v_user, p_definition || jsonb_build_object('title', 'the same as ' || v_id || '?'));
        v_wanted := drip._campaign_definition(v_copy);
        raise exception using errcode = 'DR999';
      end if;
    exception
      when sqlstate 'DR999' then
        if v_wanted - 'title' is distinct from drip._campaign_definition(v_id) - 'title' then
          perform drip._fail(
            'DR013',
            format('there is another campaign %s', quote_literal(btrim(p_definition ->> 'title'))),
            'Change it with update_campaign, or choose another title.');
        end if;
      when integrity_constraint_violation then
        get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
        -- Another session has just made it: look again.
        continue when v_constraint = 'campaigns_title_unique' and v_try = 1;
        perform drip._constraint_error(v_constraint, v_detail);
    end;
    exit;
  end loop;
  return query
    select c.id, c.title, c.status, v_outcome
    from drip.campaigns c
    where c.id = v_id;
end
$$;


ALTER FUNCTION drip.create_campaign(p_definition jsonb) OWNER TO postgres;

--
-- Name: FUNCTION create_campaign(p_definition jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.create_campaign(p_definition jsonb) IS 'Makes a draft from a definition whose keys are columns of campaigns; devices are names or ids.
   A scheduled_at without an offset is the user''s wall clock. Outcomes: created, existing.';


--
-- Name: create_sequence(jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.create_sequence(p_definition jsonb) RETURNS TABLE(sequence_id bigint, name text, status text, steps integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user constant bigint := drip._tenant();
  v_outcome text := 'existing';
  v_id bigint;
  v_copy bigint;
  v_wanted jsonb;
  v_constraint text;
  v_detail text;
begin
  if p_definition is null then
    perform drip._fail('DR001', 'there is no definition', 'Give a JSON object with a name.');
  end if;
  for v_try in 1 .. 2 loop
    select s.id
    into v_id
    from drip.sequences s
    where s.user_id = v_user and s.name = btrim(p_definition ->> 'name');
    begin
      if v_id is null then
        v_id := drip._insert_sequence(v_user, p_definition);
        v_outcome := 'created';
      else
        v_copy := drip._insert_sequence(
          v_user, p_definition || jsonb_build_object('name', 'the same as ' || v_id || '?'));
        v_wanted := drip._sequence_definition(v_copy);
        raise exception using errcode = 'DR999';
      end if;
    exception
      when sqlstate 'DR999' then
        if v_wanted - 'name' is distinct from drip._sequence_definition(v_id) - 'name' then
          perform drip._fail(
            'DR013',
            format('there is another sequence %s', quote_literal(btrim(p_definition ->> 'name'))),
            'Change it with update_sequence, or choose another name.');
        end if;
      when integrity_constraint_violation then
        get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
        -- Another session has just made it: look again.
        continue when v_constraint = 'sequences_name_unique' and v_try = 1;
        perform drip._constraint_error(v_constraint, v_detail);
    end;
    exit;
  end loop;
  return query
    select
      s.id, s.name, s.status,
      (select count(*)::integer from drip.sequence_steps st where st.sequence_id = s.id),
      v_outcome
    from drip.sequences s
    where s.id = v_id;
end
$$;


ALTER FUNCTION drip.create_sequence(p_definition jsonb) OWNER TO postgres;

--
-- Name: FUNCTION create_sequence(p_definition jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.create_sequence(p_definition jsonb) IS 'Makes a draft from a definition: columns of sequences, and steps as a list in order. Outcomes:
   created, existing (the same was made before). DR013 when the name has other content.';


--
-- Name: create_user(text, text, text, text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.create_user(p_name text, p_email text DEFAULT NULL::text, p_time_zone text DEFAULT 'UTC'::text, p_default_region text DEFAULT NULL::text, p_settings jsonb DEFAULT '{}'::jsonb) RETURNS TABLE(user_id bigint, name text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user drip.users;
  v_rule text;
  v_detail text;
begin
  if nullif(btrim(p_name), '') is null then
    perform drip._fail('DR001', 'the user has no name', 'Pass p_name.');
  end if;
  return query
    select u.id, u.name, 'existing'::text from drip.users u where u.name = btrim(p_name);
  if found then
    return;
  end if;
  select
    btrim(p_name), nullif(btrim(p_email), ''), coalesce(p_time_zone, 'UTC'),
    upper(nullif(btrim(p_default_region), '')), 'en', interval '7 days', interval '24 hours',
    0.5, 20, true, drip.now()
  into
    v_user.name, v_user.email, v_user.time_zone, v_user.default_region, v_user.language,
    v_user.contact_cap_period, v_user.unknown_hold, v_user.breaker_rate, v_user.breaker_sample,
    v_user.is_active, v_user.created_at;
  v_user := drip._apply_settings(
    v_user, p_settings, drip._settings_of('drip.users'::regclass), 'a user');
  begin
    insert into drip.users as u (
      name, email, time_zone, default_region, language, send_from, send_to, send_days,
      contact_cap, contact_cap_period, contact_gap, unknown_hold, breaker_rate, breaker_sample,
      is_active, created_at)
    values (
      v_user.name, v_user.email, v_user.time_zone, v_user.default_region, v_user.language,
      v_user.send_from, v_user.send_to, v_user.send_days, v_user.contact_cap,
      v_user.contact_cap_period, v_user.contact_gap, v_user.unknown_hold, v_user.breaker_rate,
      v_user.breaker_sample, v_user.is_active, v_user.created_at)
    on conflict (name) do nothing
    returning u.id
    into v_user.id;
  exception
    when check_violation then
      get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_rule, v_detail);
    when not_null_violation then
      get stacked diagnostics v_rule = column_name;
      perform drip._fail('DR004', pg_catalog.format('%s cannot be null', v_rule), 'Leave it out.');
  end;
  if v_user.id is null then
    return query
      select u.id, u.name, 'existing'::text from drip.users u where u.name = v_user.name;
    return;
  end if;
  perform drip._audit(
    v_user.id, 'create_user', 'user', v_user.id, null,
    jsonb_build_object('name', v_user.name) || coalesce(p_settings, '{}'));
  return query select v_user.id, v_user.name, 'created'::text;
end
$$;


ALTER FUNCTION drip.create_user(p_name text, p_email text, p_time_zone text, p_default_region text, p_settings jsonb) OWNER TO postgres;

--
-- Name: FUNCTION create_user(p_name text, p_email text, p_time_zone text, p_default_region text, p_settings jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.create_user(p_name text, p_email text, p_time_zone text, p_default_region text, p_settings jsonb) IS 'Makes a tenant: IANA zone, ISO region for phones without +, settings by column name of
   drip.users. Outcome: created, existing (by name; unchanged).';


--
-- Name: delete_sequence(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.delete_sequence(p_sequence text) RETURNS TABLE(sequence_id bigint, name text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
begin
  if v_sequence.status <> 'draft' then
    perform drip._fail(
      'DR005',
      format('the sequence %s is %s', quote_literal(v_sequence.name), v_sequence.status),
      'Only drafts are deleted; archive_sequence ends any other.');
  end if;
  delete from drip.sequences s where s.id = v_sequence.id and s.status = 'draft';
  perform drip._audit(
    v_sequence.user_id, 'delete_sequence', 'sequence', v_sequence.id, null,
    jsonb_build_object('name', v_sequence.name));
  return query select v_sequence.id, v_sequence.name, 'deleted';
end
$$;


ALTER FUNCTION drip.delete_sequence(p_sequence text) OWNER TO postgres;

--
-- Name: FUNCTION delete_sequence(p_sequence text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.delete_sequence(p_sequence text) IS 'Deletes a draft and its steps. Outcome: deleted. DR005 for any other sequence.';


--
-- Name: enroll_lead(text, text, timestamp with time zone, text, jsonb, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.enroll_lead(p_sequence text, p_phone text, p_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_name text DEFAULT NULL::text, p_attributes jsonb DEFAULT '{}'::jsonb, p_key text DEFAULT ''::text) RETURNS TABLE(enrollment_id bigint, lead_id bigint, outcome text, reason text, first_at timestamp with time zone, last_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
begin
  if not isfinite(p_at) then
    perform drip._fail('DR001', 'p_at is no instant', 'Leave it out to start after start_delay.');
  end if;
  if jsonb_typeof(p_attributes) <> 'object' then
    perform drip._fail(
      'DR001', 'p_attributes is not an object', 'Give names and values: {"city": "Ipoh"}.');
  end if;
  return query
    select e.enrollment_id, e.lead_id, e.outcome, e.reason, e.first_at, e.last_at
    from drip._enroll_phones(
      p_sequence, array[p_phone], array[p_name], p_at, p_attributes, p_key) e;
end
$$;


ALTER FUNCTION drip.enroll_lead(p_sequence text, p_phone text, p_at timestamp with time zone, p_name text, p_attributes jsonb, p_key text) OWNER TO postgres;

--
-- Name: FUNCTION enroll_lead(p_sequence text, p_phone text, p_at timestamp with time zone, p_name text, p_attributes jsonb, p_key text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.enroll_lead(p_sequence text, p_phone text, p_at timestamp with time zone, p_name text, p_attributes jsonb, p_key text) IS 'Enrolls a phone; an unknown one becomes a lead. p_at is the first step''s time (default: now plus
   start_delay); p_key allows several journeys of one lead side by side. Outcomes: enrolled,
   already_enrolled, suppressed, exclusive, sequence_not_active, invalid_phone; reason says more.';


--
-- Name: enroll_leads(text, text[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.enroll_leads(p_sequence text, p_phones text[]) RETURNS TABLE(phone text, enrollment_id bigint, lead_id bigint, outcome text, reason text, first_at timestamp with time zone, last_at timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
  select e.input, e.enrollment_id, e.lead_id, e.outcome, e.reason, e.first_at, e.last_at
  from drip._enroll_phones(p_sequence, p_phones, null, null, '{}', '') e
$$;


ALTER FUNCTION drip.enroll_leads(p_sequence text, p_phones text[]) OWNER TO postgres;

--
-- Name: FUNCTION enroll_leads(p_sequence text, p_phones text[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.enroll_leads(p_sequence text, p_phones text[]) IS 'Enrolls phones, one row per phone as given and in its order; outcomes as in enroll_lead, a
   repeated phone is already_enrolled. Never raises for data.';


--
-- Name: enroll_matching_leads(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.enroll_matching_leads(p_limit integer DEFAULT 1000) RETURNS TABLE(enrolled bigint, consumed bigint, looked_at bigint, remaining bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
declare
  v_limit constant integer := least(greatest(coalesce(p_limit, 1000), 1), 100000);
  v_is_marking constant boolean := drip._mark_matching_leads(v_limit);
  v_leads bigint[];
  v_match record;
  v_done record;
  v_enrolled bigint := 0;
  v_leads_consumed bigint[] := '{}';
  v_tokens_consumed text[] := '{}';
  v_remaining bigint := 0;
begin
  select coalesce(array_agg(q.id), '{}')
  into v_leads
  from (
    select l.id
    from drip.leads l
    where l.enroll_check
    order by l.id
    limit v_limit
    for no key update skip locked
  ) q;

  for v_match in
    with programs as materialized (
      select s as program, drip._entry_token(s) as token
      from drip.sequences s
      where s.status = 'active' and s.auto_enroll <> 'manual'
    )
    select
      (p.program).id as sequence_id,
      case when (p.program).auto_enroll = 'trigger' then p.token end as token,
      array_agg(l.id order by l.phone) as lead_ids,
      array_agg(
        case when (p.program).auto_enroll = 'trigger'
          then (l.chained ->> p.token)::timestamptz end
        order by l.phone) as chained_from
    from drip.leads l
    join programs p on (p.program).user_id = l.user_id
    where l.id = any (v_leads)
      and (l.trigger is not null or l.niche is not null)
      and drip._matches_sequence(l, p.program, p.token)
      and ((p.program).auto_enroll = 'trigger'
           or drip._is_new_to_sequence(l.id, (p.program).id))
    group by 1, 2
    order by 1
  loop
    select d.enrolled, d.lead_ids
    into v_done
    from drip._enroll_chunk(
      v_match.sequence_id, v_match.lead_ids, v_match.chained_from) d;
    v_enrolled := v_enrolled + v_done.enrolled;
    if v_match.token is not null then
      v_leads_consumed := v_leads_consumed || v_done.lead_ids;
      v_tokens_consumed := v_tokens_consumed
        || array_fill(v_match.token, array[cardinality(v_done.lead_ids)]);
    end if;
  end loop;

  update drip.leads l
  set enroll_check = false,
    trigger = case
      when c.tokens is null then l.trigger
      else (
        select string_agg(t.token, ',' order by t.place)
        from unnest(string_to_array(l.trigger, ',')) with ordinality as t (token, place)
        where lower(btrim(t.token)) <> all (c.tokens))
    end,
    chained = l.chained - coalesce(c.tokens, '{}')
  from unnest(v_leads) as k (id)
  left join (
    select u.lead_id, array_agg(u.token) as tokens
    from unnest(v_leads_consumed, v_tokens_consumed) as u (lead_id, token)
    group by u.lead_id
  ) c on c.lead_id = k.id
  where l.id = k.id;

  -- Fewer than asked for: what is left is held by somebody and not worth another call now.
  if cardinality(v_leads) = v_limit then
    select count(*)
    into v_remaining
    from (select from drip.leads l where l.enroll_check limit 100000) q;
  end if;
  return query
    select
      v_enrolled,
      cardinality(v_leads_consumed)::bigint,
      cardinality(v_leads)::bigint,
      greatest(v_remaining, case when v_is_marking then 1 else 0 end);
end
$$;


ALTER FUNCTION drip.enroll_matching_leads(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION enroll_matching_leads(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.enroll_matching_leads(p_limit integer) IS 'Enrolls up to p_limit leads whose trigger or niche matches an active sequence, and consumes the
   tokens. remaining is above 0 while another call has something to do at once.';


--
-- Name: erase_lead(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.erase_lead(p_phone text, p_reason text DEFAULT NULL::text) RETURNS TABLE(lead_id bigint, cancelled integer, scrubbed integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_user bigint := drip._tenant();
  v_lead drip.leads := drip._find_lead(v_user, p_phone);
  v_nobody text := '+999' || lpad(v_lead.id::text, 12, '0');
  v_enrollments bigint[];
  v_cancelled integer;
  v_scrubbed integer;
begin
  if exists (
    select from drip.broadcast_messages m
    where m.lead_id = v_lead.id and m.status = 'processing'
  ) then
    perform drip._fail(
      'DR005', 'a message to this lead is being sent', 'Try again in a minute.');
  end if;
  -- No country has the code 999, so nobody is written to under this number.
  update drip.leads l
  set phone = v_nobody, external_id = null, name = null, niche = null, trigger = null,
    time_zone = null, language = null, attributes = '{}', chained = '{}', paused_until = null,
    pause_reason = null, last_inbound_at = null
  where l.id = v_lead.id;

  select array_agg(e.id order by e.id)
  into v_enrollments
  from drip.sequence_contacts e
  where e.lead_id = v_lead.id;
  select coalesce(sum(x.cancelled), 0)
  into v_cancelled
  from drip._exit_enrollments(v_enrollments, 'erased') x;
  update drip.sequence_contacts e
  set contact_phone = v_nobody, contact_name = null, attributes = '{}'
  where e.lead_id = v_lead.id;

  with locked as (
    select m.id, m.status
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id
    order by m.id
    for no key update
  ),
  scrubbed as (
    update drip.broadcast_messages m
    set status = case when m.status = 'pending' then 'cancelled' else m.status end,
      status_reason = case when m.status = 'pending' then 'erased' else m.status_reason end,
      finished_at = case when m.status = 'pending' then v_now else m.finished_at end,
      not_before = null, deferred_reason = null,
      recipient_phone = v_nobody, recipient_name = null, content = null, caption = null,
      media_url = null, template = null, idempotency_key = null,
      source = case when m.source is not null then jsonb '{}' end
    from locked k
    where m.id = k.id
    returning k.status
  )
  select count(*), v_cancelled + count(*) filter (where s.status = 'pending')
  into v_scrubbed, v_cancelled
  from scrubbed s;

  update drip.inbound_messages i
  set sender = v_nobody, body = null
  where i.user_id = v_user and i.lead_id = v_lead.id;
  update drip.receipts r
  set body = null
  where r.user_id = v_user
    and r.message_id in (
      select m.id from drip.broadcast_messages m where m.lead_id = v_lead.id);
  delete from drip.lead_aliases a where a.user_id = v_user and a.lead_id = v_lead.id;
  perform drip._audit(v_user, 'erase_lead', 'lead', v_lead.id, p_reason);
  return query select v_lead.id, v_cancelled, v_scrubbed, 'erased'::text;
end
$$;


ALTER FUNCTION drip.erase_lead(p_phone text, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION erase_lead(p_phone text, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.erase_lead(p_phone text, p_reason text) IS 'Removes a person: phone, name, attributes, texts and replies go, what is pending is cancelled,
   the rows stay for the counts, an opt-out of the phone stays too. Outcome: erased.';


--
-- Name: exit_lead(text, text, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.exit_lead(p_sequence text, p_phone text, p_reason text DEFAULT NULL::text, p_key text DEFAULT ''::text) RETURNS TABLE(enrollment_id bigint, lead_id bigint, outcome text, cancelled integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_phone constant text := (
    select drip._normalize_phone(p_phone, u.default_region)
    from drip.users u
    where u.id = v_sequence.user_id);
  v_lead constant bigint := (
    select l.id
    from drip.leads l
    where l.user_id = v_sequence.user_id and l.phone = v_phone);
  v_live constant bigint[] := array(
    select e.id
    from drip.sequence_contacts e
    where e.sequence_id = v_sequence.id
      and e.lead_id = v_lead
      and e.key = coalesce(p_key, '')
      and e.completed_at is null);
begin
  return query
    select x.enrollment_id, x.lead_id, 'exited', x.cancelled
    from drip._exit_enrollments(v_live, coalesce(nullif(btrim(p_reason), ''), 'exit_lead')) x;
  if not found then
    return query select null::bigint, v_lead, 'not_enrolled', 0;
  end if;
end
$$;


ALTER FUNCTION drip.exit_lead(p_sequence text, p_phone text, p_reason text, p_key text) OWNER TO postgres;

--
-- Name: FUNCTION exit_lead(p_sequence text, p_phone text, p_reason text, p_key text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.exit_lead(p_sequence text, p_phone text, p_reason text, p_key text) IS 'Ends the lead''s journey through a sequence and cancels what is pending. Outcomes: exited,
   not_enrolled.';


--
-- Name: expand_campaigns(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.expand_campaigns(p_limit integer DEFAULT 5000) RETURNS TABLE(campaign_id bigint, title text, inserted bigint, audience bigint, remaining bigint, status text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  c_attempts constant integer := 5;
  v_now constant timestamptz := drip.now();
  v_limit constant integer := least(greatest(coalesce(p_limit, 5000), 1), 100000);
  v_campaign drip.campaigns;
  v_inserted bigint := 0;
  v_others bigint;
begin
  select c.*
  into v_campaign
  from drip.campaigns c
  where c.status in ('pending', 'triggered')
    and drip._is_expansion_due(c, v_now)
  order by c.scheduled_at, c.id
  limit 1
  for no key update skip locked;
  if not found then
    return;
  end if;

  begin
    v_inserted := drip._expand_chunk(v_campaign, v_limit);
  exception
    when others then
      update drip.campaigns c
      set last_error = format('%s: %s', sqlstate, sqlerrm),
        last_run_at = v_now,
        expand_attempts = c.expand_attempts + 1,
        status = case
          when c.expand_attempts + 1 >= c_attempts then 'failed' else c.status end,
        status_reason = case
          when c.expand_attempts + 1 >= c_attempts
            then format('planning failed %s times: %s', c_attempts, sqlerrm)
          else c.status_reason
        end
      where c.id = v_campaign.id;
  end;

  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id;
  select count(*)
  into v_others
  from drip.campaigns c
  where c.status in ('pending', 'triggered')
    and c.id <> v_campaign.id
    and drip._is_expansion_due(c, v_now);
  return query
    select
      v_campaign.id, v_campaign.title, v_inserted, v_campaign.audience_count::bigint,
      v_others + case
        when drip._is_expansion_due(v_campaign, v_now) and v_campaign.status = 'triggered'
          then greatest(v_campaign.audience_count - (
            select count(*)
            from drip.broadcast_messages m
            where m.campaign_id = v_campaign.id), 1)
        else 0
      end,
      v_campaign.status;
end
$$;


ALTER FUNCTION drip.expand_campaigns(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION expand_campaigns(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.expand_campaigns(p_limit integer) IS 'Plans up to p_limit messages of the campaign that is due longest; no row when none is due.
   inserted counts this call''s rows, audience the leads; remaining is above 0 while another call
   has something to do at once.';


--
-- Name: expire_leases(integer); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.expire_leases(p_limit integer DEFAULT 1000) RETURNS TABLE(expired bigint, remaining bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_expired bigint;
  v_enrollments bigint[];
  v_pacing jsonb;
begin
  with lapsed as (
    select m.id
    from drip.broadcast_messages m
    where m.status = 'processing' and m.lease_expires_at <= v_now
    order by m.id
    limit p_limit
    for no key update skip locked
  ),
  moved as (
    update drip.broadcast_messages m
    set status = case when r.again then 'pending' else 'unknown' end,
      status_reason = case when r.again then 'will_retry' else 'lease_expired' end,
      failures = m.failures + r.again::integer,
      not_before = case when r.again then v_now + interval '30 seconds' end,
      deferred_reason = case when r.again then 'not_due' end,
      lease_expires_at = null,
      error_code = 'LEASE_EXPIRED',
      error_message = 'the worker was lost while the message was with the sender',
      finished_at = case when not r.again then v_now end,
      hold_ended_at = null
    from lapsed l
    join drip.broadcast_messages n on n.id = l.id
    join drip.user_devices d on d.id = n.device_id
    cross join lateral (
      select d.unknown_policy = 'retry' and n.failures + 1 < n.max_failures as again
    ) r
    where m.id = l.id
    returning m.id, m.attempts, m.device_id, m.sequence_contact_id, m.status
  ),
  closed as (
    update drip.message_attempts a
    set finished_at = v_now, outcome = 'lease_expired', error_code = 'LEASE_EXPIRED'
    from moved x
    where a.message_id = x.id and a.attempt = x.attempts and a.finished_at is null
  )
  select
    count(*),
    array_agg(distinct x.sequence_contact_id) filter (where x.sequence_contact_id is not null),
    -- it may have been sent, so it counts as one of the day's sends
    (select jsonb_agg(q.*) from (
      select y.device_id, 0 as results, 0 as failures, count(*) as sent
      from moved y
      group by y.device_id) q)
  into v_expired, v_enrollments, v_pacing
  from moved x;

  if v_pacing is not null then
    perform drip._pace_results(v_pacing);
    perform drip._sync_enrollments(v_enrollments);
  end if;
  return query
    select v_expired, (
      select count(*)
      from drip.broadcast_messages m
      where m.status = 'processing' and m.lease_expires_at <= v_now);
end
$$;


ALTER FUNCTION drip.expire_leases(p_limit integer) OWNER TO postgres;

--
-- Name: FUNCTION expire_leases(p_limit integer); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.expire_leases(p_limit integer) IS 'Turns lapsed leases into unknown (or, where the device''s policy says so, into a retry).';


--
-- Name: explain_message(bigint); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.explain_message(p_message bigint) RETURNS TABLE(message_id bigint, user_id bigint, status text, verdict text, reason text, sentence text, earliest timestamp with time zone, scheduled_at timestamp with time zone, planned_at timestamp with time zone, device text, source text, attempts integer, failures integer, last_error text, remedy text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_users bigint[] := drip._mapped_users();
begin
  return query
    select
      m.id, m.user_id, m.status, w.verdict, w.reason,
      case
        when m.status = 'pending' and w.reason is null
          then 'It may go now; its device takes it next.'
        when m.status = 'processing' then pg_catalog.format(
          'Worker %s is handing it over; the lease ends at %s.', m.worker_id, m.lease_expires_at)
        when m.status = 'sent' then pg_catalog.format('It was sent at %s.', m.sent_at)
        else drip.reason_sentence(w.reason)
      end,
      case when m.status = 'pending' then coalesce(j.until, case j.verdict when 'go' then drip.now()
        end) end,
      m.scheduled_at, m.planned_at, d.name,
      coalesce(
        'campaign ' || c.title,
        'sequence ' || s.name || ', step ' || st.day_number,
        'single message'),
      m.attempts, m.failures,
      nullif(concat_ws(': ', m.error_code, m.error_message), ''),
      case w.reason
        when 'sequence_paused' then pg_catalog.format(
          'select * from drip.resume_sequence(%L);', s.id::text)
        when 'campaign_paused' then pg_catalog.format(
          'select * from drip.%s(%L);',
          case c.status when 'failed' then 'schedule_campaign' else 'resume_campaign' end,
          c.id::text)
        when 'device_disabled' then pg_catalog.format(
          'select * from drip.set_device_status(%L, ''online'', ''enabled again'');', d.id::text)
        when 'device_attention' then pg_catalog.format(
          '-- log the device in at its gateway (%s), then: '
          || 'select * from drip.set_device_status(%L, ''online'', ''fixed'');',
          coalesce(d.status_reason, 'no reason given'), d.id::text)
        when 'no_device' then
          'select * from drip.upsert_device(''name'', ''gowa'', null, ''http://…'', ''instance'');'
        when 'user_inactive' then pg_catalog.format(
          'update drip.users set is_active = true where id = %s;', m.user_id)
      end
    from drip.broadcast_messages m
    left join drip.user_devices d on d.id = m.device_id
    left join drip.campaigns c on c.id = m.campaign_id
    left join drip.sequences s on s.id = m.sequence_id
    left join drip.sequence_steps st on st.id = m.sequence_stepid
    left join drip._judge_messages(array[p_message]) j on j.message_id = m.id
    cross join lateral (
      select
        case when m.status = 'pending' then j.verdict else 'final' end as verdict,
        case when m.status = 'pending' then j.reason else m.status_reason end as reason
    ) w
    where m.id = p_message and m.user_id = any (v_users);
  if not found then
    perform drip._fail(
      'DR012', pg_catalog.format('there is no message %s', coalesce(p_message::text, 'null')),
      'Look it up: select message_id from drip.message_log where …');
  end if;
end
$$;


ALTER FUNCTION drip.explain_message(p_message bigint) OWNER TO postgres;

--
-- Name: FUNCTION explain_message(p_message bigint); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.explain_message(p_message bigint) IS 'One row: the verdict on a message, in words, the earliest time it may go, and what mends it.';


--
-- Name: find_lead(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.find_lead(p_phone text) RETURNS TABLE(lead_id bigint, user_id bigint, phone text, name text, niche text, trigger text, target_status text, device_id bigint, time_zone text, language text, external_id text, attributes jsonb, is_paused boolean, paused_until timestamp with time zone, pause_reason text, is_suppressed boolean, suppressed text, last_inbound_at timestamp with time zone, created_at timestamp with time zone, updated_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_users bigint[] := drip._mapped_users();
  v_sees_phones boolean := pg_catalog.pg_has_role(
    coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user),
    'drip_pii', 'member');
begin
  return query
    select
      l.id, l.user_id,
      case when v_sees_phones then l.phone else drip.mask_phone(l.phone) end,
      l.name, l.niche, l.trigger, l.target_status, l.device_id, l.time_zone, l.language,
      l.external_id, l.attributes,
      coalesce(l.paused_until > drip.now(), false), nullif(l.paused_until, 'infinity'),
      l.pause_reason,
      s.category is not null, s.category, l.last_inbound_at, l.created_at, l.updated_at
    from (
      select g.region, drip._normalize_phone(p_phone, g.region) as phone
      from (
        select distinct u.default_region as region
        from drip.users u
        where u.id = any (v_users)
      ) g
    ) r
    join drip.users u on u.default_region is not distinct from r.region and u.id = any (v_users)
    join drip.leads l on l.user_id = u.id and l.phone = r.phone
    left join lateral (
      select min(k.category) as category
      from drip.suppressions k
      where k.user_id = l.user_id and k.phone = l.phone
    ) s on true
    order by l.user_id;
end
$$;


ALTER FUNCTION drip.find_lead(p_phone text) OWNER TO postgres;

--
-- Name: FUNCTION find_lead(p_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.find_lead(p_phone text) IS 'The lead of a phone, one row per tenant of the caller that has it; the phone is masked without
   drip_pii. suppressed: all, marketing or null; is_paused without paused_until lasts until
   resume_lead.';


--
-- Name: get_campaign(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.get_campaign(p_campaign text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
begin
  return (
    select
      jsonb_build_object(
        'id', c.id, 'user', u.name, 'status', c.status, 'status_reason', c.status_reason,
        'scheduled_local', c.scheduled_at at time zone u.time_zone,
        'audience_count', c.audience_count, 'expanded_at', c.expanded_at,
        'paused_at', c.paused_at, 'last_error', c.last_error, 'last_run_at', c.last_run_at,
        'completed_at', c.completed_at, 'created_at', c.created_at, 'updated_at', c.updated_at)
      || drip._campaign_definition(c.id)
    from drip.campaigns c
    join drip.users u on u.id = c.user_id
    where c.id = v_campaign.id);
end
$$;


ALTER FUNCTION drip.get_campaign(p_campaign text) OWNER TO postgres;

--
-- Name: FUNCTION get_campaign(p_campaign text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.get_campaign(p_campaign text) IS 'The campaign as JSON: its definition, and its id, user, status, times and last error.';


--
-- Name: get_sequence(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.get_sequence(p_sequence text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
begin
  return (
    select
      jsonb_build_object(
        'id', s.id, 'user', u.name, 'status', s.status, 'status_reason', s.status_reason,
        'paused_at', s.paused_at, 'started_at', s.started_at, 'created_at', s.created_at,
        'updated_at', s.updated_at)
      || drip._sequence_definition(s.id)
      || jsonb_build_object('steps', coalesce((
        select jsonb_agg(d.step || jsonb_build_object('id', st.id) order by d.place)
        from jsonb_array_elements(drip._sequence_definition(s.id) -> 'steps')
          with ordinality as d (step, place)
        join drip.sequence_steps st
          on st.sequence_id = s.id and st.day_number = (d.step ->> 'day_number')::integer),
        '[]'))
    from drip.sequences s
    join drip.users u on u.id = s.user_id
    where s.id = v_sequence.id);
end
$$;


ALTER FUNCTION drip.get_sequence(p_sequence text) OWNER TO postgres;

--
-- Name: FUNCTION get_sequence(p_sequence text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.get_sequence(p_sequence text) IS 'The sequence as JSON: its definition with all steps, and its id, user, status and times.';


--
-- Name: import_leads(jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.import_leads(p_leads jsonb) RETURNS TABLE("row" integer, phone text, lead_id bigint, outcome text, problem text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_rule text;
begin
  if coalesce(jsonb_typeof(p_leads), 'null') <> 'array' then
    perform drip._fail(
      'DR001', 'p_leads is not a JSON array', 'Write [{"phone": "+60123456789"}, …].');
  end if;
  for v_try in 1 .. 5 loop
    begin
      return query
        select i.row, i.phone, i.lead_id, i.outcome, i.problem
        from drip._import_leads(v_user, p_leads) i;
      return;
    exception when unique_violation then
      -- Somebody took one of the external_ids meanwhile; another look sees whose it is.
      get stacked diagnostics v_rule = constraint_name;
      if v_rule <> 'leads_external_unique' or v_try = 5 then
        raise;
      end if;
    end;
  end loop;
end
$$;


ALTER FUNCTION drip.import_leads(p_leads jsonb) OWNER TO postgres;

--
-- Name: FUNCTION import_leads(p_leads jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.import_leads(p_leads jsonb) IS 'Makes or patches leads [{phone, name, niche, target_status, trigger, device, time_zone,
   language, external_id, attributes}] as upsert_lead does. One row per element, numbered from 1;
   outcome: created, updated, unchanged, duplicate (a phone of an earlier row; its values count),
   invalid (problem says why).';


--
-- Name: list_devices_to_check(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.list_devices_to_check() RETURNS TABLE(device_id bigint, platform text, endpoint text, instance text, secret_name text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
  select d.id, d.platform, d.endpoint, d.instance, d.secret_name
  from drip.user_devices d
  join drip.users u on u.id = d.user_id
  where d.status <> 'disabled' and u.is_active
  order by d.id
$$;


ALTER FUNCTION drip.list_devices_to_check() OWNER TO postgres;

--
-- Name: FUNCTION list_devices_to_check(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.list_devices_to_check() IS 'Devices that are not disabled, of active users, with what is needed to ask their sender.';


--
-- Name: mask_phone(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.mask_phone(p_phone text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select left(p_phone, 4) || repeat('*', greatest(length(p_phone) - 7, 0)) || right(p_phone, 3)
$$;


ALTER FUNCTION drip.mask_phone(p_phone text) OWNER TO postgres;

--
-- Name: FUNCTION mask_phone(p_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.mask_phone(p_phone text) IS 'A phone with all but its first four and last three characters starred.';


--
-- Name: mask_phone_in(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.mask_phone_in(p_text text, p_phone text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select replace(p_text, ltrim(p_phone, '+'), ltrim(drip.mask_phone(p_phone), '+'))
$$;


ALTER FUNCTION drip.mask_phone_in(p_text text, p_phone text) OWNER TO postgres;

--
-- Name: FUNCTION mask_phone_in(p_text text, p_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.mask_phone_in(p_text text, p_phone text) IS 'The text with that phone masked in it, written with or without +.';


--
-- Name: next_wakeup(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.next_wakeup() RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
  select min(greatest(p.next_look_at, p.next_send_at)) from drip.device_pacing p
$$;


ALTER FUNCTION drip.next_wakeup() OWNER TO postgres;

--
-- Name: FUNCTION next_wakeup(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.next_wakeup() IS 'When the next device wants to be looked at; null without devices.';


--
-- Name: now(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.now() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select case
    when coalesce(pg_catalog.current_setting('drip.fake_now', true), '') = ''
    then pg_catalog.now()
    else drip._fake_now()
  end
$$;


ALTER FUNCTION drip.now() OWNER TO postgres;

--
-- Name: FUNCTION now(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.now() IS 'The clock: the time of the transaction, or a set time in a test database.';


--
-- Name: opt_in(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.opt_in(p_phone text, p_category text DEFAULT NULL::text) RETURNS TABLE(lead_id bigint, phone text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_phone text := drip._expect_phone(v_user, p_phone);
  v_category text := case when p_category is not null then drip._check_category(p_category) end;
  v_lead bigint;
  v_outcome text := 'not_suppressed';
begin
  delete from drip.suppressions s
  where s.user_id = v_user
    and s.phone = v_phone
    and (v_category is null or s.category = v_category);
  if found then
    v_outcome := 'removed';
    update drip.leads l
    set enroll_check = true
    where l.user_id = v_user
      and l.phone = v_phone
      and not l.enroll_check
      and (l.trigger is not null or l.niche is not null);
  end if;
  select l.id into v_lead from drip.leads l where l.user_id = v_user and l.phone = v_phone;
  return query select v_lead, v_phone, v_outcome;
end
$$;


ALTER FUNCTION drip.opt_in(p_phone text, p_category text) OWNER TO postgres;

--
-- Name: FUNCTION opt_in(p_phone text, p_category text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.opt_in(p_phone text, p_category text) IS 'Takes opt-outs of a phone back: of one category (all, marketing), or both for null. Outcome:
   removed, not_suppressed.';


--
-- Name: opt_out(text, text, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.opt_out(p_phone text, p_reason text DEFAULT NULL::text, p_category text DEFAULT 'all'::text, p_source text DEFAULT 'application'::text) RETURNS TABLE(lead_id bigint, phone text, outcome text, cancelled integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_phone text := drip._expect_phone(v_user, p_phone);
begin
  return query
    select o.lead_id, v_phone, o.outcome, o.cancelled
    from drip._opt_out(
      v_user, v_phone, drip._check_category(p_category), p_reason,
      coalesce(nullif(btrim(p_source), ''), 'application')) o;
end
$$;


ALTER FUNCTION drip.opt_out(p_phone text, p_reason text, p_category text, p_source text) OWNER TO postgres;

--
-- Name: FUNCTION opt_out(p_phone text, p_reason text, p_category text, p_source text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.opt_out(p_phone text, p_reason text, p_category text, p_source text) IS 'Stops a phone, known as a lead or not: category all (default) or marketing. Cancels what is
   pending and ends its journeys. Outcome: suppressed, already_suppressed; cancelled counts
   messages.';


--
-- Name: pause_campaign(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.pause_campaign(p_campaign text, p_reason text DEFAULT NULL::text) RETURNS TABLE(campaign_id bigint, status text, pending bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
  v_status text;
  v_outcome text := 'already_paused';
begin
  update drip.campaigns c
  set status = 'paused', status_reason = nullif(btrim(p_reason), '')
  where c.id = v_campaign.id and c.status in ('pending', 'triggered');
  if found then
    v_outcome := 'paused';
    perform drip._audit(
      v_campaign.user_id, 'pause_campaign', 'campaign', v_campaign.id, p_reason);
  end if;
  select c.status into v_status from drip.campaigns c where c.id = v_campaign.id;
  if v_status <> 'paused' then
    perform drip._fail(
      'DR005', format('the campaign %s is %s', quote_literal(v_campaign.title), v_status),
      'Only a campaign that is pending or triggered can be paused.');
  end if;
  return query
    select
      v_campaign.id, v_status,
      (select count(*)
       from drip.broadcast_messages m
       where m.campaign_id = v_campaign.id and m.status = 'pending'),
      v_outcome;
end
$$;


ALTER FUNCTION drip.pause_campaign(p_campaign text, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION pause_campaign(p_campaign text, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.pause_campaign(p_campaign text, p_reason text) IS 'Stops a campaign: once this has committed, nothing unclaimed of it leaves. pending counts the
   messages that are held. Outcomes: paused, already_paused.';


--
-- Name: pause_lead(text, timestamp with time zone, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.pause_lead(p_phone text, p_until timestamp with time zone DEFAULT NULL::timestamp with time zone, p_reason text DEFAULT NULL::text) RETURNS TABLE(lead_id bigint, phone text, paused_until timestamp with time zone, held integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_until timestamptz := coalesce(p_until, 'infinity');
  v_reason text := nullif(btrim(p_reason), '');
  v_lead drip.leads := drip._find_lead(drip._tenant(), p_phone);
  v_held integer;
  v_outcome text;
begin
  if v_until <= v_now then
    perform drip._fail(
      'DR001', 'p_until is not in the future', 'Leave it out to pause until resume_lead.');
  end if;
  select l.*
  into v_lead
  from drip.leads l
  where l.id = v_lead.id
  for no key update;
  v_outcome := case
    when v_lead.paused_until = v_until and v_lead.pause_reason is not distinct from v_reason
      then 'already_paused'
    else 'paused'
  end;
  if v_outcome = 'paused' then
    update drip.leads l
    set paused_until = v_until, pause_reason = v_reason
    where l.id = v_lead.id;
  end if;
  -- A claim that has one of these rows is waited for.
  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id and m.status = 'pending'
    order by m.id
    for no key update
  ),
  held as (
    update drip.broadcast_messages m
    set not_before = v_until, deferred_reason = 'lead_paused'
    from locked k
    where m.id = k.id
      and (m.not_before is null or m.not_before < v_until or m.deferred_reason = 'lead_paused')
    returning m.id
  )
  select count(*)
  into v_held
  from locked;
  perform drip._sync_enrollments(array(
    select e.id
    from drip.sequence_contacts e
    where e.lead_id = v_lead.id and e.completed_at is null));
  -- Drivers choke on infinity.
  return query
    select v_lead.id, v_lead.phone, nullif(v_until, 'infinity'), v_held, v_outcome;
end
$$;


ALTER FUNCTION drip.pause_lead(p_phone text, p_until timestamp with time zone, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION pause_lead(p_phone text, p_until timestamp with time zone, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.pause_lead(p_phone text, p_until timestamp with time zone, p_reason text) IS 'Sends nothing to the lead until an instant, or until resume_lead for null (then paused_until is
   null as well); held counts its pending messages. Outcome: paused, already_paused.';


--
-- Name: pause_sequence(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.pause_sequence(p_sequence text, p_reason text DEFAULT NULL::text) RETURNS TABLE(sequence_id bigint, status text, pending bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_outcome text := 'already_paused';
begin
  if v_sequence.status not in ('active', 'paused') then
    perform drip._fail(
      'DR005',
      format('the sequence %s is %s', quote_literal(v_sequence.name), v_sequence.status),
      'Only an active sequence can be paused.');
  end if;
  update drip.sequences s
  set status = 'paused', status_reason = nullif(btrim(p_reason), '')
  where s.id = v_sequence.id and s.status = 'active';
  if found then
    v_outcome := 'paused';
    perform drip._audit(
      v_sequence.user_id, 'pause_sequence', 'sequence', v_sequence.id, p_reason);
  end if;
  return query
    select
      s.id, s.status,
      (select count(*)
       from drip.sequence_contacts e
       join drip.broadcast_messages m on m.sequence_contact_id = e.id
       where e.sequence_id = s.id and e.completed_at is null and m.status = 'pending'),
      v_outcome
    from drip.sequences s
    where s.id = v_sequence.id;
end
$$;


ALTER FUNCTION drip.pause_sequence(p_sequence text, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION pause_sequence(p_sequence text, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.pause_sequence(p_sequence text, p_reason text) IS 'Stops a sequence: once this has committed, nothing unclaimed of it leaves. pending counts the
   messages that are held. Outcomes: paused, already_paused.';


--
-- Name: reason_sentence(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.reason_sentence(p_reason text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case p_reason
    when 'not_due' then 'Its time has not come.'
    when 'sequence_paused' then 'The sequence is paused.'
    when 'campaign_paused' then 'The campaign is paused.'
    when 'campaign_cancelled' then 'The campaign was cancelled.'
    when 'enrollment_paused' then 'The journey is paused.'
    when 'enrollment_finished' then 'The journey has ended.'
    when 'lead_paused' then 'The contact is paused.'
    when 'predecessor_pending' then 'The step before it has not been sent.'
    when 'predecessor_unknown' then 'Nobody knows whether the step before it arrived.'
    when 'suppressed' then 'The contact has opted out.'
    when 'outside_window' then 'It is outside the sending hours.'
    when 'weekend' then 'It is the weekend at the contact''s place.'
    when 'contact_gap' then 'The contact got another message too recently.'
    when 'contact_cap' then 'The contact has had the most messages allowed for now.'
    when 'service_window_closed' then
      'The contact has not written within 24 hours, so only a template may go.'
    when 'no_device' then 'No device is there to send it.'
    when 'device_offline' then 'The device is offline.'
    when 'device_attention' then 'The device needs attention.'
    when 'device_disabled' then 'The device was disabled by a person.'
    when 'device_pacing' then 'The device is pausing between two messages.'
    when 'device_cap' then 'The device has sent its most for today.'
    when 'ramp' then 'The device is warming up and has sent its most for today.'
    when 'device_closed_hours' then 'The device is outside its hours.'
    when 'account_cap' then 'The account has reached as many contacts as it may in 24 hours.'
    when 'account_blocked' then 'The account is blocked.'
    when 'breaker_open' then 'Too many messages of the device failed; it rests.'
    when 'campaign_device_limit' then 'The campaign''s limit for the device was reached.'
    when 'guard_false' then 'The step''s guard said no.'
    when 'guard_error' then 'The step''s guard failed.'
    when 'expired' then 'Its time was over before it could be sent.'
    when 'user_inactive' then 'The tenant is switched off.'
    when 'no_answer' then 'The sender gave no clear answer; it may have arrived.'
    when 'lease_expired' then 'The worker was lost while it was sending; it may have arrived.'
    when 'max_failures' then 'It failed as often as it may.'
    when 'refused' then 'The sender refused it.'
    when 'opted_out' then 'The contact has opted out at the provider.'
    when 'will_retry' then 'It failed and will be tried again.'
    when 'device_error' then 'The device failed; the message waits.'
    when 'exit_lead' then 'The contact was taken out of the sequence.'
    when 'sequence_archived' then 'The sequence was archived.'
    when 'erased' then 'The contact was erased.'
    when 'skipped_by_resume' then 'It was overdue when the program was resumed.'
    else p_reason
  end
$$;


ALTER FUNCTION drip.reason_sentence(p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION reason_sentence(p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.reason_sentence(p_reason text) IS 'The sentence for a reason''s code.';


--
-- Name: record_results(text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.record_results(p_worker text, p_results jsonb) RETURNS TABLE(message_id bigint, status text, applied boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_material TO 'off'
    SET jit TO 'off'
    AS $_$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_bad text;
  v_moved bigint[];
  v_enrollments bigint[];
  v_pacing jsonb;
  v_devices jsonb;
begin
  if coalesce(jsonb_typeof(p_results), 'null') <> 'array' then
    perform drip._fail(
      'DR001', 'p_results is not an array of results',
      'Pass [{"message_id": 1, "attempt": 1, "outcome": "accepted", …}].');
  end if;
  select e.value::text
  into v_bad
  from jsonb_array_elements(p_results) e
  where coalesce(e.value ->> 'outcome', '') not in ('accepted', 'retry', 'permanent', 'unknown')
    or coalesce(e.value ->> 'scope', 'recipient') not in ('recipient', 'device', 'account')
    or coalesce(e.value ->> 'message_id', '') !~ '^\d{1,18}$'
    or coalesce(e.value ->> 'attempt', '') !~ '^\d{1,9}$'
    or coalesce(e.value ->> 'retry_after_seconds', '0') !~ '^\d{1,9}(\.\d+)?$'
  limit 1;
  if v_bad is not null then
    perform drip._fail(
      'DR004', pg_catalog.format('a result cannot be read: %s', left(v_bad, 200)),
      'message_id and attempt are whole numbers; outcome is accepted, retry, permanent or unknown; '
      || 'scope is recipient, device or account; retry_after_seconds is a number.');
  end if;

  perform
  from drip.broadcast_messages m
  where m.id = any (array(
    select (e.value ->> 'message_id')::bigint from jsonb_array_elements(p_results) e))
  order by m.id
  for no key update;

  with given as (
    select distinct on (r.message_id, r.attempt)
      r.message_id, r.attempt, r.outcome, coalesce(r.scope, 'recipient') as scope,
      r.provider_message_id, r.error_code, left(r.error_message, 500) as error_message,
      r.retry_after_seconds
    from jsonb_to_recordset(p_results) as r (
      message_id bigint, attempt integer, outcome text, scope text, provider_message_id text,
      error_code text, error_message text, retry_after_seconds numeric)
    order by r.message_id, r.attempt, (r.outcome = 'accepted') desc
  ),
  closed as (
    update drip.message_attempts a
    set finished_at = coalesce(a.finished_at, v_now),
      outcome = g.outcome,
      error_code = g.error_code,
      error_message = g.error_message,
      provider_message_id = g.provider_message_id
    from given g
    where a.message_id = g.message_id
      and a.attempt = g.attempt
      and (a.finished_at is null
           or (a.outcome in ('lease_expired', 'unknown') and g.outcome <> 'unknown'))
    returning a.device_id, g.*
  ),
  decided as (
    select distinct on (g.message_id)
      g.message_id, g.attempt, g.outcome, g.provider_message_id, g.error_code, g.error_message,
      g.device_id, d.account_id, d.unknown_policy, m.failures, m.max_failures, m.lead_id,
      m.user_id, m.recipient_phone, m.sequence_contact_id,
      -- an attempt that is settled late was booked when it became unknown
      m.status <> 'processing' as is_late,
      case
        when g.outcome in ('accepted', 'unknown') then g.scope else coalesce(x.scope, g.scope)
      end as scope,
      case
        when g.outcome = 'accepted' then 'sent'
        when g.outcome = 'unknown' then 'unknown'
        when x.action is not null then x.action
        when g.outcome = 'retry' then 'retry'
        when g.scope = 'recipient' then 'fail'
        else 'stop'
      end as action,
      coalesce(g.retry_after_seconds * interval '1 second', x.wait) as wait,
      coalesce(x.auto_resume, false) as auto_resume,
      coalesce(x.meaning, g.error_message, g.error_code, 'the sender gave no reason') as meaning
    from closed g
    join drip.broadcast_messages m on m.id = g.message_id
    left join drip.user_devices d on d.id = g.device_id
    left join drip.error_codes x on x.platform = d.platform and x.code = g.error_code
    where (m.status in ('processing', 'unknown') and m.attempts = g.attempt)
      -- the contact has got it, whatever became of the message meanwhile
      or (g.outcome = 'accepted' and m.status not in ('processing', 'sent'))
    order by g.message_id, (g.outcome = 'accepted') desc, g.attempt desc
  ),
  fated as (
    select
      d.*,
      case
        when d.action = 'sent' then 'sent'
        when d.action = 'unknown' then case
          when d.unknown_policy = 'retry' and d.failures + 1 < d.max_failures then 'pending'
          else 'unknown'
        end
        when d.action in ('fail', 'opt_out') then 'failed'
        when d.action = 'retry' and d.scope = 'recipient' and d.failures + 1 >= d.max_failures
          then 'failed'
        else 'pending'
      end as fate,
      case
        when d.scope = 'recipient' or d.action = 'unknown'
          then coalesce(d.wait, interval '30 seconds' * power(4, least(d.failures, 5)))
        else interval '0'
      end as message_wait,
      -- one that waits for a person has its status; a pause on top would outlast the repair
      case
        when d.action = 'stop' and not d.auto_resume then coalesce(d.wait, interval '0')
        else coalesce(d.wait, interval '15 seconds')
      end as device_wait
    from decided d
  ),
  moved as (
    update drip.broadcast_messages m
    set status = f.fate,
      status_reason = case
        when f.fate = 'sent' then null
        when f.fate = 'unknown' then 'no_answer'
        when f.fate = 'failed' and f.action = 'retry' then 'max_failures'
        when f.fate = 'failed' and f.action = 'opt_out' then 'opted_out'
        when f.fate = 'failed' then 'refused'
        when f.scope = 'recipient' or f.action = 'unknown' then 'will_retry'
        else 'device_error'
      end,
      failures = m.failures
        + (f.fate = 'failed' or (f.fate = 'pending' and f.scope = 'recipient')
           or (f.fate = 'pending' and f.action = 'unknown'))::integer,
      not_before = case
        when f.fate = 'pending' and f.message_wait > interval '0' then v_now + f.message_wait end,
      deferred_reason = case
        when f.fate = 'pending' and f.message_wait > interval '0' then 'not_due' end,
      worker_id = case when f.fate = 'pending' then null else m.worker_id end,
      lease_expires_at = null,
      provider_message_id = coalesce(f.provider_message_id, m.provider_message_id),
      error_code = case when f.fate <> 'sent' then f.error_code end,
      error_message = case when f.fate <> 'sent' then f.error_message end,
      sent_at = case when f.fate = 'sent' then v_now end,
      finished_at = case when f.fate <> 'pending' then v_now end,
      hold_ended_at = null
    from fated f
    where m.id = f.message_id
    returning m.id, m.status, m.sequence_contact_id
  ),
  reached as (
    insert into drip.account_reach as r (account_id, lead_id, last_sent_at)
    select distinct f.account_id, f.lead_id, v_now
    from fated f
    join drip.sender_accounts sa on sa.id = f.account_id
    where f.fate in ('sent', 'unknown') and sa.reach_cap is not null
    order by f.account_id, f.lead_id
    on conflict (account_id, lead_id) do update set last_sent_at = excluded.last_sent_at
  ),
  opted_out as (
    insert into drip.suppressions (user_id, phone, category, reason, source, created_at)
    select distinct f.user_id, f.recipient_phone, 'marketing', f.meaning, 'provider', v_now
    from fated f
    where f.action = 'opt_out'
    on conflict (user_id, phone, category) do nothing
  )
  select
    array_agg(m.id),
    array_agg(distinct m.sequence_contact_id) filter (where m.sequence_contact_id is not null),
    (select jsonb_agg(q.*) from (
      select
        f.device_id,
        count(*) filter (where not f.is_late) as results,
        count(*) filter (where not f.is_late and f.fate <> 'sent') as failures,
        count(*) filter (where not f.is_late and f.action in ('sent', 'unknown'))
          - count(*) filter (where f.is_late and f.action not in ('sent', 'unknown')) as sent,
        max(f.device_wait) filter (
          where f.scope in ('device', 'account') and f.action in ('retry', 'stop')) as wait
      from fated f
      where f.device_id is not null
      group by f.device_id) q),
    (select jsonb_agg(q.*) from (
      select distinct on (f.device_id)
        f.device_id, f.account_id, f.scope, f.action, f.meaning, f.auto_resume, f.device_wait
      from fated f
      where f.scope in ('device', 'account') and f.action in ('stop', 'retry')
      order by f.device_id, f.action desc) q)
  into v_moved, v_enrollments, v_pacing, v_devices
  from moved m;

  if v_pacing is not null then
    perform drip._pace_results(v_pacing);
  end if;
  if v_devices is not null then
    perform drip._stop_devices(v_devices);
  end if;
  if v_enrollments is not null then
    perform drip._advance_journeys(v_enrollments);
    perform drip._sync_enrollments(v_enrollments);
  end if;

  return query
    select
      r.message_id,
      m.status,
      coalesce(
        a.outcome = r.outcome and (m.attempts = r.attempt or m.id = any (v_moved)), false)
    from jsonb_to_recordset(p_results) as r (message_id bigint, attempt integer, outcome text)
    left join drip.broadcast_messages m on m.id = r.message_id
    left join drip.message_attempts a on a.message_id = r.message_id and a.attempt = r.attempt
    order by r.message_id;
end
$_$;


ALTER FUNCTION drip.record_results(p_worker text, p_results jsonb) OWNER TO postgres;

--
-- Name: FUNCTION record_results(p_worker text, p_results jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.record_results(p_worker text, p_results jsonb) IS 'Records outcomes [{message_id, attempt, outcome: accepted|retry|permanent|unknown, scope:
   recipient|device|account, provider_message_id, error_code, error_message,
   retry_after_seconds}]; applied is false for an attempt that no longer holds its message.';


--
-- Name: release_messages(text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.release_messages(p_worker text, p_messages jsonb) RETURNS TABLE(message_id bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
begin
  if coalesce(jsonb_typeof(p_messages), 'null') <> 'array' or exists (
    select
    from jsonb_array_elements(p_messages) e
    where coalesce(e.value ->> 'message_id', '') !~ '^\d{1,18}$'
      or coalesce(e.value ->> 'attempt', '') !~ '^\d{1,9}$')
  then
    perform drip._fail(
      'DR001', 'p_messages is not an array of claimed messages',
      'Pass [{"message_id": 1, "attempt": 1}].');
  end if;
  return query
    with given as (
      select distinct r.message_id, r.attempt
      from jsonb_to_recordset(p_messages) as r (message_id bigint, attempt integer)
    ),
    held as (
      select m.id
      from drip.broadcast_messages m
      join given g on g.message_id = m.id and g.attempt = m.attempts
      where m.status = 'processing' and m.worker_id = p_worker
      order by m.id
      for no key update of m
    ),
    freed as (
      update drip.broadcast_messages m
      set status = 'pending', worker_id = null, lease_expires_at = null
      from held h
      where m.id = h.id
      returning m.id, m.attempts, m.device_id
    ),
    closed as (
      update drip.message_attempts a
      set finished_at = v_now, outcome = 'released'
      from freed f
      where a.message_id = f.id and a.attempt = f.attempts
    ),
    looked as (
      update drip.device_pacing p
      set next_look_at = v_now
      where p.device_id in (select f.device_id from freed f)
    )
    select g.message_id, case when f.id is null then 'not_held' else 'released' end
    from given g
    left join freed f on f.id = g.message_id
    order by g.message_id;
end
$_$;


ALTER FUNCTION drip.release_messages(p_worker text, p_messages jsonb) OWNER TO postgres;

--
-- Name: FUNCTION release_messages(p_worker text, p_messages jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.release_messages(p_worker text, p_messages jsonb) IS 'Gives back [{message_id, attempt}] that this worker never handed over; outcome released or
   not_held.';


--
-- Name: report_device(bigint, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.report_device(p_device bigint, p_status text, p_reason text DEFAULT NULL::text) RETURNS TABLE(device_id bigint, status text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_device drip.user_devices;
  v_reason text := nullif(left(btrim(p_reason), 500), '');
begin
  perform drip._check_device_status(p_status);
  if p_status = 'disabled' then
    perform drip._fail(
      'DR001', 'a sender cannot disable a device', 'Use set_device_status.');
  end if;
  select d.*
  into v_device
  from drip.user_devices d
  where d.id = p_device
  for no key update skip locked;
  if v_device.id is null then
    if not exists (select from drip.user_devices d where d.id = p_device) then
      perform drip._fail(
        'DR012', pg_catalog.format('there is no device %s', coalesce(p_device::text, 'null')),
        'list_devices_to_check() lists those to report on.');
    end if;
    return query
      select d.id, d.status, 'busy'::text from drip.user_devices d where d.id = p_device;
    return;
  end if;
  if v_device.status = 'disabled' then
    return query select v_device.id, v_device.status, 'disabled'::text;
    return;
  end if;
  -- Unreachable says less than logged out: only an online report ends that.
  if p_status = v_device.status or (p_status = 'offline' and v_device.status = 'needs_attention')
  then
    update drip.user_devices d
    set last_seen = v_now,
      status_reason = case
        when p_status = v_device.status then coalesce(v_reason, d.status_reason)
        else d.status_reason
      end
    where d.id = p_device;
    return query select v_device.id, v_device.status, 'unchanged'::text;
    return;
  end if;
  update drip.user_devices d
  set status = p_status, status_reason = v_reason, status_since = v_now, last_seen = v_now
  where d.id = p_device;
  if p_status = 'online' then
    perform drip._notify_wake(array[p_device]);
  end if;
  return query select p_device, p_status, 'changed'::text;
end
$$;


ALTER FUNCTION drip.report_device(p_device bigint, p_status text, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION report_device(p_device bigint, p_status text, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.report_device(p_device bigint, p_status text, p_reason text) IS 'Notes what a sender says of its device: online, offline or needs_attention, and a reason.
   Outcome: changed, unchanged, disabled (left so), busy (somebody holds the row).';


--
-- Name: report_worker(text, text, integer, boolean); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.report_worker(p_worker text, p_version text DEFAULT NULL::text, p_concurrency integer DEFAULT NULL::integer, p_stopping boolean DEFAULT false) RETURNS TABLE(worker text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_worker text := nullif(btrim(left(p_worker, 200)), '');
  v_seen drip.workers;
begin
  if v_worker is null then
    perform drip._fail('DR001', 'the worker has no name', 'Pass p_worker.');
  end if;
  select w.* into v_seen from drip.workers w where w.name = v_worker;
  insert into drip.workers as w (name, version, concurrency, started_at, last_seen, stopped_at)
  values (
    v_worker, p_version, p_concurrency, v_now, v_now, case when p_stopping then v_now end)
  on conflict (name) do update
  set version = coalesce(excluded.version, w.version),
    concurrency = coalesce(excluded.concurrency, w.concurrency),
    started_at = case
      when w.stopped_at is not null and not coalesce(p_stopping, false) then v_now
      else w.started_at
    end,
    last_seen = v_now,
    stopped_at = excluded.stopped_at;
  return query
    select
      v_worker,
      case
        when p_stopping then 'stopped'
        when v_seen.name is null or v_seen.stopped_at is not null then 'started'
        else 'seen'
      end;
end
$$;


ALTER FUNCTION drip.report_worker(p_worker text, p_version text, p_concurrency integer, p_stopping boolean) OWNER TO postgres;

--
-- Name: FUNCTION report_worker(p_worker text, p_version text, p_concurrency integer, p_stopping boolean); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.report_worker(p_worker text, p_version text, p_concurrency integer, p_stopping boolean) IS 'Notes that a worker lives, with its version and free send slots. Outcome: started, seen,
   stopped.';


--
-- Name: resume_campaign(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.resume_campaign(p_campaign text) RETURNS TABLE(campaign_id bigint, status text, pending bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_campaign constant drip.campaigns := drip._find_campaign(p_campaign);
  v_status text;
  v_outcome text := 'already_running';
begin
  update drip.campaigns c
  set status = case
      when c.expanded_at is not null or c.expanded_to_lead_id > 0 then 'triggered'
      else 'pending'
    end,
    status_reason = null
  where c.id = v_campaign.id and c.status = 'paused';
  if found then
    v_outcome := 'resumed';
    perform drip._audit(v_campaign.user_id, 'resume_campaign', 'campaign', v_campaign.id);
  end if;
  select c.status into v_status from drip.campaigns c where c.id = v_campaign.id;
  if v_status not in ('pending', 'triggered') then
    perform drip._fail(
      'DR005', format('the campaign %s is %s', quote_literal(v_campaign.title), v_status),
      'Only a paused campaign can be resumed; schedule_campaign starts a draft.');
  end if;
  return query
    select
      v_campaign.id, v_status,
      (select count(*)
       from drip.broadcast_messages m
       where m.campaign_id = v_campaign.id and m.status = 'pending'),
      v_outcome;
end
$$;


ALTER FUNCTION drip.resume_campaign(p_campaign text) OWNER TO postgres;

--
-- Name: FUNCTION resume_campaign(p_campaign text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.resume_campaign(p_campaign text) IS 'Lets a paused campaign go on; pending counts the messages that may leave. Outcomes: resumed,
   already_running.';


--
-- Name: resume_lead(text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.resume_lead(p_phone text) RETURNS TABLE(lead_id bigint, phone text, freed integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_lead drip.leads := drip._find_lead(drip._tenant(), p_phone);
  v_outcome text;
  v_freed integer;
  v_devices bigint[];
begin
  select l.*
  into v_lead
  from drip.leads l
  where l.id = v_lead.id
  for no key update;
  v_outcome := case when v_lead.paused_until > v_now then 'resumed' else 'not_paused' end;
  if v_lead.paused_until is not null then
    update drip.leads l
    set paused_until = null, pause_reason = null,
      enroll_check = l.trigger is not null or l.niche is not null
    where l.id = v_lead.id;
  end if;
  with locked as (
    select m.id
    from drip.broadcast_messages m
    where m.lead_id = v_lead.id and m.status = 'pending' and m.deferred_reason = 'lead_paused'
    order by m.id
    for no key update
  ),
  freed as (
    update drip.broadcast_messages m
    set not_before = null, deferred_reason = null
    from locked k
    where m.id = k.id
    returning m.device_id, m.scheduled_at
  )
  select
    count(*),
    array_agg(distinct f.device_id)
      filter (where f.device_id is not null and f.scheduled_at <= v_now + interval '15 seconds')
  into v_freed, v_devices
  from freed f;
  perform drip._sync_enrollments(array(
    select e.id
    from drip.sequence_contacts e
    where e.lead_id = v_lead.id and e.completed_at is null));
  perform drip._notify_wake(v_devices);
  return query select v_lead.id, v_lead.phone, v_freed, v_outcome;
end
$$;


ALTER FUNCTION drip.resume_lead(p_phone text) OWNER TO postgres;

--
-- Name: FUNCTION resume_lead(p_phone text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.resume_lead(p_phone text) IS 'Ends the pause of a lead; freed counts the messages it held. Outcome: resumed, not_paused.';


--
-- Name: resume_sequence(text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.resume_sequence(p_sequence text, p_policy text DEFAULT 'shift'::text) RETURNS TABLE(sequence_id bigint, status text, moved bigint, skipped bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_sequence constant drip.sequences := drip._find_sequence(p_sequence);
  v_policy constant text := coalesce(lower(btrim(p_policy)), 'shift');
  v_resumed jsonb := '[0, 0]';
  v_outcome text := 'already_active';
begin
  if v_policy not in ('shift', 'catch_up', 'skip') then
    perform drip._fail(
      'DR001', format('there is no policy %s', quote_literal(p_policy)),
      'shift moves the times by the pause, catch_up leaves them, skip drops what is overdue.');
  end if;
  if v_sequence.status not in ('active', 'paused') then
    perform drip._fail(
      'DR005',
      format('the sequence %s is %s', quote_literal(v_sequence.name), v_sequence.status),
      'Only a paused sequence can be resumed; start_sequence starts a draft.');
  end if;
  perform set_config('drip.resume_policy', v_policy, true);
  update drip.sequences s
  set status = 'active', status_reason = null
  where s.id = v_sequence.id and s.status = 'paused';
  if found then
    v_outcome := 'resumed';
    v_resumed := current_setting('drip.resumed')::jsonb;
    perform drip._audit(
      v_sequence.user_id, 'resume_sequence', 'sequence', v_sequence.id, null,
      jsonb_build_object('policy', v_policy));
  end if;
  perform set_config('drip.resume_policy', '', true);
  return query
    select v_sequence.id, 'active', (v_resumed ->> 0)::bigint, (v_resumed ->> 1)::bigint, v_outcome;
end
$$;


ALTER FUNCTION drip.resume_sequence(p_sequence text, p_policy text) OWNER TO postgres;

--
-- Name: FUNCTION resume_sequence(p_sequence text, p_policy text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.resume_sequence(p_sequence text, p_policy text) IS 'Lets a paused sequence go on. p_policy: shift (times move by the pause''s length), catch_up
   (times stay), skip (overdue messages are skipped). Outcomes: resumed, already_active.';


--
-- Name: schedule_campaign(text, timestamp with time zone, timestamp without time zone); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.schedule_campaign(p_campaign text, p_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_local timestamp without time zone DEFAULT NULL::timestamp without time zone) RETURNS TABLE(campaign_id bigint, status text, scheduled_at timestamp with time zone, scheduled_local timestamp without time zone, audience bigint, excluded_suppressed bigint, estimated_end timestamp with time zone, warnings text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_zone constant text := (select u.time_zone from drip.users u where u.id = v_campaign.user_id);
  v_at timestamptz;
  v_outlook record;
  v_warnings text[] := '{}';
begin
  if p_at is not null and p_local is not null then
    perform drip._fail(
      'DR001', 'p_at and p_local are both given', 'Give the instant or the wall clock, not both.');
  end if;
  if not isfinite(p_at) or not isfinite(p_local) then
    perform drip._fail('DR001', 'the time is not finite', 'Leave it out to send now.');
  end if;
  select c.* into v_campaign from drip.campaigns c where c.id = v_campaign.id for no key update;
  if v_campaign.status not in ('draft', 'pending', 'failed') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'Drafts, campaigns that have not begun and failed ones can be scheduled;'
      ' resume_campaign lets a paused one go on.');
  end if;
  v_at := coalesce(
    p_at, drip._local_instant(p_local, v_zone), v_campaign.scheduled_at, v_now);
  if v_at < v_now and v_campaign.expanded_to_lead_id = 0 then
    v_warnings := v_warnings || format(
      'the time %s is past: it runs at once',
      to_char(v_at at time zone v_zone, 'YYYY-MM-DD HH24:MI'));
    v_at := v_now;
  elsif v_at < v_now then
    v_at := coalesce(v_campaign.scheduled_at, v_now);
  end if;
  update drip.campaigns c
  set status = case when c.expanded_to_lead_id > 0 then 'triggered' else 'pending' end,
    status_reason = null, scheduled_at = v_at, expand_attempts = 0, last_error = null
  where c.id = v_campaign.id
  returning c.* into v_campaign;
  perform drip._audit(
    v_campaign.user_id, 'schedule_campaign', 'campaign', v_campaign.id, null,
    jsonb_build_object('scheduled_at', v_at));

  select o.* into v_outlook from drip._campaign_outlook(v_campaign) o;
  return query
    select
      v_campaign.id, v_campaign.status, v_campaign.scheduled_at,
      v_campaign.scheduled_at at time zone v_zone,
      v_outlook.audience, v_outlook.suppressed, v_outlook.ends_at,
      v_warnings || v_outlook.warnings;
end
$$;


ALTER FUNCTION drip.schedule_campaign(p_campaign text, p_at timestamp with time zone, p_local timestamp without time zone) OWNER TO postgres;

--
-- Name: FUNCTION schedule_campaign(p_campaign text, p_at timestamp with time zone, p_local timestamp without time zone); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.schedule_campaign(p_campaign text, p_at timestamp with time zone, p_local timestamp without time zone) IS 'Schedules a campaign at an instant or at the user''s wall clock; with neither at the
   scheduled_at of its definition, else now. A failed one goes on where it stopped. estimated_end
   counts messages and mean delays per device, not sending windows.';


--
-- Name: send_message(text, text, text, text, text, text, jsonb, text, timestamp with time zone, text, interval, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.send_message(p_phone text, p_content text DEFAULT NULL::text, p_category text DEFAULT 'utility'::text, p_message_type text DEFAULT 'text'::text, p_media_url text DEFAULT NULL::text, p_caption text DEFAULT NULL::text, p_template jsonb DEFAULT NULL::jsonb, p_device text DEFAULT NULL::text, p_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_name text DEFAULT NULL::text, p_valid_for interval DEFAULT NULL::interval, p_idempotency_key text DEFAULT NULL::text) RETURNS TABLE(message_id bigint, lead_id bigint, outcome text, reason text, scheduled_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_user bigint := drip._tenant();
  v_lead record;
  v_device bigint;
  v_at timestamptz := coalesce(p_at, v_now);
  v_id bigint;
begin
  if p_category is null or p_category not in ('utility', 'marketing') then
    perform drip._fail(
      'DR001', pg_catalog.format('%L is no category', p_category),
      'Use utility or marketing.');
  end if;
  if p_message_type is null
    or p_message_type not in ('text', 'image', 'video', 'document', 'audio', 'template')
  then
    perform drip._fail(
      'DR008', pg_catalog.format('%L is no message type', p_message_type),
      'Use text, image, video, document, audio or template.');
  end if;
  if p_message_type = 'text' and nullif(btrim(p_content), '') is null then
    perform drip._fail('DR008', 'a text message has no content', 'Pass p_content.');
  end if;
  if p_message_type = 'text' and p_media_url is not null then
    perform drip._fail(
      'DR008', 'a text message has a media URL',
      'Pass p_message_type image, video, document or audio.');
  end if;
  if p_message_type in ('image', 'video', 'document', 'audio')
    and coalesce(p_media_url !~ '^https?://[^\s]+$', true)
  then
    perform drip._fail(
      'DR008', pg_catalog.format('a message of type %s has no media URL', p_message_type),
      'Pass p_media_url as http(s)://….');
  end if;
  if p_message_type = 'template' and p_template is null then
    perform drip._fail('DR008', 'a template message has no template', 'Pass p_template.');
  end if;
  if not isfinite(p_at) then
    perform drip._fail('DR001', 'p_at is no instant', 'Leave it out to send now.');
  end if;
  if p_valid_for <= interval '0' then
    perform drip._fail(
      'DR001', 'p_valid_for is not positive', 'Pass an interval such as ''2 hours''.');
  end if;

  if p_idempotency_key is not null then
    return query
      select m.id, m.lead_id, 'already_sent', null::text, m.scheduled_at
      from drip.broadcast_messages m
      where m.user_id = v_user and m.idempotency_key = p_idempotency_key;
    if found then
      return;
    end if;
  end if;
  if p_device is not null then
    select d.id into v_device from drip._find_device(p_device, v_user) d;
  end if;

  select g.lead_id, g.phone, g.problem
  into v_lead
  from drip._get_or_create_leads(v_user, array[p_phone], array[p_name]) g;
  if v_lead.problem is not null then
    perform drip._fail(
      'DR002', pg_catalog.format('%L is not a phone: %s', p_phone, v_lead.problem),
      'Write it as +60123456789, or set the user''s default_region.');
  end if;
  if exists (
    select
    from drip.suppressions sp
    where sp.user_id = v_user and sp.phone = v_lead.phone
      and (sp.category = 'all' or p_category = 'marketing'))
  then
    return query
      select null::bigint, v_lead.lead_id, 'suppressed', 'the contact has opted out',
        null::timestamptz;
    return;
  end if;

  insert into drip.broadcast_messages (
    user_id, device_id, lead_id, recipient_phone, recipient_name, category, message_type, source,
    idempotency_key, priority, scheduled_at, planned_at, expires_at, created_at)
  select
    v_user,
    coalesce(v_device, l.device_id, drip._pool_device(v_user, l.id)),
    l.id, l.phone, l.name, p_category, p_message_type,
    jsonb_strip_nulls(jsonb_build_object(
      'content', p_content, 'caption', p_caption, 'media_url', p_media_url,
      'template', p_template)),
    p_idempotency_key, 1, v_at, v_at, v_at + p_valid_for, v_now
  from drip.leads l
  where l.id = v_lead.lead_id
  on conflict (user_id, idempotency_key) where idempotency_key is not null do nothing
  returning id, device_id into v_id, v_device;
  if v_id is null then
    return query
      select m.id, m.lead_id, 'already_sent', null::text, m.scheduled_at
      from drip.broadcast_messages m
      where m.user_id = v_user and m.idempotency_key = p_idempotency_key;
    return;
  end if;
  if v_at <= v_now + interval '15 seconds' and v_device is not null then
    perform drip._notify_wake(array[v_device]);
  end if;
  return query select v_id, v_lead.lead_id, 'planned', null::text, v_at;
end
$_$;


ALTER FUNCTION drip.send_message(p_phone text, p_content text, p_category text, p_message_type text, p_media_url text, p_caption text, p_template jsonb, p_device text, p_at timestamp with time zone, p_name text, p_valid_for interval, p_idempotency_key text) OWNER TO postgres;

--
-- Name: FUNCTION send_message(p_phone text, p_content text, p_category text, p_message_type text, p_media_url text, p_caption text, p_template jsonb, p_device text, p_at timestamp with time zone, p_name text, p_valid_for interval, p_idempotency_key text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.send_message(p_phone text, p_content text, p_category text, p_message_type text, p_media_url text, p_caption text, p_template jsonb, p_device text, p_at timestamp with time zone, p_name text, p_valid_for interval, p_idempotency_key text) IS 'Plans one message to a phone. Outcomes: planned, already_sent (same idempotency key),
   suppressed.';


--
-- Name: set_device_status(text, text, text); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.set_device_status(p_device text, p_status text, p_reason text DEFAULT NULL::text) RETURNS TABLE(device_id bigint, status text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_device drip.user_devices := drip._find_device(p_device);
  v_status text := lower(btrim(p_status));
  v_reason text := nullif(btrim(p_reason), '');
begin
  perform drip._check_device_status(v_status);
  select d.*
  into v_device
  from drip.user_devices d
  where d.id = v_device.id
  for no key update;
  if (v_device.status, coalesce(v_reason, v_device.status_reason))
    is not distinct from (v_status, v_device.status_reason)
  then
    return query select v_device.id, v_status, 'unchanged'::text;
    return;
  end if;
  update drip.user_devices d
  set status = v_status,
    status_reason = v_reason,
    status_since = case when d.status = v_status then d.status_since else drip.now() end
  where d.id = v_device.id;
  perform drip._audit(
    v_device.user_id, 'set_device_status', 'device', v_device.id, v_reason,
    jsonb_build_object('from', v_device.status, 'to', v_status));
  if v_status = 'online' then
    perform drip._notify_wake(array[v_device.id]);
  end if;
  return query select v_device.id, v_status, 'changed'::text;
end
$$;


ALTER FUNCTION drip.set_device_status(p_device text, p_status text, p_reason text) OWNER TO postgres;

--
-- Name: FUNCTION set_device_status(p_device text, p_status text, p_reason text); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.set_device_status(p_device text, p_status text, p_reason text) IS 'Sets a device (id or name) to online, offline, needs_attention or disabled; only this lifts
   disabled. Outcome: changed, unchanged.';


--
-- Name: start_sequence(text, boolean); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.start_sequence(p_sequence text, p_include_existing boolean DEFAULT false) RETURNS TABLE(sequence_id bigint, name text, status text, matching bigint, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_sequence drip.sequences := drip._find_sequence(p_sequence);
  v_outcome text := 'started';
  v_token text;
begin
  if v_sequence.status = 'paused' then
    perform drip._fail(
      'DR005', format('the sequence %s is paused', quote_literal(v_sequence.name)),
      'resume_sequence(…, policy) says what becomes of the waiting messages.');
  end if;
  if v_sequence.status = 'active' then
    v_outcome := 'already_active';
  end if;
  update drip.sequences s
  set status = 'active',
    status_reason = case when v_outcome = 'started' then null else s.status_reason end,
    include_existing = s.include_existing or coalesce(p_include_existing, false)
  where s.id = v_sequence.id
  returning s.* into v_sequence;
  v_token := drip._entry_token(v_sequence);
  if v_outcome = 'started' then
    perform drip._audit(
      v_sequence.user_id, 'start_sequence', 'sequence', v_sequence.id, null,
      jsonb_build_object('include_existing', v_sequence.include_existing));
  end if;
  return query
    select
      v_sequence.id, v_sequence.name, v_sequence.status,
      (select count(*)
       from drip.leads l
       where l.user_id = v_sequence.user_id
         and drip._matches_sequence(l, v_sequence, v_token)),
      v_outcome;
end
$$;


ALTER FUNCTION drip.start_sequence(p_sequence text, p_include_existing boolean) OWNER TO postgres;

--
-- Name: FUNCTION start_sequence(p_sequence text, p_include_existing boolean); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.start_sequence(p_sequence text, p_include_existing boolean) IS 'Activates a sequence. matching counts the leads that match it now; p_include_existing lets
   auto_enroll niche take leads older than the start. Outcomes: started, already_active.
   DR006 without a trigger, DR007 without steps.';


--
-- Name: tick(); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.tick() RETURNS TABLE(task text, rows bigint, remaining bigint, error text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_task text;
  v_rows bigint;
  v_remaining bigint;
  v_error text;
  v_started timestamptz;
begin
  foreach v_task in array array[
    'expire_leases', 'end_unknown_holds', 'expire_messages', 'sync_enrollments', 'end_pauses',
    'bind_devices', 'fail_over', 'enroll_matching_leads', 'expand_campaigns',
    'complete_campaigns']
  loop
    v_rows := 0;
    v_remaining := 0;
    v_error := null;
    v_started := drip._wall_clock();
    begin
      case v_task
        when 'expire_leases' then
          select x.expired, x.remaining into v_rows, v_remaining from drip.expire_leases() x;
        when 'end_unknown_holds' then v_rows := drip._end_unknown_holds(1000);
        when 'expire_messages' then v_rows := drip._expire_messages(1000);
        when 'sync_enrollments' then v_rows := drip._drain_sync_backlog(1000);
        when 'end_pauses' then v_rows := drip._end_lead_pauses(1000);
        when 'bind_devices' then v_rows := drip._bind_devices(1000);
        when 'fail_over' then v_rows := drip._move_failed_over(1000);
        when 'enroll_matching_leads' then
          select x.enrolled, x.remaining into v_rows, v_remaining
          from drip.enroll_matching_leads() x;
        when 'expand_campaigns' then
          select x.inserted, x.remaining into v_rows, v_remaining from drip.expand_campaigns() x;
        when 'complete_campaigns' then v_rows := drip._complete_campaigns(100);
      end case;
    exception when others then
      v_error := pg_catalog.format('%s: %s', sqlstate, sqlerrm);
    end;
    insert into drip.task_runs as t (
      name, last_run_at, duration_ms, rows, last_error, last_error_at)
    values (
      v_task, drip.now(),
      round(1000 * extract(epoch from drip._wall_clock() - v_started), 1),
      coalesce(v_rows, 0), v_error, case when v_error is not null then drip.now() end)
    on conflict (name) do update
    set last_run_at = excluded.last_run_at,
      duration_ms = excluded.duration_ms,
      rows = excluded.rows,
      last_error = coalesce(excluded.last_error, t.last_error),
      last_error_at = coalesce(excluded.last_error_at, t.last_error_at);
    return query select v_task, coalesce(v_rows, 0), coalesce(v_remaining, 0), v_error;
  end loop;
end
$$;


ALTER FUNCTION drip.tick() OWNER TO postgres;

--
-- Name: FUNCTION tick(); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.tick() IS 'Does one chunk of each sweep; one row per sweep: what it did, what remains, its error if any.';


--
-- Name: update_campaign(text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.update_campaign(p_campaign text, p_changes jsonb) RETURNS TABLE(campaign_id bigint, title text, status text, changed text[], outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
#variable_conflict use_column
declare
  v_campaign drip.campaigns := drip._find_campaign(p_campaign);
  v_old jsonb;
  v_values jsonb;
  v_changed text[];
  v_constraint text;
  v_detail text;
begin
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"niche": "…"}.');
  end if;
  -- The expansion holds the row while it plans: afterwards the status is what it left.
  select c.*
  into v_campaign
  from drip.campaigns c
  where c.id = v_campaign.id
  for no key update;
  if v_campaign.status not in ('draft', 'pending') then
    perform drip._fail(
      'DR005',
      format('the campaign %s is %s', quote_literal(v_campaign.title), v_campaign.status),
      'Only drafts and campaigns that have not begun can be changed.');
  end if;
  v_old := drip._campaign_definition(v_campaign.id);
  v_values := drip._campaign_values(v_campaign.user_id, p_changes, true);
  begin
    if v_values <> '{}' then
      execute format(
        'update drip.campaigns c set (%1$s) = (select %1$s'
        ' from pg_catalog.jsonb_populate_record(null::drip.campaigns, $1)) where c.id = $2',
        drip._column_list(v_values))
      using v_values, v_campaign.id;
    end if;
  exception
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  select coalesce(array_agg(n.key order by n.key), '{}')
  into v_changed
  from jsonb_each(drip._campaign_definition(v_campaign.id)) as n (key, value)
  where n.value is distinct from v_old -> n.key;
  if cardinality(v_changed) > 0 then
    perform drip._audit(
      v_campaign.user_id, 'update_campaign', 'campaign', v_campaign.id, null, p_changes);
  end if;
  return query
    select
      c.id, c.title, c.status, v_changed,
      case when cardinality(v_changed) > 0 then 'updated' else 'unchanged' end
    from drip.campaigns c
    where c.id = v_campaign.id;
end
$_$;


ALTER FUNCTION drip.update_campaign(p_campaign text, p_changes jsonb) OWNER TO postgres;

--
-- Name: FUNCTION update_campaign(p_campaign text, p_changes jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.update_campaign(p_campaign text, p_changes jsonb) IS 'Changes the named settings of a campaign that has not begun, and nothing else. changed lists
   what differs now. Outcomes: updated, unchanged.';


--
-- Name: update_sequence(text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.update_sequence(p_sequence text, p_changes jsonb) RETURNS TABLE(sequence_id bigint, name text, status text, changed text[], outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
#variable_conflict use_column
declare
  v_before constant drip.sequences := drip._find_sequence(p_sequence);
  v_old constant jsonb := drip._sequence_definition(v_before.id);
  v_values jsonb;
  v_step record;
  v_changed text[];
  v_constraint text;
  v_detail text;
begin
  if p_changes is null then
    perform drip._fail('DR001', 'there are no changes', 'Give a JSON object: {"niche": "…"}.');
  end if;
  v_values := drip._sequence_values(v_before.user_id, p_changes - 'steps', true);
  begin
    if v_values <> '{}' then
      execute format(
        'update drip.sequences s set (%1$s) = (select %1$s'
        ' from pg_catalog.jsonb_populate_record(null::drip.sequences, $1)) where s.id = $2',
        drip._column_list(v_values))
      using v_values, v_before.id;
    end if;
    if p_changes ? 'steps' then
      if exists (
        select from drip.sequence_contacts e where e.sequence_id = v_before.id
      ) then
        perform drip._fail(
          'DR005',
          format('the sequence %s has journeys that were planned from its steps',
                 quote_literal(v_before.name)),
          'Copy it under another name: create_sequence(get_sequence(…) || ''{"name": "…"}'').');
      end if;
      delete from drip.sequence_steps st where st.sequence_id = v_before.id;
      perform drip._insert_steps(v_before.id, p_changes -> 'steps');
    end if;
  exception
    when integrity_constraint_violation then
      get stacked diagnostics v_constraint = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_constraint, v_detail);
  end;
  for v_step in
    select
      st.day_number,
      coalesce(st.min_delay_seconds, s.min_delay_seconds) as shortest,
      coalesce(st.max_delay_seconds, s.max_delay_seconds) as longest
    from drip.sequences s
    join drip.sequence_steps st on st.sequence_id = s.id
    where s.id = v_before.id
    order by st.day_number
  loop
    perform drip._check_delays(
      v_step.shortest, v_step.longest, format('steps[%s].', v_step.day_number));
  end loop;
  -- An active sequence stays one that has steps and something that enrolls.
  perform drip._check_sequence_ready(s)
  from drip.sequences s
  where s.id = v_before.id and s.status in ('active', 'paused');

  select coalesce(array_agg(n.key order by n.key), '{}')
  into v_changed
  from jsonb_each(drip._sequence_definition(v_before.id)) as n (key, value)
  where n.value is distinct from v_old -> n.key;
  if cardinality(v_changed) > 0 then
    perform drip._audit(
      v_before.user_id, 'update_sequence', 'sequence', v_before.id, null, p_changes);
  end if;
  return query
    select
      s.id, s.name, s.status, v_changed,
      case when cardinality(v_changed) > 0 then 'updated' else 'unchanged' end
    from drip.sequences s
    where s.id = v_before.id;
end
$_$;


ALTER FUNCTION drip.update_sequence(p_sequence text, p_changes jsonb) OWNER TO postgres;

--
-- Name: FUNCTION update_sequence(p_sequence text, p_changes jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.update_sequence(p_sequence text, p_changes jsonb) IS 'Changes the named settings of a sequence and nothing else; steps only while nobody ever entered.
   changed lists what differs now. Outcomes: updated, unchanged.';


--
-- Name: upsert_device(text, text, text, text, text, text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.upsert_device(p_name text, p_platform text DEFAULT NULL::text, p_phone text DEFAULT NULL::text, p_endpoint text DEFAULT NULL::text, p_instance text DEFAULT NULL::text, p_secret_name text DEFAULT NULL::text, p_settings jsonb DEFAULT '{}'::jsonb) RETURNS TABLE(device_id bigint, name text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_now constant timestamptz := drip.now();
  v_user bigint := drip._tenant();
  v_old drip.user_devices;
  v_new drip.user_devices;
  v_outcome text;
  v_rule text;
  v_detail text;
begin
  if nullif(btrim(p_name), '') is null then
    perform drip._fail('DR001', 'the device has no name', 'Pass p_name.');
  end if;
  select d.*
  into v_old
  from drip.user_devices d
  where d.user_id = v_user and d.name = btrim(p_name)
  for no key update;
  if v_old.id is null then
    if nullif(btrim(p_platform), '') is null then
      perform drip._fail(
        'DR001', pg_catalog.format('the new device %s has no platform',
                                   pg_catalog.quote_literal(btrim(p_name))),
        'Pass p_platform: gowa, cloud_api, waha, evolution, wablas or whacenter.');
    end if;
    v_new := drip._new_device(v_user, btrim(p_name), v_now);
  else
    v_new := v_old;
  end if;
  v_new.platform := coalesce(lower(nullif(btrim(p_platform), '')), v_new.platform);
  v_new.endpoint := coalesce(rtrim(btrim(p_endpoint), '/'), v_new.endpoint);
  v_new.instance := coalesce(btrim(p_instance), v_new.instance);
  v_new.secret_name := coalesce(btrim(p_secret_name), v_new.secret_name);
  v_new.phone := case
    when p_phone is null then v_new.phone
    when btrim(p_phone) <> '' then drip._expect_phone(v_user, p_phone)
  end;
  v_new := drip._apply_settings(
    v_new,
    case when jsonb_typeof(p_settings) = 'object' then p_settings - 'account' else p_settings end,
    drip._settings_of('drip.user_devices'::regclass)
      || array['webhook_secret_name', 'verify_token_secret_name'],
    'a device');
  v_new.endpoint := nullif(v_new.endpoint, '');
  v_new.instance := nullif(v_new.instance, '');
  v_new.secret_name := nullif(v_new.secret_name, '');
  if jsonb_typeof(p_settings) = 'object' and p_settings ? 'account' then
    v_new.account_id := drip._device_account(v_user, p_settings ->> 'account', v_new.platform);
  end if;

  begin
    if v_old.id is null then
      insert into drip.user_devices as d (
        user_id, account_id, name, phone, platform, endpoint, instance, secret_name,
        webhook_secret_name, verify_token_secret_name, status, status_since,
        min_delay_seconds, max_delay_seconds, burst, in_pool, daily_cap, ramp, ramp_started_on,
        active_from, active_to, unknown_policy, failover_policy, created_at)
      values (
        v_user, v_new.account_id, v_new.name, v_new.phone, v_new.platform, v_new.endpoint,
        v_new.instance, v_new.secret_name, v_new.webhook_secret_name,
        v_new.verify_token_secret_name, v_new.status, v_now, v_new.min_delay_seconds,
        v_new.max_delay_seconds, v_new.burst, v_new.in_pool, v_new.daily_cap, v_new.ramp,
        v_new.ramp_started_on, v_new.active_from, v_new.active_to, v_new.unknown_policy,
        v_new.failover_policy, v_now)
      returning d.id
      into v_new.id;
      insert into drip.device_pacing (device_id, user_id, next_look_at, next_send_at)
      values (v_new.id, v_user, v_now, v_now);
      v_outcome := 'created';
    elsif v_new is distinct from v_old then
      update drip.user_devices d
      set account_id = v_new.account_id, phone = v_new.phone, platform = v_new.platform,
        endpoint = v_new.endpoint, instance = v_new.instance, secret_name = v_new.secret_name,
        webhook_secret_name = v_new.webhook_secret_name,
        verify_token_secret_name = v_new.verify_token_secret_name,
        min_delay_seconds = v_new.min_delay_seconds, max_delay_seconds = v_new.max_delay_seconds,
        burst = v_new.burst, in_pool = v_new.in_pool, daily_cap = v_new.daily_cap,
        ramp = v_new.ramp, ramp_started_on = v_new.ramp_started_on,
        active_from = v_new.active_from, active_to = v_new.active_to,
        unknown_policy = v_new.unknown_policy, failover_policy = v_new.failover_policy
      where d.id = v_old.id;
      v_outcome := 'updated';
    else
      v_outcome := 'unchanged';
    end if;
  exception
    when check_violation or unique_violation or foreign_key_violation then
      get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
      perform drip._constraint_error(v_rule, v_detail);
    when not_null_violation then
      get stacked diagnostics v_rule = column_name;
      perform drip._fail('DR004', pg_catalog.format('%s cannot be null', v_rule), 'Leave it out.');
  end;

  if v_outcome <> 'unchanged' then
    perform drip._audit(
      v_user, 'upsert_device', 'device', v_new.id, null,
      jsonb_build_object('outcome', v_outcome) || coalesce(p_settings, '{}'));
    perform drip._notify_wake(array[v_new.id]);
  end if;
  return query select v_new.id, v_new.name, v_outcome;
end
$$;


ALTER FUNCTION drip.upsert_device(p_name text, p_platform text, p_phone text, p_endpoint text, p_instance text, p_secret_name text, p_settings jsonb) OWNER TO postgres;

--
-- Name: FUNCTION upsert_device(p_name text, p_platform text, p_phone text, p_endpoint text, p_instance text, p_secret_name text, p_settings jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.upsert_device(p_name text, p_platform text, p_phone text, p_endpoint text, p_instance text, p_secret_name text, p_settings jsonb) IS 'Makes the device of that name or patches it; null leaves a field, an empty text clears it.
   Settings by column name of drip.user_devices, and account (made when it is new). Outcome:
   created, updated, unchanged.';


--
-- Name: upsert_lead(text, text, text, text, text, text, text, text, text, jsonb); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.upsert_lead(p_phone text, p_name text DEFAULT NULL::text, p_niche text DEFAULT NULL::text, p_target_status text DEFAULT NULL::text, p_trigger text DEFAULT NULL::text, p_device text DEFAULT NULL::text, p_time_zone text DEFAULT NULL::text, p_language text DEFAULT NULL::text, p_external_id text DEFAULT NULL::text, p_attributes jsonb DEFAULT NULL::jsonb) RETURNS TABLE(lead_id bigint, phone text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
  v_user bigint := drip._tenant();
  v_lead record;
  v_rule text;
  v_detail text;
begin
  select r.*
  into v_lead
  from drip._read_leads(v_user, jsonb_build_array(jsonb_build_object(
    'phone', p_phone, 'name', p_name, 'niche', p_niche, 'target_status', p_target_status,
    'trigger', p_trigger, 'device', p_device, 'time_zone', p_time_zone, 'language', p_language,
    'external_id', p_external_id, 'attributes', p_attributes))) r;
  if v_lead.code is not null then
    perform drip._fail(v_lead.code, v_lead.problem, v_lead.hint);
  end if;
  return query
    select w.lead_id, w.phone, w.outcome
    from drip._write_leads(
      v_user, array[v_lead.phone],
      array[v_lead.patch || jsonb_build_object(
        'tokens', v_lead.trigger, 'clear_trigger', v_lead.trigger = '',
        'attributes', coalesce(v_lead.attributes, '{}'))]) w;
exception
  when unique_violation or foreign_key_violation then
    get stacked diagnostics v_rule = constraint_name, v_detail = pg_exception_detail;
    perform drip._constraint_error(v_rule, v_detail);
end
$$;


ALTER FUNCTION drip.upsert_lead(p_phone text, p_name text, p_niche text, p_target_status text, p_trigger text, p_device text, p_time_zone text, p_language text, p_external_id text, p_attributes jsonb) OWNER TO postgres;

--
-- Name: FUNCTION upsert_lead(p_phone text, p_name text, p_niche text, p_target_status text, p_trigger text, p_device text, p_time_zone text, p_language text, p_external_id text, p_attributes jsonb); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.upsert_lead(p_phone text, p_name text, p_niche text, p_target_status text, p_trigger text, p_device text, p_time_zone text, p_language text, p_external_id text, p_attributes jsonb) IS 'Makes the lead of a phone or patches it: null leaves a field, an empty text clears it, trigger
   tokens join those not consumed yet, attributes are merged by key. Outcome: created, updated,
   unchanged.';


--
-- Name: wake_devices(bigint[]); Type: FUNCTION; Schema: drip; Owner: postgres
--

CREATE FUNCTION drip.wake_devices(p_devices bigint[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  v_now constant timestamptz := drip.now();
  v_count integer;
begin
  with locked as (
    select p.device_id
    from drip.device_pacing p
    where (coalesce(cardinality(p_devices), 0) = 0 or p.device_id = any (p_devices))
      and p.next_look_at > v_now
    order by p.device_id
    for no key update
  )
  update drip.device_pacing p
  set next_look_at = v_now
  from locked l
  where p.device_id = l.device_id;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;


ALTER FUNCTION drip.wake_devices(p_devices bigint[]) OWNER TO postgres;

--
-- Name: FUNCTION wake_devices(p_devices bigint[]); Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON FUNCTION drip.wake_devices(p_devices bigint[]) IS 'Has the next claim look at these devices (empty: all) at once; returns how many were parked.';


--
-- Name: _belongs_to_pgmq(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._belongs_to_pgmq(table_name text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    sql TEXT;
    result BOOLEAN;
BEGIN
  SELECT EXISTS (
    SELECT 1
    FROM pg_depend
    WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pgmq')
    AND objid = (
        SELECT oid
        FROM pg_class
        WHERE relname = table_name
    )
  ) INTO result;
  RETURN result;
END;
$$;


ALTER FUNCTION pgmq._belongs_to_pgmq(table_name text) OWNER TO postgres;

--
-- Name: _create_fifo_index_if_not_exists(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._create_fifo_index_if_not_exists(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
    index_name TEXT := qtable || '_fifo_idx';
BEGIN
    -- Create GIN index on headers for efficient FIFO key lookups
    EXECUTE FORMAT(
        $QUERY$
        CREATE INDEX IF NOT EXISTS %I ON pgmq.%I USING GIN (headers);
        $QUERY$,
        index_name, qtable
    );
END;
$_$;


ALTER FUNCTION pgmq._create_fifo_index_if_not_exists(queue_name text) OWNER TO postgres;

--
-- Name: _ensure_pg_partman_installed(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._ensure_pg_partman_installed() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NOT pgmq._extension_exists('pg_partman') THEN
    RAISE EXCEPTION 'pg_partman is required for partitioned queues';
  END IF;
END;
$$;


ALTER FUNCTION pgmq._ensure_pg_partman_installed() OWNER TO postgres;

--
-- Name: _extension_exists(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._extension_exists(extension_name text) RETURNS boolean
    LANGUAGE sql
    AS $$
SELECT EXISTS (
    SELECT 1
    FROM pg_extension
    WHERE extname = extension_name
)
$$;


ALTER FUNCTION pgmq._extension_exists(extension_name text) OWNER TO postgres;

--
-- Name: _get_partition_col(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._get_partition_col(partition_interval text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
  num INTEGER;
BEGIN
    BEGIN
        num := partition_interval::INTEGER;
        RETURN 'msg_id';
    EXCEPTION
        WHEN others THEN
            RETURN 'enqueued_at';
    END;
END;
$$;


ALTER FUNCTION pgmq._get_partition_col(partition_interval text) OWNER TO postgres;

--
-- Name: _get_pg_partman_major_version(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._get_pg_partman_major_version() RETURNS integer
    LANGUAGE sql
    AS $$
  SELECT split_part(extversion, '.', 1)::INT
  FROM pg_extension
  WHERE extname = 'pg_partman'
$$;


ALTER FUNCTION pgmq._get_pg_partman_major_version() OWNER TO postgres;

--
-- Name: _get_pg_partman_schema(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._get_pg_partman_schema() RETURNS text
    LANGUAGE sql
    AS $$
  SELECT
    extnamespace::regnamespace::text
  FROM
    pg_extension
  WHERE
    extname = 'pg_partman';
$$;


ALTER FUNCTION pgmq._get_pg_partman_schema() OWNER TO postgres;

--
-- Name: _send_batch(text, jsonb[], jsonb[], timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
            $QUERY$
        INSERT INTO pgmq.%I (vt, message, headers)
        SELECT $2, unnest($1), unnest(coalesce($3, ARRAY[]::jsonb[]))
        RETURNING msg_id;
        $QUERY$,
            qtable
           );
    RETURN QUERY EXECUTE sql USING msgs, delay, headers;
END;
$_$;


ALTER FUNCTION pgmq._send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) OWNER TO postgres;

--
-- Name: _validate_batch_params(jsonb[], jsonb[]); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq._validate_batch_params(msgs jsonb[], headers jsonb[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- Validate that msgs is not NULL or empty
    IF msgs IS NULL OR array_length(msgs, 1) IS NULL THEN
        RAISE EXCEPTION 'msgs cannot be NULL or empty';
    END IF;

    -- Validate that headers array length matches msgs array length if headers is provided
    -- Note: array_length returns NULL for empty arrays, so we use COALESCE to treat empty arrays as length 0
    IF headers IS NOT NULL AND COALESCE(array_length(headers, 1), 0) != COALESCE(array_length(msgs, 1), 0) THEN
        RAISE EXCEPTION 'headers array length (%) must match msgs array length (%)',
            COALESCE(array_length(headers, 1), 0), COALESCE(array_length(msgs, 1), 0);
    END IF;
END;
$$;


ALTER FUNCTION pgmq._validate_batch_params(msgs jsonb[], headers jsonb[]) OWNER TO postgres;

--
-- Name: acquire_queue_lock(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.acquire_queue_lock(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('pgmq.queue_' || queue_name));
END;
$$;


ALTER FUNCTION pgmq.acquire_queue_lock(queue_name text) OWNER TO postgres;

--
-- Name: archive(text, bigint[]); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.archive(queue_name text, msg_ids bigint[]) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
    atable TEXT := pgmq.format_table_name(queue_name, 'a');
BEGIN
    sql := FORMAT(
        $QUERY$
        WITH archived AS (
            DELETE FROM pgmq.%I
            WHERE msg_id = ANY($1)
            RETURNING msg_id, vt, read_ct, enqueued_at, last_read_at, message, headers
        )
        INSERT INTO pgmq.%I (msg_id, vt, read_ct, enqueued_at, last_read_at, message, headers)
        SELECT msg_id, vt, read_ct, enqueued_at, last_read_at, message, headers
        FROM archived
        RETURNING msg_id;
        $QUERY$,
        qtable, atable
    );
    RETURN QUERY EXECUTE sql USING msg_ids;
END;
$_$;


ALTER FUNCTION pgmq.archive(queue_name text, msg_ids bigint[]) OWNER TO postgres;

--
-- Name: archive(text, bigint); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.archive(queue_name text, msg_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    result BIGINT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
    atable TEXT := pgmq.format_table_name(queue_name, 'a');
BEGIN
    sql := FORMAT(
        $QUERY$
        WITH archived AS (
            DELETE FROM pgmq.%I
            WHERE msg_id = $1
            RETURNING msg_id, vt, read_ct, enqueued_at, last_read_at, message, headers
        )
        INSERT INTO pgmq.%I (msg_id, vt, read_ct, enqueued_at, last_read_at, message, headers)
        SELECT msg_id, vt, read_ct, enqueued_at, last_read_at, message, headers
        FROM archived
        RETURNING msg_id;
        $QUERY$,
        qtable, atable
    );
    EXECUTE sql USING msg_id INTO result;
    RETURN NOT (result IS NULL);
END;
$_$;


ALTER FUNCTION pgmq.archive(queue_name text, msg_id bigint) OWNER TO postgres;

--
-- Name: bind_topic(text, text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.bind_topic(pattern text, queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pgmq.validate_topic_pattern(pattern);
    IF queue_name IS NULL OR queue_name = '' THEN
        RAISE EXCEPTION 'queue_name cannot be NULL or empty';
    END IF;

    IF NOT EXISTS (SELECT 1 FROM pgmq.meta WHERE meta.queue_name = bind_topic.queue_name) THEN
        RAISE EXCEPTION 'Queue "%" does not exist. Create the queue first using pgmq.create()', queue_name;
    END IF;

    INSERT INTO pgmq.topic_bindings (pattern, queue_name)
    VALUES (pattern, queue_name)
    ON CONFLICT ON CONSTRAINT topic_bindings_unique_pattern_queue DO NOTHING;
END;
$$;


ALTER FUNCTION pgmq.bind_topic(pattern text, queue_name text) OWNER TO postgres;

--
-- Name: convert_archive_partitioned(text, text, text, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.convert_archive_partitioned(table_name text, partition_interval text DEFAULT '10000'::text, retention_interval text DEFAULT '100000'::text, leading_partition integer DEFAULT 10) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  a_table_name TEXT := pgmq.format_table_name(table_name, 'a');
  a_table_name_old TEXT := pgmq.format_table_name(table_name, 'a') || '_old';
  qualified_a_table_name TEXT := format('pgmq.%I', a_table_name);
  partition_col TEXT;
  a_partition_col TEXT;
BEGIN

  PERFORM c.relkind
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = a_table_name
    AND c.relkind = 'p';

  IF FOUND THEN
    RAISE NOTICE 'Table %s is already partitioned', a_table_name;
    RETURN;
  END IF;

  PERFORM c.relkind
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = a_table_name
    AND c.relkind = 'r';

  IF NOT FOUND THEN
    RAISE NOTICE 'Table %s does not exists', a_table_name;
    RETURN;
  END IF;

  SELECT pgmq._get_partition_col(partition_interval) INTO partition_col;

  -- For archive tables, use archived_at for time-based partitioning
  IF partition_col = 'enqueued_at' THEN
    a_partition_col := 'archived_at';
  ELSE
    a_partition_col := partition_col;
  END IF;

  EXECUTE 'ALTER TABLE ' || qualified_a_table_name || ' RENAME TO ' || a_table_name_old;

  -- When partitioning by time (archived_at), we need to exclude constraints and indexes
  -- because the existing PRIMARY KEY on msg_id alone is incompatible with partitioning by archived_at.
  -- When partitioning by msg_id, we can keep all constraints including PRIMARY KEY.
  IF a_partition_col = 'archived_at' THEN
    EXECUTE format( 'CREATE TABLE pgmq.%I (LIKE pgmq.%I including defaults including generated including storage including comments) PARTITION BY RANGE (%I)', a_table_name, a_table_name_old, a_partition_col );
  ELSE
    EXECUTE format( 'CREATE TABLE pgmq.%I (LIKE pgmq.%I including all) PARTITION BY RANGE (%I)', a_table_name, a_table_name_old, a_partition_col );
  END IF;

  EXECUTE 'ALTER INDEX pgmq.archived_at_idx_' || table_name || ' RENAME TO archived_at_idx_' || table_name || '_old';
  EXECUTE 'CREATE INDEX archived_at_idx_'|| table_name || ' ON ' || qualified_a_table_name ||'(archived_at)';

  -- https://github.com/pgpartman/pg_partman/blob/master/doc/pg_partman.md
  -- p_parent_table - the existing parent table. MUST be schema qualified, even if in public schema.
  EXECUTE FORMAT(
    $QUERY$
    SELECT %I.create_parent(
      p_parent_table := %L,
      p_control := %L,
      p_interval := %L,
      p_type := case
        when pgmq._get_pg_partman_major_version() = 5 then 'range'
        else 'native'
      end
    )
    $QUERY$,
    pgmq._get_pg_partman_schema(),
    qualified_a_table_name,
    a_partition_col,
    partition_interval
  );

  EXECUTE FORMAT(
    $QUERY$
    UPDATE %I.part_config
    SET
      retention = %L,
      retention_keep_table = false,
      retention_keep_index = false,
      infinite_time_partitions = true
    WHERE
      parent_table = %L;
    $QUERY$,
    pgmq._get_pg_partman_schema(),
    retention_interval,
    qualified_a_table_name
  );
END;
$_$;


ALTER FUNCTION pgmq.convert_archive_partitioned(table_name text, partition_interval text, retention_interval text, leading_partition integer) OWNER TO postgres;

--
-- Name: create(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq."create"(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pgmq.create_non_partitioned(queue_name);
END;
$$;


ALTER FUNCTION pgmq."create"(queue_name text) OWNER TO postgres;

--
-- Name: create_fifo_index(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.create_fifo_index(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pgmq._create_fifo_index_if_not_exists(queue_name);
END;
$$;


ALTER FUNCTION pgmq.create_fifo_index(queue_name text) OWNER TO postgres;

--
-- Name: create_fifo_indexes_all(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.create_fifo_indexes_all() RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    queue_record RECORD;
BEGIN
    FOR queue_record IN SELECT queue_name FROM pgmq.meta LOOP
        PERFORM pgmq.create_fifo_index(queue_record.queue_name);
    END LOOP;
END;
$$;


ALTER FUNCTION pgmq.create_fifo_indexes_all() OWNER TO postgres;

--
-- Name: create_non_partitioned(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.create_non_partitioned(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  qtable TEXT := pgmq.format_table_name(queue_name, 'q');
  qtable_seq TEXT := qtable || '_msg_id_seq';
  atable TEXT := pgmq.format_table_name(queue_name, 'a');
BEGIN
  PERFORM pgmq.validate_queue_name(queue_name);
  PERFORM pgmq.acquire_queue_lock(queue_name);

  EXECUTE FORMAT(
    $QUERY$
    CREATE TABLE IF NOT EXISTS pgmq.%I (
        msg_id BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        read_ct INT DEFAULT 0 NOT NULL,
        enqueued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        last_read_at TIMESTAMP WITH TIME ZONE,
        vt TIMESTAMP WITH TIME ZONE NOT NULL,
        message JSONB,
        headers JSONB
    )
    $QUERY$,
    qtable
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE TABLE IF NOT EXISTS pgmq.%I (
      msg_id BIGINT PRIMARY KEY,
      read_ct INT DEFAULT 0 NOT NULL,
      enqueued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      last_read_at TIMESTAMP WITH TIME ZONE,
      archived_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      vt TIMESTAMP WITH TIME ZONE NOT NULL,
      message JSONB,
      headers JSONB
    );
    $QUERY$,
    atable
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE INDEX IF NOT EXISTS %I ON pgmq.%I (vt ASC);
    $QUERY$,
    qtable || '_vt_idx', qtable
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE INDEX IF NOT EXISTS %I ON pgmq.%I (archived_at);
    $QUERY$,
    'archived_at_idx_' || queue_name, atable
  );

  EXECUTE FORMAT(
    $QUERY$
    INSERT INTO pgmq.meta (queue_name, is_partitioned, is_unlogged)
    VALUES (%L, false, false)
    ON CONFLICT
    DO NOTHING;
    $QUERY$,
    queue_name
  );

END;
$_$;


ALTER FUNCTION pgmq.create_non_partitioned(queue_name text) OWNER TO postgres;

--
-- Name: create_partitioned(text, text, text, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.create_partitioned(queue_name text, partition_interval text DEFAULT '10000'::text, retention_interval text DEFAULT '100000'::text, premake integer DEFAULT 4) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  partition_col TEXT;
  a_partition_col TEXT;
  qtable TEXT := pgmq.format_table_name(queue_name, 'q');
  qtable_seq TEXT := qtable || '_msg_id_seq';
  atable TEXT := pgmq.format_table_name(queue_name, 'a');
  fq_qtable TEXT := 'pgmq.' || qtable;
  fq_atable TEXT := 'pgmq.' || atable;
BEGIN
  PERFORM pgmq.validate_queue_name(queue_name);
  PERFORM pgmq.acquire_queue_lock(queue_name);
  PERFORM pgmq._ensure_pg_partman_installed();
  IF premake < 1 THEN
    RAISE EXCEPTION 'premake must be at least 1, got %', premake;
  END IF;
  SELECT pgmq._get_partition_col(partition_interval) INTO partition_col;

  EXECUTE FORMAT(
    $QUERY$
    CREATE TABLE IF NOT EXISTS pgmq.%I (
        msg_id BIGINT GENERATED BY DEFAULT AS IDENTITY,
        read_ct INT DEFAULT 0 NOT NULL,
        enqueued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        last_read_at TIMESTAMP WITH TIME ZONE,
        vt TIMESTAMP WITH TIME ZONE NOT NULL,
        message JSONB,
        headers JSONB
    ) PARTITION BY RANGE (%I)
    $QUERY$,
    qtable, partition_col
  );

  -- https://github.com/pgpartman/pg_partman/blob/master/doc/pg_partman.md
  -- p_parent_table - the existing parent table. MUST be schema qualified, even if in public schema.
  EXECUTE FORMAT(
    $QUERY$
    SELECT %I.create_parent(
      p_parent_table := %L,
      p_control := %L,
      p_interval := %L,
      p_premake := %s,
      p_type := case
        when pgmq._get_pg_partman_major_version() = 5 then 'range'
        else 'native'
      end
    )
    $QUERY$,
    pgmq._get_pg_partman_schema(),
    fq_qtable,
    partition_col,
    partition_interval,
    premake
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE INDEX IF NOT EXISTS %I ON pgmq.%I (%I);
    $QUERY$,
    qtable || '_part_idx', qtable, partition_col
  );

  EXECUTE FORMAT(
    $QUERY$
    UPDATE %I.part_config
    SET
        retention = %L,
        retention_keep_table = false,
        retention_keep_index = true,
        automatic_maintenance = 'on'
    WHERE parent_table = %L;
    $QUERY$,
    pgmq._get_pg_partman_schema(),
    retention_interval,
    'pgmq.' || qtable
  );

  EXECUTE FORMAT(
    $QUERY$
    INSERT INTO pgmq.meta (queue_name, is_partitioned, is_unlogged)
    VALUES (%L, true, false)
    ON CONFLICT
    DO NOTHING;
    $QUERY$,
    queue_name
  );

  IF partition_col = 'enqueued_at' THEN
    a_partition_col := 'archived_at';
  ELSE
    a_partition_col := partition_col;
  END IF;

  EXECUTE FORMAT(
    $QUERY$
    CREATE TABLE IF NOT EXISTS pgmq.%I (
      msg_id BIGINT NOT NULL,
      read_ct INT DEFAULT 0 NOT NULL,
      enqueued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      last_read_at TIMESTAMP WITH TIME ZONE,
      archived_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      vt TIMESTAMP WITH TIME ZONE NOT NULL,
      message JSONB,
      headers JSONB
    ) PARTITION BY RANGE (%I);
    $QUERY$,
    atable, a_partition_col
  );

  -- https://github.com/pgpartman/pg_partman/blob/master/doc/pg_partman.md
  -- p_parent_table - the existing parent table. MUST be schema qualified, even if in public schema.
  EXECUTE FORMAT(
    $QUERY$
    SELECT %I.create_parent(
      p_parent_table := %L,
      p_control := %L,
      p_interval := %L,
      p_premake := %s,
      p_type := case
        when pgmq._get_pg_partman_major_version() = 5 then 'range'
        else 'native'
      end
    )
    $QUERY$,
    pgmq._get_pg_partman_schema(),
    fq_atable,
    a_partition_col,
    partition_interval,
    premake
  );

  EXECUTE FORMAT(
    $QUERY$
    UPDATE %I.part_config
    SET
        retention = %L,
        retention_keep_table = false,
        retention_keep_index = true,
        automatic_maintenance = 'on'
    WHERE parent_table = %L;
    $QUERY$,
    pgmq._get_pg_partman_schema(),
    retention_interval,
    'pgmq.' || atable
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE INDEX IF NOT EXISTS %I ON pgmq.%I (archived_at);
    $QUERY$,
    'archived_at_idx_' || queue_name, atable
  );

END;
$_$;


ALTER FUNCTION pgmq.create_partitioned(queue_name text, partition_interval text, retention_interval text, premake integer) OWNER TO postgres;

--
-- Name: create_unlogged(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.create_unlogged(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  qtable TEXT := pgmq.format_table_name(queue_name, 'q');
  qtable_seq TEXT := qtable || '_msg_id_seq';
  atable TEXT := pgmq.format_table_name(queue_name, 'a');
BEGIN
  PERFORM pgmq.validate_queue_name(queue_name);
  PERFORM pgmq.acquire_queue_lock(queue_name);

  EXECUTE FORMAT(
    $QUERY$
    CREATE UNLOGGED TABLE IF NOT EXISTS pgmq.%I (
        msg_id BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        read_ct INT DEFAULT 0 NOT NULL,
        enqueued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        last_read_at TIMESTAMP WITH TIME ZONE,
        vt TIMESTAMP WITH TIME ZONE NOT NULL,
        message JSONB,
        headers JSONB
    )
    $QUERY$,
    qtable
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE TABLE IF NOT EXISTS pgmq.%I (
      msg_id BIGINT PRIMARY KEY,
      read_ct INT DEFAULT 0 NOT NULL,
      enqueued_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      last_read_at TIMESTAMP WITH TIME ZONE,
      archived_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      vt TIMESTAMP WITH TIME ZONE NOT NULL,
      message JSONB,
      headers JSONB
    );
    $QUERY$,
    atable
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE INDEX IF NOT EXISTS %I ON pgmq.%I (vt ASC);
    $QUERY$,
    qtable || '_vt_idx', qtable
  );

  EXECUTE FORMAT(
    $QUERY$
    CREATE INDEX IF NOT EXISTS %I ON pgmq.%I (archived_at);
    $QUERY$,
    'archived_at_idx_' || queue_name, atable
  );

  EXECUTE FORMAT(
    $QUERY$
    INSERT INTO pgmq.meta (queue_name, is_partitioned, is_unlogged)
    VALUES (%L, false, true)
    ON CONFLICT
    DO NOTHING;
    $QUERY$,
    queue_name
  );
END;
$_$;


ALTER FUNCTION pgmq.create_unlogged(queue_name text) OWNER TO postgres;

--
-- Name: delete(text, bigint[]); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.delete(queue_name text, msg_ids bigint[]) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        DELETE FROM pgmq.%I
        WHERE msg_id = ANY($1)
        RETURNING msg_id
        $QUERY$,
        qtable
    );
    RETURN QUERY EXECUTE sql USING msg_ids;
END;
$_$;


ALTER FUNCTION pgmq.delete(queue_name text, msg_ids bigint[]) OWNER TO postgres;

--
-- Name: delete(text, bigint); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.delete(queue_name text, msg_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    result BIGINT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        DELETE FROM pgmq.%I
        WHERE msg_id = $1
        RETURNING msg_id
        $QUERY$,
        qtable
    );
    EXECUTE sql USING msg_id INTO result;
    RETURN NOT (result IS NULL);
END;
$_$;


ALTER FUNCTION pgmq.delete(queue_name text, msg_id bigint) OWNER TO postgres;

--
-- Name: detach_archive(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.detach_archive(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
  atable TEXT := pgmq.format_table_name(queue_name, 'a');
BEGIN
  RAISE WARNING 'detach_archive(queue_name) is deprecated and is a no-op. It will be removed in PGMQ v2.0. Archive tables are no longer member objects.';
END
$$;


ALTER FUNCTION pgmq.detach_archive(queue_name text) OWNER TO postgres;

--
-- Name: disable_notify_insert(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.disable_notify_insert(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  qtable TEXT := pgmq.format_table_name(queue_name, 'q');
  v_queue_name TEXT := queue_name;
BEGIN
  EXECUTE FORMAT(
    $QUERY$
    DROP TRIGGER IF EXISTS trigger_notify_queue_insert_listeners ON pgmq.%I;
    $QUERY$,
    qtable
  );

  DELETE FROM pgmq.notify_insert_throttle nit WHERE nit.queue_name = v_queue_name;
END;
$_$;


ALTER FUNCTION pgmq.disable_notify_insert(queue_name text) OWNER TO postgres;

--
-- Name: drop_queue(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.drop_queue(queue_name text) RETURNS boolean
    LANGUAGE plpgsql
    AS $_$
DECLARE
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
    qtable_seq TEXT := qtable || '_msg_id_seq';
    fq_qtable TEXT := 'pgmq.' || qtable;
    atable TEXT := pgmq.format_table_name(queue_name, 'a');
    fq_atable TEXT := 'pgmq.' || atable;
    partitioned BOOLEAN;
BEGIN
    PERFORM pgmq.acquire_queue_lock(queue_name);
    EXECUTE FORMAT(
        $QUERY$
        SELECT is_partitioned FROM pgmq.meta WHERE queue_name = %L
        $QUERY$,
        queue_name
    ) INTO partitioned;

    -- check if the queue exists
    IF NOT EXISTS (
        SELECT 1
        FROM information_schema.tables
        WHERE table_name = qtable and table_schema = 'pgmq'
    ) THEN
        RAISE NOTICE 'pgmq queue `%` does not exist', queue_name;
        RETURN FALSE;
    END IF;

    EXECUTE FORMAT(
        $QUERY$
        DROP TABLE IF EXISTS pgmq.%I
        $QUERY$,
        qtable
    );

    EXECUTE FORMAT(
        $QUERY$
        DROP TABLE IF EXISTS pgmq.%I
        $QUERY$,
        atable
    );

     IF EXISTS (
          SELECT 1
          FROM information_schema.tables
          WHERE table_name = 'meta' and table_schema = 'pgmq'
     ) THEN
        EXECUTE FORMAT(
            $QUERY$
            DELETE FROM pgmq.meta WHERE queue_name = %L
            $QUERY$,
            queue_name
        );
     END IF;

     IF partitioned THEN
        EXECUTE FORMAT(
          $QUERY$
          DELETE FROM %I.part_config where parent_table in (%L, %L)
          $QUERY$,
          pgmq._get_pg_partman_schema(), fq_qtable, fq_atable
        );
     END IF;

    RETURN TRUE;
END;
$_$;


ALTER FUNCTION pgmq.drop_queue(queue_name text) OWNER TO postgres;

--
-- Name: drop_queue(text, boolean); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.drop_queue(queue_name text, partitioned boolean) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
    fq_qtable TEXT := 'pgmq.' || qtable;
    atable TEXT := pgmq.format_table_name(queue_name, 'a');
    fq_atable TEXT := 'pgmq.' || atable;
BEGIN
    RAISE WARNING 'drop_queue(queue_name, partitioned) is deprecated and will be removed in PGMQ v2.0. Use drop_queue(queue_name) instead';

    PERFORM pgmq.drop_queue(queue_name);

    RETURN TRUE;
END;
$$;


ALTER FUNCTION pgmq.drop_queue(queue_name text, partitioned boolean) OWNER TO postgres;

--
-- Name: enable_notify_insert(text, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.enable_notify_insert(queue_name text, throttle_interval_ms integer DEFAULT 250) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
  qtable TEXT := pgmq.format_table_name(queue_name, 'q');
  v_queue_name TEXT := queue_name;
  v_throttle_interval_ms INTEGER := throttle_interval_ms;
BEGIN
  -- Validate that throttle_interval_ms is non-negative
  IF v_throttle_interval_ms < 0 THEN
    RAISE EXCEPTION 'throttle_interval_ms must be non-negative';
  END IF;

  -- Validate that the queue table exists
  IF NOT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = 'pgmq' AND table_name = qtable) THEN
    RAISE EXCEPTION 'Queue "%" does not exist. Create it first using pgmq.create()', v_queue_name;
  END IF;

  PERFORM pgmq.disable_notify_insert(v_queue_name);

  INSERT INTO pgmq.notify_insert_throttle (queue_name, throttle_interval_ms)
  VALUES (v_queue_name, v_throttle_interval_ms)
  ON CONFLICT ON CONSTRAINT notify_insert_throttle_queue_name_key DO UPDATE
      SET throttle_interval_ms = EXCLUDED.throttle_interval_ms,
          last_notified_at = to_timestamp(0);

  EXECUTE FORMAT(
    $QUERY$
    CREATE CONSTRAINT TRIGGER trigger_notify_queue_insert_listeners
    AFTER INSERT ON pgmq.%I
    DEFERRABLE FOR EACH ROW
    EXECUTE PROCEDURE pgmq.notify_queue_listeners()
    $QUERY$,
    qtable
  );
END;
$_$;


ALTER FUNCTION pgmq.enable_notify_insert(queue_name text, throttle_interval_ms integer) OWNER TO postgres;

--
-- Name: format_table_name(text, text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.format_table_name(queue_name text, prefix text) RETURNS text
    LANGUAGE plpgsql
    AS $_$
BEGIN
    IF queue_name ~ '\$|;|--|'''
    THEN
        RAISE EXCEPTION 'queue name contains invalid characters: $, ;, --, or \''';
    END IF;
    RETURN lower(prefix || '_' || queue_name);
END;
$_$;


ALTER FUNCTION pgmq.format_table_name(queue_name text, prefix text) OWNER TO postgres;

--
-- Name: list_notify_insert_throttles(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.list_notify_insert_throttles() RETURNS TABLE(queue_name text, throttle_interval_ms integer, last_notified_at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    SELECT queue_name, throttle_interval_ms, last_notified_at
    FROM pgmq.notify_insert_throttle
    ORDER BY queue_name;
$$;


ALTER FUNCTION pgmq.list_notify_insert_throttles() OWNER TO postgres;

--
-- Name: list_queues(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.list_queues() RETURNS SETOF pgmq.queue_record
    LANGUAGE plpgsql
    AS $$
BEGIN
  RETURN QUERY SELECT * FROM pgmq.meta;
END
$$;


ALTER FUNCTION pgmq.list_queues() OWNER TO postgres;

--
-- Name: list_topic_bindings(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.list_topic_bindings() RETURNS TABLE(pattern text, queue_name text, bound_at timestamp with time zone, compiled_regex text)
    LANGUAGE sql STABLE
    AS $$
    SELECT pattern, queue_name, bound_at, compiled_regex
    FROM pgmq.topic_bindings
    ORDER BY bound_at DESC, pattern, queue_name;
$$;


ALTER FUNCTION pgmq.list_topic_bindings() OWNER TO postgres;

--
-- Name: list_topic_bindings(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.list_topic_bindings(queue_name text) RETURNS TABLE(pattern text, queue_name text, bound_at timestamp with time zone, compiled_regex text)
    LANGUAGE sql STABLE
    AS $$
    SELECT pattern, tb.queue_name, bound_at, compiled_regex
    FROM pgmq.topic_bindings tb
    WHERE tb.queue_name = list_topic_bindings.queue_name
    ORDER BY bound_at DESC, pattern;
$$;


ALTER FUNCTION pgmq.list_topic_bindings(queue_name text) OWNER TO postgres;

--
-- Name: metrics(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.metrics(queue_name text) RETURNS pgmq.metrics_result
    LANGUAGE plpgsql
    AS $_$
DECLARE
    result_row pgmq.metrics_result;
    query TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
    q_default_partition TEXT := qtable || '_default';
    a_default_partition TEXT := pgmq.format_table_name(queue_name, 'a') || '_default';
    default_partition_length BIGINT;
BEGIN
    -- Only partitioned queues have default partitions. Messages in them have no
    -- partition of their own, which means pg_partman maintenance is failing for
    -- this queue; a non-zero value here is the signal to act on. The planner's
    -- estimate is used so that a large spill does not slow down every scrape.
    IF to_regclass(FORMAT('pgmq.%I', q_default_partition)) IS NOT NULL THEN
        SELECT COALESCE(SUM(GREATEST(c.reltuples, 0))::bigint, 0)
        INTO default_partition_length
        FROM pg_class c
        WHERE c.oid IN (
            to_regclass(FORMAT('pgmq.%I', q_default_partition)),
            to_regclass(FORMAT('pgmq.%I', a_default_partition))
        );
    END IF;

    query := FORMAT(
        $QUERY$
        WITH q_summary AS (
            SELECT
                count(*) as queue_length,
                count(CASE WHEN vt <= NOW() THEN 1 END) as queue_visible_length,
                EXTRACT(epoch FROM (NOW() - max(enqueued_at)))::int as newest_msg_age_sec,
                EXTRACT(epoch FROM (NOW() - min(enqueued_at)))::int as oldest_msg_age_sec,
                NOW() as scrape_time
            FROM pgmq.%I
        ),
        all_metrics AS (
            SELECT CASE
                WHEN is_called THEN last_value ELSE 0
                END as total_messages
            FROM pgmq.%I
        )
        SELECT
            %L as queue_name,
            q_summary.queue_length,
            q_summary.newest_msg_age_sec,
            q_summary.oldest_msg_age_sec,
            all_metrics.total_messages,
            q_summary.scrape_time,
            q_summary.queue_visible_length,
            %L::bigint as default_partition_length
        FROM q_summary, all_metrics
        $QUERY$,
        qtable, qtable || '_msg_id_seq', queue_name, default_partition_length
    );
    EXECUTE query INTO result_row;
    RETURN result_row;
END;
$_$;


ALTER FUNCTION pgmq.metrics(queue_name text) OWNER TO postgres;

--
-- Name: metrics_all(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.metrics_all() RETURNS SETOF pgmq.metrics_result
    LANGUAGE plpgsql
    AS $$
DECLARE
    row_name RECORD;
    result_row pgmq.metrics_result;
BEGIN
    FOR row_name IN SELECT queue_name FROM pgmq.meta LOOP
        result_row := pgmq.metrics(row_name.queue_name);
        RETURN NEXT result_row;
    END LOOP;
END;
$$;


ALTER FUNCTION pgmq.metrics_all() OWNER TO postgres;

--
-- Name: notify_queue_listeners(); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.notify_queue_listeners() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
  queue_name_extracted TEXT; -- Queue name extracted from trigger table name
  updated_count        INTEGER; -- Number of rows updated (0 or 1)
BEGIN
  queue_name_extracted := substring(TG_TABLE_NAME from 3);

  UPDATE pgmq.notify_insert_throttle
  SET last_notified_at = clock_timestamp()
  WHERE queue_name = queue_name_extracted
    AND (
      throttle_interval_ms = 0 -- No throttling configured
          OR clock_timestamp() - last_notified_at >=
             (throttle_interval_ms * INTERVAL '1 millisecond') -- Throttle interval has elapsed
    );

  -- Check how many rows were updated (will be 0 or 1)
  GET DIAGNOSTICS updated_count = ROW_COUNT;

  IF updated_count > 0 THEN
    PERFORM PG_NOTIFY('pgmq.' || TG_TABLE_NAME || '.' || TG_OP, NULL);
  END IF;

RETURN NEW;
END;
$$;


ALTER FUNCTION pgmq.notify_queue_listeners() OWNER TO postgres;

--
-- Name: pop(text, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.pop(queue_name text, qty integer DEFAULT 1) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    result pgmq.message_record;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        WITH cte AS
            (
                SELECT msg_id
                FROM pgmq.%I
                WHERE vt <= clock_timestamp()
                ORDER BY msg_id ASC
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            )
        DELETE from pgmq.%I
        WHERE msg_id IN (select msg_id from cte)
        RETURNING msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers;
        $QUERY$,
        qtable, qtable
    );
    RETURN QUERY EXECUTE sql USING qty;
END;
$_$;


ALTER FUNCTION pgmq.pop(queue_name text, qty integer) OWNER TO postgres;

--
-- Name: purge_queue(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.purge_queue(queue_name text) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
  deleted_count INTEGER;
  qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
  -- Get the row count before truncating
  EXECUTE format('SELECT count(*) FROM pgmq.%I', qtable) INTO deleted_count;

  -- Use TRUNCATE for better performance on large tables
  EXECUTE format('TRUNCATE TABLE pgmq.%I', qtable);

  -- Return the number of purged rows
  RETURN deleted_count;
END
$$;


ALTER FUNCTION pgmq.purge_queue(queue_name text) OWNER TO postgres;

--
-- Name: read(text, integer, integer, jsonb); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read(queue_name text, vt integer, qty integer, conditional jsonb DEFAULT '{}'::jsonb) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        WITH cte AS
        (
            SELECT msg_id
            FROM pgmq.%I
            WHERE vt <= clock_timestamp() AND CASE
                WHEN %L != '{}'::jsonb THEN (message @> %2$L)::integer
                ELSE 1
            END = 1
            ORDER BY msg_id ASC
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        )
        UPDATE pgmq.%I m
        SET
            last_read_at = clock_timestamp(),
            vt = clock_timestamp() + %L,
            read_ct = read_ct + 1
        FROM cte
        WHERE m.msg_id = cte.msg_id
        RETURNING m.msg_id, m.read_ct, m.enqueued_at, m.last_read_at, m.vt, m.message, m.headers;
        $QUERY$,
        qtable, conditional, qtable, make_interval(secs => vt)
    );
    RETURN QUERY EXECUTE sql USING qty;
END;
$_$;


ALTER FUNCTION pgmq.read(queue_name text, vt integer, qty integer, conditional jsonb) OWNER TO postgres;

--
-- Name: read_grouped(text, integer, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read_grouped(queue_name text, vt integer, qty integer) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        WITH fifo_groups AS (
            -- Find the minimum msg_id for each FIFO group that's ready to be processed
            SELECT
                COALESCE(headers->>'x-pgmq-group', '_default_fifo_group') as fifo_key,
                MIN(msg_id) as min_msg_id
            FROM pgmq.%I
            WHERE vt <= clock_timestamp()
            GROUP BY COALESCE(headers->>'x-pgmq-group', '_default_fifo_group')
        ),
        locked_groups AS (
            -- Lock the first available message in each FIFO group
            SELECT
                m.msg_id,
                fg.fifo_key
            FROM pgmq.%I m
            INNER JOIN fifo_groups fg ON
                COALESCE(m.headers->>'x-pgmq-group', '_default_fifo_group') = fg.fifo_key
                AND m.msg_id = fg.min_msg_id
            WHERE m.vt <= clock_timestamp()
            ORDER BY m.msg_id ASC
            FOR UPDATE SKIP LOCKED
        ),
        group_priorities AS (
            -- Assign priority to groups based on their oldest message
            SELECT
                fifo_key,
                msg_id as min_msg_id,
                ROW_NUMBER() OVER (ORDER BY msg_id) as group_priority
            FROM locked_groups
        ),
        filtered_groups as (
            SELECT * FROM group_priorities gp
            WHERE NOT EXISTS (
                -- Ensure no earlier message in this group is currently being processed
                SELECT 1
                FROM pgmq.%I m2
                WHERE COALESCE(m2.headers->>'x-pgmq-group', '_default_fifo_group') = gp.fifo_key
                AND m2.vt > clock_timestamp()
                AND m2.msg_id < gp.min_msg_id
            )
        ),
        available_messages as (
            SELECT gp.fifo_key, t.msg_id,gp.group_priority,
                ROW_NUMBER() OVER (PARTITION BY gp.fifo_key ORDER BY t.msg_id) as msg_rank_in_group
            FROM filtered_groups gp
            CROSS JOIN LATERAL (
                SELECT *
                FROM pgmq.%I t
                WHERE COALESCE(t.headers->>'x-pgmq-group', '_default_fifo_group') = gp.fifo_key
                AND t.vt <= clock_timestamp()
                ORDER BY msg_id
                LIMIT $1  -- tip to limit query impact, we know we need at most qty in each group
            ) t
            ORDER BY gp.group_priority
        ),
        batch_selection AS (
            -- Select messages to fill batch, prioritizing earliest group
            SELECT
                msg_id,
                ROW_NUMBER() OVER (ORDER BY group_priority, msg_rank_in_group) as overall_rank
            FROM available_messages
        ),
        selected_messages AS (
            -- Limit to requested quantity
            SELECT msg_id
            FROM batch_selection
            WHERE overall_rank <= $1
            ORDER BY msg_id
            FOR UPDATE SKIP LOCKED
        )
        UPDATE pgmq.%I m
        SET
            vt = clock_timestamp() + %L,
            read_ct = read_ct + 1,
            last_read_at = clock_timestamp()
        FROM selected_messages sm
        WHERE m.msg_id = sm.msg_id
        RETURNING m.msg_id, m.read_ct, m.enqueued_at, m.last_read_at, m.vt, m.message, m.headers;
        $QUERY$,
        qtable, qtable, qtable, qtable, qtable, make_interval(secs => vt)
    );
    RETURN QUERY EXECUTE sql USING qty;
END;
$_$;


ALTER FUNCTION pgmq.read_grouped(queue_name text, vt integer, qty integer) OWNER TO postgres;

--
-- Name: read_grouped_head(text, integer, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read_grouped_head(queue_name text, vt integer, qty integer) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        WITH fifo_groups AS (
            -- Determine the absolute head (oldest) message id per FIFO group, regardless of visibility
            SELECT
                COALESCE(headers->>'x-pgmq-group', '_default_fifo_group') AS fifo_key,
                MIN(msg_id) AS head_msg_id
            FROM pgmq.%1$I
            GROUP BY COALESCE(headers->>'x-pgmq-group', '_default_fifo_group')
        ),
        selected_messages AS (
            -- Take at most 1 message per group
            SELECT g.head_msg_id msg_id
            FROM fifo_groups g
            JOIN pgmq.%1$I q ON q.msg_id = g.head_msg_id
	        WHERE q.vt <= clock_timestamp()
            ORDER BY q.msg_id
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        )
        UPDATE pgmq.%1$I m
        SET
            vt = clock_timestamp() + %2$L,
            read_ct = read_ct + 1,
            last_read_at = clock_timestamp()
        FROM selected_messages sm
        WHERE m.msg_id = sm.msg_id
        RETURNING m.msg_id, m.read_ct, m.enqueued_at, m.last_read_at, m.vt, m.message, m.headers;
        $QUERY$,
        qtable, make_interval(secs => vt)
    );
    RETURN QUERY EXECUTE sql USING qty;
END;
$_$;


ALTER FUNCTION pgmq.read_grouped_head(queue_name text, vt integer, qty integer) OWNER TO postgres;

--
-- Name: read_grouped_head_with_poll(text, integer, integer, integer, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read_grouped_head_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer DEFAULT 5, poll_interval_ms integer DEFAULT 100) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $$
DECLARE
    r pgmq.message_record;
    stop_at TIMESTAMPTZ;
BEGIN
    stop_at := clock_timestamp() + make_interval(secs => max_poll_seconds);
    LOOP
      IF clock_timestamp() >= stop_at THEN
        RETURN;
      END IF;

      FOR r IN
        SELECT * FROM pgmq.read_grouped_head(queue_name, vt, qty)
      LOOP
        RETURN NEXT r;
      END LOOP;
      IF FOUND THEN
        RETURN;
      ELSE
        PERFORM pg_sleep(poll_interval_ms::numeric / 1000);
      END IF;
    END LOOP;
END;
$$;


ALTER FUNCTION pgmq.read_grouped_head_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer) OWNER TO postgres;

--
-- Name: read_grouped_rr(text, integer, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read_grouped_rr(queue_name text, vt integer, qty integer) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        WITH fifo_groups AS (
            -- Determine the absolute head (oldest) message id per FIFO group, regardless of visibility
            SELECT
                COALESCE(headers->>'x-pgmq-group', '_default_fifo_group') AS fifo_key,
                MIN(msg_id) AS head_msg_id
            FROM pgmq.%1$I
            GROUP BY COALESCE(headers->>'x-pgmq-group', '_default_fifo_group')
        ),
        eligible_groups AS (
            -- Only groups whose head message is currently visible
            -- Acquire a transaction-level advisory lock per group to prevent concurrent selection
            SELECT
                g.fifo_key,
                g.head_msg_id,
                ROW_NUMBER() OVER (ORDER BY g.head_msg_id) AS group_priority
            FROM fifo_groups g
            JOIN pgmq.%2$I h ON h.msg_id = g.head_msg_id
            WHERE h.vt <= clock_timestamp()
              AND pg_try_advisory_xact_lock(pg_catalog.hashtextextended(g.fifo_key, 0))
        ),
        available_messages AS (
            -- All currently visible messages starting at the head for each eligible group
            SELECT
                m.msg_id,
                eg.group_priority,
                ROW_NUMBER() OVER (
                    PARTITION BY eg.fifo_key
                    ORDER BY m.msg_id
                ) AS msg_rank_in_group
            FROM pgmq.%3$I m
            JOIN eligible_groups eg
              ON COALESCE(m.headers->>'x-pgmq-group', '_default_fifo_group') = eg.fifo_key
            WHERE m.vt <= clock_timestamp()
              AND m.msg_id >= eg.head_msg_id
        ),
        ordered_messages AS (
            -- Layered round-robin: take rank 1 of all groups by group_priority, then rank 2, etc.
            -- Assign selection order before locking
            SELECT msg_id, ROW_NUMBER() OVER (ORDER BY msg_rank_in_group, group_priority) as selection_order
            FROM available_messages
        ),
        selected_messages AS (
            -- Lock the messages in the correct order, preserving selection_order
            SELECT om.msg_id, om.selection_order
            FROM ordered_messages om
            JOIN pgmq.%4$I m ON m.msg_id = om.msg_id
            WHERE om.selection_order <= $1
            ORDER BY om.selection_order
            FOR UPDATE OF m SKIP LOCKED
        ),
        updated_messages AS (
            UPDATE pgmq.%5$I m
            SET
                vt = clock_timestamp() + %6$L,
                read_ct = read_ct + 1,
                last_read_at = clock_timestamp()
            FROM selected_messages sm
            WHERE m.msg_id = sm.msg_id
              AND m.vt <= clock_timestamp() -- final guard to avoid duplicate reads under races
            RETURNING m.msg_id, m.read_ct, m.enqueued_at, m.last_read_at, m.vt, m.message, m.headers, sm.selection_order
        )
        SELECT msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers
        FROM updated_messages
        ORDER BY selection_order;
        $QUERY$,
        qtable, qtable, qtable, qtable, qtable, make_interval(secs => vt)
    );
    RETURN QUERY EXECUTE sql USING qty;
END;
$_$;


ALTER FUNCTION pgmq.read_grouped_rr(queue_name text, vt integer, qty integer) OWNER TO postgres;

--
-- Name: read_grouped_rr_with_poll(text, integer, integer, integer, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read_grouped_rr_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer DEFAULT 5, poll_interval_ms integer DEFAULT 100) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $$
DECLARE
    r pgmq.message_record;
    stop_at TIMESTAMP;
BEGIN
    stop_at := clock_timestamp() + make_interval(secs => max_poll_seconds);
    LOOP
      IF (SELECT clock_timestamp() >= stop_at) THEN
        RETURN;
      END IF;

      FOR r IN
        SELECT * FROM pgmq.read_grouped_rr(queue_name, vt, qty)
      LOOP
        RETURN NEXT r;
      END LOOP;
      IF FOUND THEN
        RETURN;
      ELSE
        PERFORM pg_sleep(poll_interval_ms::numeric / 1000);
      END IF;
    END LOOP;
END;
$$;


ALTER FUNCTION pgmq.read_grouped_rr_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer) OWNER TO postgres;

--
-- Name: read_grouped_with_poll(text, integer, integer, integer, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read_grouped_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer DEFAULT 5, poll_interval_ms integer DEFAULT 100) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $$
DECLARE
    r pgmq.message_record;
    stop_at TIMESTAMP;
BEGIN
    stop_at := clock_timestamp() + make_interval(secs => max_poll_seconds);
    LOOP
      IF (SELECT clock_timestamp() >= stop_at) THEN
        RETURN;
      END IF;

      FOR r IN
        SELECT * FROM pgmq.read_grouped(queue_name, vt, qty)
      LOOP
        RETURN NEXT r;
      END LOOP;
      IF FOUND THEN
        RETURN;
      ELSE
        PERFORM pg_sleep(poll_interval_ms::numeric / 1000);
      END IF;
    END LOOP;
END;
$$;


ALTER FUNCTION pgmq.read_grouped_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer) OWNER TO postgres;

--
-- Name: read_with_poll(text, integer, integer, integer, integer, jsonb); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.read_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer DEFAULT 5, poll_interval_ms integer DEFAULT 100, conditional jsonb DEFAULT '{}'::jsonb) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    r pgmq.message_record;
    stop_at TIMESTAMP;
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    stop_at := clock_timestamp() + make_interval(secs => max_poll_seconds);
    LOOP
      IF (SELECT clock_timestamp() >= stop_at) THEN
        RETURN;
      END IF;

      sql := FORMAT(
          $QUERY$
          WITH cte AS
          (
              SELECT msg_id
              FROM pgmq.%I
              WHERE vt <= clock_timestamp() AND CASE
                  WHEN %L != '{}'::jsonb THEN (message @> %2$L)::integer
                  ELSE 1
              END = 1
              ORDER BY msg_id ASC
              LIMIT $1
              FOR UPDATE SKIP LOCKED
          )
          UPDATE pgmq.%I m
          SET
              last_read_at = clock_timestamp(),
              vt = clock_timestamp() + %L,
              read_ct = read_ct + 1
          FROM cte
          WHERE m.msg_id = cte.msg_id
          RETURNING m.msg_id, m.read_ct, m.enqueued_at, m.last_read_at, m.vt, m.message, m.headers;
          $QUERY$,
          qtable, conditional, qtable, make_interval(secs => vt)
      );

      FOR r IN
        EXECUTE sql USING qty
      LOOP
        RETURN NEXT r;
      END LOOP;
      IF FOUND THEN
        RETURN;
      ELSE
        PERFORM pg_sleep(poll_interval_ms::numeric / 1000);
      END IF;
    END LOOP;
END;
$_$;


ALTER FUNCTION pgmq.read_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer, conditional jsonb) OWNER TO postgres;

--
-- Name: send(text, jsonb); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send(queue_name text, msg jsonb) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send(queue_name, msg, NULL, clock_timestamp());
$$;


ALTER FUNCTION pgmq.send(queue_name text, msg jsonb) OWNER TO postgres;

--
-- Name: send(text, jsonb, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send(queue_name text, msg jsonb, delay integer) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send(queue_name, msg, NULL, clock_timestamp() + make_interval(secs => delay));
$$;


ALTER FUNCTION pgmq.send(queue_name text, msg jsonb, delay integer) OWNER TO postgres;

--
-- Name: send(text, jsonb, jsonb); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send(queue_name, msg, headers, clock_timestamp());
$$;


ALTER FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb) OWNER TO postgres;

--
-- Name: send(text, jsonb, timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send(queue_name text, msg jsonb, delay timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send(queue_name, msg, NULL, delay);
$$;


ALTER FUNCTION pgmq.send(queue_name text, msg jsonb, delay timestamp with time zone) OWNER TO postgres;

--
-- Name: send(text, jsonb, jsonb, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb, delay integer) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send(queue_name, msg, headers, clock_timestamp() + make_interval(secs => delay));
$$;


ALTER FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb, delay integer) OWNER TO postgres;

--
-- Name: send(text, jsonb, jsonb, timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb, delay timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
            $QUERY$
        INSERT INTO pgmq.%I (vt, message, headers)
        VALUES ($2, $1, $3)
        RETURNING msg_id;
        $QUERY$,
            qtable
           );
    RETURN QUERY EXECUTE sql USING msg, delay, headers;
END;
$_$;


ALTER FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb, delay timestamp with time zone) OWNER TO postgres;

--
-- Name: send_batch(text, jsonb[]); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[]) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch(queue_name, msgs, NULL, clock_timestamp());
$$;


ALTER FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[]) OWNER TO postgres;

--
-- Name: send_batch(text, jsonb[], jsonb[]); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[]) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch(queue_name, msgs, headers, clock_timestamp());
$$;


ALTER FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[]) OWNER TO postgres;

--
-- Name: send_batch(text, jsonb[], integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], delay integer) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch(queue_name, msgs, NULL, clock_timestamp() + make_interval(secs => delay));
$$;


ALTER FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], delay integer) OWNER TO postgres;

--
-- Name: send_batch(text, jsonb[], timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], delay timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch(queue_name, msgs, NULL, delay);
$$;


ALTER FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], delay timestamp with time zone) OWNER TO postgres;

--
-- Name: send_batch(text, jsonb[], jsonb[], integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay integer) RETURNS SETOF bigint
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch(queue_name, msgs, headers, clock_timestamp() + make_interval(secs => delay));
$$;


ALTER FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay integer) OWNER TO postgres;

--
-- Name: send_batch(text, jsonb[], jsonb[], timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pgmq._validate_batch_params(msgs, headers);
    RETURN QUERY SELECT * FROM pgmq._send_batch(queue_name, msgs, headers, delay);
END;
$$;


ALTER FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) OWNER TO postgres;

--
-- Name: send_batch_topic(text, jsonb[]); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[]) RETURNS TABLE(queue_name text, msg_id bigint)
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch_topic(routing_key, msgs, NULL, clock_timestamp());
$$;


ALTER FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[]) OWNER TO postgres;

--
-- Name: send_batch_topic(text, jsonb[], jsonb[]); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[]) RETURNS TABLE(queue_name text, msg_id bigint)
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch_topic(routing_key, msgs, headers, clock_timestamp());
$$;


ALTER FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[]) OWNER TO postgres;

--
-- Name: send_batch_topic(text, jsonb[], integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], delay integer) RETURNS TABLE(queue_name text, msg_id bigint)
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch_topic(routing_key, msgs, NULL, clock_timestamp() + make_interval(secs => delay));
$$;


ALTER FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], delay integer) OWNER TO postgres;

--
-- Name: send_batch_topic(text, jsonb[], timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], delay timestamp with time zone) RETURNS TABLE(queue_name text, msg_id bigint)
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch_topic(routing_key, msgs, NULL, delay);
$$;


ALTER FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], delay timestamp with time zone) OWNER TO postgres;

--
-- Name: send_batch_topic(text, jsonb[], jsonb[], integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay integer) RETURNS TABLE(queue_name text, msg_id bigint)
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.send_batch_topic(routing_key, msgs, headers, clock_timestamp() + make_interval(secs => delay));
$$;


ALTER FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay integer) OWNER TO postgres;

--
-- Name: send_batch_topic(text, jsonb[], jsonb[], timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) RETURNS TABLE(queue_name text, msg_id bigint)
    LANGUAGE plpgsql
    AS $$
DECLARE
    b RECORD;
BEGIN
    PERFORM pgmq.validate_routing_key(routing_key);

    -- Validate batch parameters once (not per queue)
    PERFORM pgmq._validate_batch_params(msgs, headers);

    -- Filter matching patterns in SQL for better performance (uses index)
    -- Any failure will rollback the entire transaction
    FOR b IN
        SELECT DISTINCT tb.queue_name
        FROM pgmq.topic_bindings tb
        WHERE routing_key ~ tb.compiled_regex
        ORDER BY tb.queue_name -- Deterministic ordering, deduplicated by queue_name
        LOOP
            -- Use private _send_batch to avoid redundant validation
            RETURN QUERY
            SELECT b.queue_name, batch_result.msg_id
            FROM pgmq._send_batch(b.queue_name, msgs, headers, delay) AS batch_result(msg_id);
        END LOOP;

    RETURN;
END;
$$;


ALTER FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) OWNER TO postgres;

--
-- Name: send_topic(text, jsonb); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_topic(routing_key text, msg jsonb) RETURNS integer
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN pgmq.send_topic(routing_key, msg, NULL, 0);
END;
$$;


ALTER FUNCTION pgmq.send_topic(routing_key text, msg jsonb) OWNER TO postgres;

--
-- Name: send_topic(text, jsonb, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_topic(routing_key text, msg jsonb, delay integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN pgmq.send_topic(routing_key, msg, NULL, delay);
END;
$$;


ALTER FUNCTION pgmq.send_topic(routing_key text, msg jsonb, delay integer) OWNER TO postgres;

--
-- Name: send_topic(text, jsonb, jsonb, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.send_topic(routing_key text, msg jsonb, headers jsonb, delay integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    b             RECORD;
    matched_count integer := 0;
BEGIN
    PERFORM pgmq.validate_routing_key(routing_key);

    IF msg IS NULL THEN
        RAISE EXCEPTION 'msg cannot be NULL';
    END IF;

    IF delay < 0 THEN
        RAISE EXCEPTION 'delay cannot be negative, got: %', delay;
    END IF;

    -- Filter matching patterns in SQL for better performance (uses index)
    -- Any failure will rollback the entire transaction
    FOR b IN
        SELECT DISTINCT tb.queue_name
        FROM pgmq.topic_bindings tb
        WHERE routing_key ~ tb.compiled_regex
        ORDER BY tb.queue_name -- Deterministic ordering, deduplicated by queue_name
        LOOP
            PERFORM pgmq.send(b.queue_name, msg, headers, delay);
            matched_count := matched_count + 1;
        END LOOP;

    RETURN matched_count;
END;
$$;


ALTER FUNCTION pgmq.send_topic(routing_key text, msg jsonb, headers jsonb, delay integer) OWNER TO postgres;

--
-- Name: set_vt(text, bigint[], integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.set_vt(queue_name text, msg_ids bigint[], vt integer) RETURNS SETOF pgmq.message_record
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.set_vt(queue_name, msg_ids, clock_timestamp() + make_interval(secs => vt));
$$;


ALTER FUNCTION pgmq.set_vt(queue_name text, msg_ids bigint[], vt integer) OWNER TO postgres;

--
-- Name: set_vt(text, bigint[], timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.set_vt(queue_name text, msg_ids bigint[], vt timestamp with time zone) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        UPDATE pgmq.%I
        SET vt = $1
        WHERE msg_id = ANY($2)
        RETURNING msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers;
        $QUERY$,
        qtable
    );
    RETURN QUERY EXECUTE sql USING vt, msg_ids;
END;
$_$;


ALTER FUNCTION pgmq.set_vt(queue_name text, msg_ids bigint[], vt timestamp with time zone) OWNER TO postgres;

--
-- Name: set_vt(text, bigint, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.set_vt(queue_name text, msg_id bigint, vt integer) RETURNS SETOF pgmq.message_record
    LANGUAGE sql
    AS $$
    SELECT * FROM pgmq.set_vt(queue_name, msg_id, clock_timestamp() + make_interval(secs => vt));
$$;


ALTER FUNCTION pgmq.set_vt(queue_name text, msg_id bigint, vt integer) OWNER TO postgres;

--
-- Name: set_vt(text, bigint, timestamp with time zone); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.set_vt(queue_name text, msg_id bigint, vt timestamp with time zone) RETURNS SETOF pgmq.message_record
    LANGUAGE plpgsql
    AS $_$
DECLARE
    sql TEXT;
    result pgmq.message_record;
    qtable TEXT := pgmq.format_table_name(queue_name, 'q');
BEGIN
    sql := FORMAT(
        $QUERY$
        UPDATE pgmq.%I
        SET vt = $1
        WHERE msg_id = $2
        RETURNING msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers;
        $QUERY$, 
        qtable
    );
    RETURN QUERY EXECUTE sql USING vt, msg_id;
END;
$_$;


ALTER FUNCTION pgmq.set_vt(queue_name text, msg_id bigint, vt timestamp with time zone) OWNER TO postgres;

--
-- Name: test_routing(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.test_routing(routing_key text) RETURNS TABLE(pattern text, queue_name text, compiled_regex text)
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    PERFORM pgmq.validate_routing_key(routing_key);
    RETURN QUERY
        SELECT b.pattern,
               b.queue_name,
               b.compiled_regex
        FROM pgmq.topic_bindings b
        WHERE routing_key ~ b.compiled_regex
        ORDER BY b.pattern;
END;
$$;


ALTER FUNCTION pgmq.test_routing(routing_key text) OWNER TO postgres;

--
-- Name: unbind_topic(text, text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.unbind_topic(pattern text, queue_name text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    rows_deleted integer;
BEGIN
    IF pattern IS NULL OR pattern = '' THEN
        RAISE EXCEPTION 'pattern cannot be NULL or empty';
    END IF;

    IF queue_name IS NULL OR queue_name = '' THEN
        RAISE EXCEPTION 'queue_name cannot be NULL or empty';
    END IF;

    DELETE
    FROM pgmq.topic_bindings
    WHERE topic_bindings.pattern = unbind_topic.pattern
      AND topic_bindings.queue_name = unbind_topic.queue_name;

    GET DIAGNOSTICS rows_deleted = ROW_COUNT;

    IF rows_deleted > 0 THEN
        RETURN true;
    ELSE
        RETURN false;
    END IF;
END;
$$;


ALTER FUNCTION pgmq.unbind_topic(pattern text, queue_name text) OWNER TO postgres;

--
-- Name: update_notify_insert(text, integer); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.update_notify_insert(queue_name text, throttle_interval_ms integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF throttle_interval_ms < 0 THEN
        RAISE EXCEPTION 'throttle_interval_ms must be non-negative, got: %', throttle_interval_ms;
    END IF;

    IF NOT EXISTS (SELECT 1 FROM pgmq.meta WHERE meta.queue_name = update_notify_insert.queue_name) THEN
        RAISE EXCEPTION 'Queue "%" does not exist. Create the queue first using pgmq.create()', queue_name;
    END IF;

    IF NOT EXISTS (SELECT 1 FROM pgmq.notify_insert_throttle WHERE notify_insert_throttle.queue_name = update_notify_insert.queue_name) THEN
        RAISE EXCEPTION 'Queue "%" does not have notify_insert enabled. Enable it first using pgmq.enable_notify_insert()', queue_name;
    END IF;

    UPDATE pgmq.notify_insert_throttle
    SET throttle_interval_ms = update_notify_insert.throttle_interval_ms,
        last_notified_at = to_timestamp(0)
    WHERE notify_insert_throttle.queue_name = update_notify_insert.queue_name;
END;
$$;


ALTER FUNCTION pgmq.update_notify_insert(queue_name text, throttle_interval_ms integer) OWNER TO postgres;

--
-- Name: validate_queue_name(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.validate_queue_name(queue_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF length(queue_name) > 47 THEN
    -- complete table identifier must be <= 63
    -- https://www.postgresql.org/docs/17/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
    -- e.g. template_pgmq_q_my_queue is an identifier for my_queue when partitioned
    -- template_pgmq_q_ (16) + <a max length queue name> (47) = 63 
    RAISE EXCEPTION 'queue name is too long, maximum length is 47 characters';
  END IF;
END;
$$;


ALTER FUNCTION pgmq.validate_queue_name(queue_name text) OWNER TO postgres;

--
-- Name: validate_routing_key(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.validate_routing_key(routing_key text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
BEGIN
    -- Valid routing key examples:
    --   "logs.error"
    --   "app.user-service.auth"
    --   "system_events.db.connection_failed"
    --
    -- Invalid routing key examples:
    --   ""                     - empty
    --   ".logs.error"          - starts with dot
    --   "logs.error."          - ends with dot
    --   "logs..error"          - consecutive dots
    --   "logs.error!"          - invalid character
    --   "logs error"           - space not allowed
    --   "logs.*"               - wildcards not allowed in routing keys

    IF routing_key IS NULL OR routing_key = '' THEN
        RAISE EXCEPTION 'routing_key cannot be NULL or empty';
    END IF;

    IF length(routing_key) > 255 THEN
        RAISE EXCEPTION 'routing_key length cannot exceed 255 characters, got % characters', length(routing_key);
    END IF;

    IF routing_key !~ '^[a-zA-Z0-9._-]+$' THEN
        RAISE EXCEPTION 'routing_key contains invalid characters. Only alphanumeric, dots, hyphens, and underscores are allowed. Got: %', routing_key;
    END IF;

    IF routing_key ~ '^\.' THEN
        RAISE EXCEPTION 'routing_key cannot start with a dot. Got: %', routing_key;
    END IF;

    IF routing_key ~ '\.$' THEN
        RAISE EXCEPTION 'routing_key cannot end with a dot. Got: %', routing_key;
    END IF;

    IF routing_key ~ '\.\.' THEN
        RAISE EXCEPTION 'routing_key cannot contain consecutive dots. Got: %', routing_key;
    END IF;

    RETURN true;
END;
$_$;


ALTER FUNCTION pgmq.validate_routing_key(routing_key text) OWNER TO postgres;

--
-- Name: validate_topic_pattern(text); Type: FUNCTION; Schema: pgmq; Owner: postgres
--

CREATE FUNCTION pgmq.validate_topic_pattern(pattern text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
BEGIN
    -- Valid pattern examples:
    --   "logs.*"           - matches one segment after logs. (e.g., logs.error, logs.info)
    --   "logs.#"           - matches one or more segments after logs. (e.g., logs.error, logs.api.error)
    --   "*.error"          - matches one segment before .error (e.g., app.error, db.error)
    --   "#.error"          - matches one or more segments before .error (e.g., app.error, x.y.error)
    --   "app.*.#"          - mixed wildcards (one segment then one or more)
    --   "#"                - catch-all pattern, matches any routing key
    --
    -- Invalid pattern examples:
    --   ".logs.*"          - starts with dot
    --   "logs.*."          - ends with dot
    --   "logs..error"      - consecutive dots
    --   "logs.**"          - consecutive stars
    --   "logs.##"          - consecutive hashes
    --   "logs.*#"          - adjacent wildcards
    --   "logs.error!"      - invalid character

    IF pattern IS NULL OR pattern = '' THEN
        RAISE EXCEPTION 'pattern cannot be NULL or empty';
    END IF;

    IF length(pattern) > 255 THEN
        RAISE EXCEPTION 'pattern length cannot exceed 255 characters, got % characters', length(pattern);
    END IF;

    IF pattern !~ '^[a-zA-Z0-9._\-*#]+$' THEN
        RAISE EXCEPTION 'pattern contains invalid characters. Only alphanumeric, dots, hyphens, underscores, *, and # are allowed. Got: %', pattern;
    END IF;

    IF pattern ~ '^\.' THEN
        RAISE EXCEPTION 'pattern cannot start with a dot. Got: %', pattern;
    END IF;

    IF pattern ~ '\.$' THEN
        RAISE EXCEPTION 'pattern cannot end with a dot. Got: %', pattern;
    END IF;

    IF pattern ~ '\.\.' THEN
        RAISE EXCEPTION 'pattern cannot contain consecutive dots. Got: %', pattern;
    END IF;

    IF pattern ~ '\*\*' THEN
        RAISE EXCEPTION 'pattern cannot contain consecutive stars (**). Use # for multi-segment matching. Got: %', pattern;
    END IF;

    IF pattern ~ '##' THEN
        RAISE EXCEPTION 'pattern cannot contain consecutive hashes (##). A single # already matches zero or more segments. Got: %', pattern;
    END IF;

    IF pattern ~ '\*#' OR pattern ~ '#\*' THEN
        RAISE EXCEPTION 'pattern cannot contain adjacent wildcards (*# or #*). Separate wildcards with dots. Got: %', pattern;
    END IF;

    RETURN true;
END;
$_$;


ALTER FUNCTION pgmq.validate_topic_pattern(pattern text) OWNER TO postgres;

--
-- Name: procrastinate_cancel_job_v1(bigint, boolean, boolean); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) OWNER TO postgres;

--
-- Name: procrastinate_defer_jobs_v1(procrastinate.procrastinate_job_to_defer_v1[]); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_defer_jobs_v1(jobs procrastinate.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;

    RETURN job_ids;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_defer_jobs_v1(jobs procrastinate.procrastinate_job_to_defer_v1[]) OWNER TO postgres;

--
-- Name: procrastinate_defer_periodic_job_v2(character varying, character varying, character varying, character varying, integer, character varying, bigint, jsonb); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;

    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;

    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;

    RETURN _job_id;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) OWNER TO postgres;

--
-- Name: procrastinate_jobs; Type: TABLE; Schema: procrastinate; Owner: postgres
--

CREATE TABLE procrastinate.procrastinate_jobs (
    id bigint NOT NULL,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    lock text,
    queueing_lock text,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    status procrastinate.procrastinate_job_status DEFAULT 'todo'::procrastinate.procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint,
    CONSTRAINT check_not_todo_abort_requested CHECK ((NOT ((status = 'todo'::procrastinate.procrastinate_job_status) AND (abort_requested = true))))
);


ALTER TABLE procrastinate.procrastinate_jobs OWNER TO postgres;

--
-- Name: procrastinate_fetch_job_v2(character varying[], bigint); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS procrastinate.procrastinate_jobs
    LANGUAGE plpgsql
    AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;

 RETURN found_jobs;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) OWNER TO postgres;

--
-- Name: procrastinate_finish_job_v1(bigint, procrastinate.procrastinate_job_status, boolean); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_finish_job_v1(job_id bigint, end_status procrastinate.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_finish_job_v1(job_id bigint, end_status procrastinate.procrastinate_job_status, delete_job boolean) OWNER TO postgres;

--
-- Name: procrastinate_notify_queue_abort_job_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_notify_queue_abort_job_v1() OWNER TO postgres;

--
-- Name: procrastinate_notify_queue_job_inserted_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_notify_queue_job_inserted_v1() OWNER TO postgres;

--
-- Name: procrastinate_prune_stalled_workers_v1(double precision); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) OWNER TO postgres;

--
-- Name: procrastinate_register_worker_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_register_worker_v1() OWNER TO postgres;

--
-- Name: procrastinate_retry_job_v1(bigint, timestamp with time zone, integer, character varying, character varying); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) OWNER TO postgres;

--
-- Name: procrastinate_retry_job_v2(bigint, timestamp with time zone, integer, character varying, character varying); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;

END;
$$;


ALTER FUNCTION procrastinate.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) OWNER TO postgres;

--
-- Name: procrastinate_trigger_abort_requested_events_procedure_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_trigger_abort_requested_events_procedure_v1() OWNER TO postgres;

--
-- Name: procrastinate_trigger_function_scheduled_events_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);

	RETURN NEW;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_trigger_function_scheduled_events_v1() OWNER TO postgres;

--
-- Name: procrastinate_trigger_function_status_events_insert_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_trigger_function_status_events_insert_v1() OWNER TO postgres;

--
-- Name: procrastinate_trigger_function_status_events_update_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_trigger_function_status_events_update_v1() OWNER TO postgres;

--
-- Name: procrastinate_unlink_periodic_defers_v1(); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_unlink_periodic_defers_v1() OWNER TO postgres;

--
-- Name: procrastinate_unregister_worker_v1(bigint); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_unregister_worker_v1(worker_id bigint) OWNER TO postgres;

--
-- Name: procrastinate_update_heartbeat_v1(bigint); Type: FUNCTION; Schema: procrastinate; Owner: postgres
--

CREATE FUNCTION procrastinate.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;


ALTER FUNCTION procrastinate.procrastinate_update_heartbeat_v1(worker_id bigint) OWNER TO postgres;

--
-- Name: broadcast_messages; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.broadcast_messages (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    device_id bigint,
    lead_id bigint NOT NULL,
    campaign_id bigint,
    sequence_id bigint,
    sequence_stepid bigint,
    sequence_contact_id bigint,
    recipient_phone text NOT NULL,
    recipient_name text,
    category text NOT NULL,
    message_type text NOT NULL,
    source jsonb,
    content text,
    caption text,
    media_url text,
    template jsonb,
    idempotency_key text,
    priority smallint NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    not_before timestamp with time zone,
    deferred_reason text,
    due_at timestamp with time zone GENERATED ALWAYS AS (GREATEST(scheduled_at, not_before)) STORED,
    expires_at timestamp with time zone,
    status text DEFAULT 'pending'::text NOT NULL,
    status_reason text,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    max_failures integer DEFAULT 5 NOT NULL,
    worker_id text,
    lease_expires_at timestamp with time zone,
    provider_message_id text,
    error_code text,
    error_message text,
    sent_at timestamp with time zone,
    delivered_at timestamp with time zone,
    read_at timestamp with time zone,
    replied_at timestamp with time zone,
    finished_at timestamp with time zone,
    hold_ended_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT broadcast_messages_category_known CHECK ((category = ANY (ARRAY['marketing'::text, 'utility'::text]))),
    CONSTRAINT broadcast_messages_failed_says_why CHECK (((status <> ALL (ARRAY['failed'::text, 'unknown'::text, 'cancelled'::text, 'skipped'::text, 'expired'::text])) OR (status_reason IS NOT NULL))),
    CONSTRAINT broadcast_messages_finished_exactly CHECK (((finished_at IS NULL) = (status = ANY (ARRAY['pending'::text, 'processing'::text])))),
    CONSTRAINT broadcast_messages_lease_exactly CHECK ((((status = 'processing'::text) = (lease_expires_at IS NOT NULL)) AND ((status <> 'processing'::text) OR (worker_id IS NOT NULL)))),
    CONSTRAINT broadcast_messages_one_source CHECK (
CASE
    WHEN (campaign_id IS NOT NULL) THEN (num_nonnulls(sequence_id, sequence_stepid, sequence_contact_id, source) = 0)
    WHEN (sequence_contact_id IS NOT NULL) THEN ((num_nonnulls(sequence_id, sequence_stepid) = 2) AND (source IS NULL))
    ELSE ((num_nonnulls(sequence_id, sequence_stepid) = 0) AND (source IS NOT NULL))
END),
    CONSTRAINT broadcast_messages_priority_known CHECK (((priority >= 1) AND (priority <= 3))),
    CONSTRAINT broadcast_messages_sent_has_no_error CHECK (((status <> 'sent'::text) OR ((sent_at IS NOT NULL) AND (error_code IS NULL) AND (error_message IS NULL)))),
    CONSTRAINT broadcast_messages_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'sent'::text, 'failed'::text, 'unknown'::text, 'cancelled'::text, 'skipped'::text, 'expired'::text]))),
    CONSTRAINT broadcast_messages_type_known CHECK ((message_type = ANY (ARRAY['text'::text, 'image'::text, 'video'::text, 'document'::text, 'audio'::text, 'template'::text])))
)
WITH (fillfactor='85');


ALTER TABLE drip.broadcast_messages OWNER TO postgres;

--
-- Name: TABLE broadcast_messages; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.broadcast_messages IS 'The queue and the record: one row per planned message, whatever its source.';


--
-- Name: sequence_contacts; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.sequence_contacts (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    sequence_id bigint NOT NULL,
    lead_id bigint NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    contact_phone text NOT NULL,
    contact_name text,
    current_trigger text,
    current_step integer,
    sequence_stepid bigint,
    next_trigger_time timestamp with time zone,
    assigned_device_id bigint,
    exclusive_group text,
    status text DEFAULT 'pending'::text NOT NULL,
    exit_reason text,
    enrolled_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT sequence_contacts_attributes_object CHECK ((jsonb_typeof(attributes) = 'object'::text)),
    CONSTRAINT sequence_contacts_completed_exactly CHECK (((completed_at IS NOT NULL) = (status = ANY (ARRAY['completed'::text, 'sequence_failed'::text, 'exited'::text])))),
    CONSTRAINT sequence_contacts_exit_reason CHECK (((status <> 'exited'::text) OR (exit_reason IS NOT NULL))),
    CONSTRAINT sequence_contacts_finished_has_no_next CHECK (((completed_at IS NULL) OR (next_trigger_time IS NULL))),
    CONSTRAINT sequence_contacts_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'sent'::text, 'failed'::text, 'paused'::text, 'completed'::text, 'sequence_failed'::text, 'exited'::text])))
);


ALTER TABLE drip.sequence_contacts OWNER TO postgres;

--
-- Name: TABLE sequence_contacts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.sequence_contacts IS 'Enrollments: one row per journey of a lead through a sequence.';


--
-- Name: sequence_steps; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.sequence_steps (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    sequence_id bigint NOT NULL,
    day_number integer NOT NULL,
    name text,
    trigger text,
    next_trigger text,
    is_entry_point boolean DEFAULT false NOT NULL,
    trigger_delay_hours numeric DEFAULT 24 NOT NULL,
    send_time time without time zone,
    message_type text DEFAULT 'text'::text NOT NULL,
    content text,
    media_url text,
    caption text,
    template jsonb,
    min_delay_seconds integer,
    max_delay_seconds integer,
    valid_for interval,
    only_if text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT sequence_steps_delay_not_negative CHECK (((trigger_delay_hours >= (0)::numeric) AND (trigger_delay_hours <= (87600)::numeric))),
    CONSTRAINT sequence_steps_delay_order CHECK (((min_delay_seconds >= 0) AND (min_delay_seconds <= max_delay_seconds))),
    CONSTRAINT sequence_steps_media_url CHECK (((message_type <> ALL (ARRAY['image'::text, 'video'::text, 'document'::text, 'audio'::text])) OR COALESCE((media_url ~ '^https?://[^\s]+$'::text), false))),
    CONSTRAINT sequence_steps_name_form CHECK (((name = btrim(name)) AND (name <> ''::text) AND (name !~ '^\d+$'::text))),
    CONSTRAINT sequence_steps_next_token CHECK ((next_trigger !~ ','::text)),
    CONSTRAINT sequence_steps_position_positive CHECK ((day_number >= 1)),
    CONSTRAINT sequence_steps_template_given CHECK (((message_type <> 'template'::text) OR (template IS NOT NULL))),
    CONSTRAINT sequence_steps_text_content CHECK (((message_type <> 'text'::text) OR ((btrim(COALESCE(content, ''::text)) <> ''::text) AND (media_url IS NULL)))),
    CONSTRAINT sequence_steps_trigger_token CHECK ((trigger !~ ','::text)),
    CONSTRAINT sequence_steps_type_known CHECK ((message_type = ANY (ARRAY['text'::text, 'image'::text, 'video'::text, 'document'::text, 'audio'::text, 'template'::text]))),
    CONSTRAINT sequence_steps_valid_positive CHECK ((valid_for > '00:00:00'::interval))
);


ALTER TABLE drip.sequence_steps OWNER TO postgres;

--
-- Name: TABLE sequence_steps; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.sequence_steps IS 'The messages of a sequence, in order of day_number.';


--
-- Name: COLUMN sequence_steps.trigger; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.trigger IS '[setting] Token of the step; the entry step''s enrolls where the sequence names none.';


--
-- Name: COLUMN sequence_steps.next_trigger; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.next_trigger IS '[setting] Last step: token the lead gets at completion; inner step: the next step''s trigger.';


--
-- Name: COLUMN sequence_steps.trigger_delay_hours; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.trigger_delay_hours IS '[setting] Wait since the step before, in hours; fractions allowed.';


--
-- Name: COLUMN sequence_steps.send_time; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.send_time IS '[setting] Local time of day; the step waits for its next occurrence.';


--
-- Name: COLUMN sequence_steps.content; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.content IS '[setting] Text with {placeholders} and [[variants]]; rendered when the message is claimed.';


--
-- Name: COLUMN sequence_steps.media_url; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.media_url IS '[setting] http(s) address of the media.';


--
-- Name: COLUMN sequence_steps.caption; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.caption IS '[setting] Caption of media; null = content.';


--
-- Name: COLUMN sequence_steps.min_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.min_delay_seconds IS '[setting] Least pause after this step, in seconds; null = the sequence''s.';


--
-- Name: COLUMN sequence_steps.max_delay_seconds; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.max_delay_seconds IS '[setting] Longest pause after this step, in seconds; null = the sequence''s.';


--
-- Name: COLUMN sequence_steps.valid_for; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.valid_for IS '[setting] A message this long past its time expires instead of going late; null = never.';


--
-- Name: COLUMN sequence_steps.only_if; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sequence_steps.only_if IS '[setting] Guard; false skips the step for this lead.';


--
-- Name: _enrollment_facts; Type: VIEW; Schema: drip; Owner: postgres
--

CREATE VIEW drip._enrollment_facts AS
 SELECT e.id AS enrollment_id,
    e.user_id,
        CASE
            WHEN f.is_stopped THEN 'sequence_failed'::text
            WHEN f.is_done THEN 'completed'::text
            WHEN ((s.status = 'paused'::text) OR (l.paused_until IS NOT NULL)) THEN 'paused'::text
            WHEN (j.last_status IS NULL) THEN 'pending'::text
            WHEN (j.last_status = ANY (ARRAY['sent'::text, 'failed'::text])) THEN j.last_status
            ELSE 'active'::text
        END AS status,
    (f.is_stopped OR f.is_done) AS is_finished,
    st.day_number AS current_step,
    st.id AS sequence_stepid,
    COALESCE(st.trigger, e.current_trigger) AS current_trigger,
        CASE
            WHEN (NOT (f.is_stopped OR f.is_done)) THEN j.next_at
            ELSE NULL::timestamp with time zone
        END AS next_trigger_time,
    NULLIF(btrim(last_step.next_trigger), ''::text) AS next_trigger,
    COALESCE(j.last_sent_at, j.last_finished_at) AS last_sent_at,
    j.last_finished_at
   FROM ((((((drip.sequence_contacts e
     JOIN drip.sequences s ON ((s.id = e.sequence_id)))
     JOIN drip.leads l ON ((l.id = e.lead_id)))
     CROSS JOIN LATERAL ( SELECT count(*) FILTER (WHERE ((m.status = ANY (ARRAY['pending'::text, 'processing'::text])) OR ((m.status = 'unknown'::text) AND (m.hold_ended_at IS NULL)))) AS open,
            (array_agg(m.status ORDER BY p.day_number DESC) FILTER (WHERE (m.finished_at IS NOT NULL)))[1] AS last_status,
            COALESCE((array_agg(p.id ORDER BY p.day_number DESC) FILTER (WHERE (m.attempts > 0)))[1], (array_agg(p.id ORDER BY p.day_number))[1]) AS step_id,
            (array_agg(p.id ORDER BY p.day_number DESC))[1] AS last_step_id,
            (array_agg(m.scheduled_at ORDER BY p.day_number) FILTER (WHERE (m.status = ANY (ARRAY['pending'::text, 'processing'::text]))))[1] AS next_at,
            bool_or((m.status = 'failed'::text)) AS any_failed,
            max(m.sent_at) AS last_sent_at,
            max(m.finished_at) AS last_finished_at
           FROM (drip.broadcast_messages m
             JOIN drip.sequence_steps p ON ((p.id = m.sequence_stepid)))
          WHERE (m.sequence_contact_id = e.id)) j)
     CROSS JOIN LATERAL ( SELECT ((s.on_step_failure = 'stop'::text) AND COALESCE(j.any_failed, false)) AS is_stopped,
            (j.open = 0) AS is_done) f)
     LEFT JOIN drip.sequence_steps st ON ((st.id = j.step_id)))
     LEFT JOIN drip.sequence_steps last_step ON ((last_step.id = j.last_step_id)));


ALTER TABLE drip._enrollment_facts OWNER TO postgres;

--
-- Name: VIEW _enrollment_facts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON VIEW drip._enrollment_facts IS 'Grain: enrollment (enrollment_id). Its state by its messages, for all tenants; private.';


--
-- Name: sync_backlog; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.sync_backlog (
    id bigint NOT NULL,
    enrollment_id bigint NOT NULL,
    noted_at timestamp with time zone NOT NULL
);


ALTER TABLE drip.sync_backlog OWNER TO postgres;

--
-- Name: TABLE sync_backlog; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.sync_backlog IS 'Enrollments whose row was held by an application when a result came; the next tick syncs them.';


--
-- Name: _enrollments; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip._enrollments WITH (security_barrier='true') AS
 SELECT e.id AS enrollment_id,
    e.user_id,
    e.sequence_id,
    e.lead_id,
    e.key,
    e.contact_phone,
    e.contact_name,
    e.assigned_device_id,
    e.exit_reason,
    e.enrolled_at,
    COALESCE(f.status, e.status) AS status,
    COALESCE(f.current_step, e.current_step) AS current_step,
    COALESCE(f.sequence_stepid, e.sequence_stepid) AS sequence_stepid,
        CASE
            WHEN (f.enrollment_id IS NULL) THEN e.next_trigger_time
            ELSE f.next_trigger_time
        END AS next_trigger_time,
        CASE
            WHEN f.is_finished THEN f.last_finished_at
            ELSE e.completed_at
        END AS completed_at
   FROM (drip.sequence_contacts e
     LEFT JOIN drip._enrollment_facts f ON (((f.enrollment_id = e.id) AND (e.completed_at IS NULL) AND (EXISTS ( SELECT
           FROM drip.sync_backlog b
          WHERE (b.enrollment_id = e.id))))));


ALTER TABLE drip._enrollments OWNER TO drip_view;

--
-- Name: VIEW _enrollments; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip._enrollments IS 'Grain: enrollment (enrollment_id). Its state as it is now, for the caller''s tenants; private.';


--
-- Name: account_reach; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.account_reach (
    account_id bigint NOT NULL,
    lead_id bigint NOT NULL,
    last_sent_at timestamp with time zone NOT NULL
);


ALTER TABLE drip.account_reach OWNER TO postgres;

--
-- Name: TABLE account_reach; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.account_reach IS 'When each lead was last reached through an account that has a reach_cap.';


--
-- Name: device_pacing; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.device_pacing (
    device_id bigint NOT NULL,
    user_id bigint NOT NULL,
    next_look_at timestamp with time zone NOT NULL,
    next_send_at timestamp with time zone NOT NULL,
    local_day date,
    sent_today integer DEFAULT 0 NOT NULL,
    window_started_at timestamp with time zone,
    window_results integer DEFAULT 0 NOT NULL,
    window_failures integer DEFAULT 0 NOT NULL,
    breaker_open_until timestamp with time zone,
    breaker_level integer DEFAULT 0 NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');


ALTER TABLE drip.device_pacing OWNER TO postgres;

--
-- Name: TABLE device_pacing; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.device_pacing IS 'One narrow hot row per device: when to look, when it may send, the day''s count, the breaker.';


--
-- Name: sender_accounts; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.sender_accounts (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    name text NOT NULL,
    platform text NOT NULL,
    reach_cap integer,
    status text DEFAULT 'online'::text NOT NULL,
    status_reason text,
    blocked_until timestamp with time zone,
    webhook_secret_name text,
    verify_token_secret_name text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT sender_accounts_name_form CHECK (((name = btrim(name)) AND (name <> ''::text) AND (name !~ '^\d+$'::text))),
    CONSTRAINT sender_accounts_platform_known CHECK ((platform = ANY (ARRAY['gowa'::text, 'cloud_api'::text, 'waha'::text, 'evolution'::text, 'wablas'::text, 'whacenter'::text]))),
    CONSTRAINT sender_accounts_reach_positive CHECK ((reach_cap > 0)),
    CONSTRAINT sender_accounts_status_known CHECK ((status = ANY (ARRAY['online'::text, 'offline'::text, 'needs_attention'::text, 'disabled'::text])))
);


ALTER TABLE drip.sender_accounts OWNER TO postgres;

--
-- Name: TABLE sender_accounts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.sender_accounts IS 'What several devices share: a Meta business portfolio or a gateway.';


--
-- Name: COLUMN sender_accounts.reach_cap; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.sender_accounts.reach_cap IS '[setting] Unique leads per moving 24 h over all devices of the account; null = no cap.';


--
-- Name: suppressions; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.suppressions (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    phone text NOT NULL,
    category text DEFAULT 'all'::text NOT NULL,
    reason text,
    source text DEFAULT 'application'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT suppressions_category_known CHECK ((category = ANY (ARRAY['all'::text, 'marketing'::text]))),
    CONSTRAINT suppressions_phone_e164 CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text))
);


ALTER TABLE drip.suppressions OWNER TO postgres;

--
-- Name: TABLE suppressions; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.suppressions IS 'Opt-outs: phones that get nothing (all) or no marketing (marketing).';


--
-- Name: _message_facts; Type: VIEW; Schema: drip; Owner: postgres
--

CREATE VIEW drip._message_facts AS
 SELECT m.id AS message_id,
    m.user_id,
    m.lead_id,
    m.device_id,
    m.scheduled_at,
    m.due_at,
    m.priority,
    v.verdict,
    v.reason,
    v.until
   FROM (((((((((((((drip.broadcast_messages m
     JOIN drip.users u ON ((u.id = m.user_id)))
     JOIN drip.leads l ON ((l.id = m.lead_id)))
     LEFT JOIN drip.user_devices d ON ((d.id = m.device_id)))
     LEFT JOIN drip.device_pacing dp ON ((dp.device_id = m.device_id)))
     LEFT JOIN drip.sender_accounts a ON ((a.id = d.account_id)))
     LEFT JOIN drip.campaigns c ON ((c.id = m.campaign_id)))
     LEFT JOIN drip.sequences s ON ((s.id = m.sequence_id)))
     LEFT JOIN drip.sequence_contacts e ON ((e.id = m.sequence_contact_id)))
     LEFT JOIN drip.sequence_steps st ON ((st.id = m.sequence_stepid)))
     CROSS JOIN LATERAL ( SELECT drip.now() AS now,
            COALESCE(l.time_zone, u.time_zone) AS zone,
            ((m.campaign_id IS NOT NULL) OR (m.sequence_id IS NOT NULL) OR (m.category = 'marketing'::text)) AS has_window,
            COALESCE(c.send_from, s.send_from, u.send_from) AS window_from,
            COALESCE(c.send_to, s.send_to, u.send_to) AS window_to,
            COALESCE(c.send_days, s.send_days, u.send_days) AS window_days,
            COALESCE(s.skip_weekends, false) AS skip_weekends
         OFFSET 0) f)
     LEFT JOIN LATERAL ( SELECT min(p.due_at) FILTER (WHERE (p.status = ANY (ARRAY['pending'::text, 'processing'::text]))) AS due_at,
            max((p.finished_at + u.unknown_hold)) FILTER (WHERE ((p.status = 'unknown'::text) AND (p.hold_ended_at IS NULL))) AS hold_at,
            max(drip._free_at(p.finished_at, p.scheduled_at, st.trigger_delay_hours, st.send_time, f.zone)) FILTER (WHERE (p.status = ANY (ARRAY['sent'::text, 'failed'::text, 'unknown'::text]))) AS free_at
           FROM (drip.sequence_steps ps
             JOIN drip.broadcast_messages p ON (((p.sequence_contact_id = m.sequence_contact_id) AND (p.sequence_stepid = ps.id))))
          WHERE ((m.sequence_contact_id IS NOT NULL) AND (st.day_number > 1) AND (ps.sequence_id = m.sequence_id) AND (ps.day_number < st.day_number))
         OFFSET 0) pred ON (true))
     CROSS JOIN LATERAL ( SELECT (EXISTS ( SELECT
                   FROM drip.suppressions sp
                  WHERE ((sp.user_id = m.user_id) AND (sp.phone = m.recipient_phone) AND ((sp.category = 'all'::text) OR (m.category = 'marketing'::text))))) AS suppressed,
                CASE
                    WHEN (f.has_window AND ((f.window_from IS NOT NULL) OR (f.window_days IS NOT NULL) OR f.skip_weekends)) THEN drip._window_opens_at(f.now, f.zone, f.window_from, f.window_to, f.window_days, f.skip_weekends)
                    ELSE NULL::timestamp with time zone
                END AS window_opens_at,
                CASE
                    WHEN f.skip_weekends THEN (EXTRACT(isodow FROM (f.now AT TIME ZONE f.zone)) = ANY (ARRAY[(6)::numeric, (7)::numeric]))
                    ELSE false
                END AS window_is_weekend,
                CASE
                    WHEN ((u.contact_gap IS NOT NULL) AND (m.category = 'marketing'::text)) THEN ( SELECT (max(COALESCE(x_1.sent_at, x_1.finished_at, f.now)) + u.contact_gap)
                       FROM drip.broadcast_messages x_1
                      WHERE ((x_1.lead_id = m.lead_id) AND (x_1.id <> m.id) AND (x_1.category = 'marketing'::text) AND (x_1.status = ANY (ARRAY['sent'::text, 'unknown'::text, 'processing'::text]))))
                    ELSE NULL::timestamp with time zone
                END AS gap_until,
                CASE
                    WHEN ((u.contact_cap IS NOT NULL) AND (m.category = 'marketing'::text)) THEN ( SELECT (max(y.at) + u.contact_cap_period)
                       FROM ( SELECT COALESCE(x_1.sent_at, x_1.finished_at, f.now) AS at
                               FROM drip.broadcast_messages x_1
                              WHERE ((x_1.lead_id = m.lead_id) AND (x_1.id <> m.id) AND (x_1.category = 'marketing'::text) AND (x_1.status = ANY (ARRAY['sent'::text, 'unknown'::text, 'processing'::text])))
                              ORDER BY COALESCE(x_1.sent_at, x_1.finished_at, f.now) DESC
                             OFFSET (u.contact_cap - 1)
                             LIMIT 1) y)
                    ELSE NULL::timestamp with time zone
                END AS cap_until,
                CASE
                    WHEN (a.reach_cap IS NOT NULL) THEN ( SELECT min(y.until) AS min
                       FROM ( SELECT r.lead_id,
                                (r.last_sent_at + '24:00:00'::interval) AS until
                               FROM drip.account_reach r
                              WHERE ((r.account_id = a.id) AND (r.last_sent_at > (f.now - '24:00:00'::interval)))
                            UNION ALL
                             SELECT DISTINCT o.lead_id,
                                (f.now + '00:01:00'::interval)
                               FROM (drip.user_devices od
                                 JOIN drip.broadcast_messages o ON (((o.device_id = od.id) AND (o.status = 'processing'::text))))
                              WHERE ((od.account_id = a.id) AND (NOT (EXISTS ( SELECT
                                       FROM drip.account_reach r
                                      WHERE ((r.account_id = a.id) AND (r.lead_id = o.lead_id) AND (r.last_sent_at > (f.now - '24:00:00'::interval)))))))) y
                     HAVING ((count(*) >= a.reach_cap) AND (count(*) FILTER (WHERE (y.lead_id = m.lead_id)) = 0)))
                    ELSE NULL::timestamp with time zone
                END AS account_cap_until,
                CASE
                    WHEN ((d.platform = 'cloud_api'::text) AND (m.message_type <> 'template'::text)) THEN COALESCE((l.last_inbound_at < (f.now - '24:00:00'::interval)), true)
                    ELSE false
                END AS service_window_closed,
                CASE
                    WHEN (d.active_from IS NOT NULL) THEN drip._window_opens_at(f.now, u.time_zone, d.active_from, d.active_to, NULL::smallint[], false)
                    ELSE NULL::timestamp with time zone
                END AS device_opens_at,
                CASE
                    WHEN ((d.daily_cap IS NOT NULL) OR (d.ramp IS NOT NULL)) THEN (
                    CASE
                        WHEN (dp.local_day = ((f.now AT TIME ZONE u.time_zone))::date) THEN dp.sent_today
                        ELSE 0
                    END + ( SELECT (count(*))::integer AS count
                       FROM drip.broadcast_messages x_1
                      WHERE ((x_1.device_id = d.id) AND (x_1.status = 'processing'::text))))
                    ELSE NULL::integer
                END AS used_today,
                CASE
                    WHEN ((d.daily_cap IS NOT NULL) OR (d.ramp IS NOT NULL)) THEN (((((f.now AT TIME ZONE u.time_zone))::date + 1))::timestamp without time zone AT TIME ZONE u.time_zone)
                    ELSE NULL::timestamp with time zone
                END AS next_day_at,
                CASE
                    WHEN (d.ramp IS NOT NULL) THEN
                    CASE
                        WHEN (((f.now AT TIME ZONE u.time_zone))::date < d.ramp_started_on) THEN d.ramp[1]
                        ELSE d.ramp[((((f.now AT TIME ZONE u.time_zone))::date - d.ramp_started_on) + 1)]
                    END
                    ELSE NULL::integer
                END AS ramp_cap
         OFFSET 0) x)
     CROSS JOIN LATERAL drip._verdict(f.now, m.scheduled_at, m.not_before, m.expires_at, u.is_active, c.status, s.status, e.status, l.paused_until, x.suppressed, pred.due_at, pred.hold_at, pred.free_at, d.id, d.status, a.status, a.blocked_until, x.account_cap_until, x.service_window_closed, dp.breaker_open_until, x.window_opens_at, x.window_is_weekend, x.gap_until, x.cap_until, x.device_opens_at, x.next_day_at, x.used_today, d.daily_cap, x.ramp_cap, dp.next_send_at) v(verdict, reason, until))
  WHERE (m.status = 'pending'::text);


ALTER TABLE drip._message_facts OWNER TO postgres;

--
-- Name: VIEW _message_facts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON VIEW drip._message_facts IS 'Grain: pending message (message_id). The verdict over its facts, for all tenants; private.';


--
-- Name: _message_texts; Type: VIEW; Schema: drip; Owner: postgres
--

CREATE VIEW drip._message_texts AS
 SELECT m.id AS message_id,
    COALESCE(st.content, c.message, (m.source ->> 'content'::text)) AS content,
    COALESCE(st.caption, c.caption, (m.source ->> 'caption'::text)) AS caption,
    COALESCE(st.media_url, c.media_url, (m.source ->> 'media_url'::text)) AS media_url,
    COALESCE(st.template, c.template, (m.source -> 'template'::text)) AS template,
        CASE
            WHEN COALESCE(s.greeting, c.greeting, false) THEN drip._greeting(m.user_id, COALESCE(l.language, u.language), COALESCE(l.time_zone, u.time_zone), drip.now(), l.name)
            ELSE NULL::text
        END AS greeting
   FROM (((((drip.broadcast_messages m
     JOIN drip.users u ON ((u.id = m.user_id)))
     JOIN drip.leads l ON ((l.id = m.lead_id)))
     LEFT JOIN drip.sequences s ON ((s.id = m.sequence_id)))
     LEFT JOIN drip.sequence_steps st ON ((st.id = m.sequence_stepid)))
     LEFT JOIN drip.campaigns c ON ((c.id = m.campaign_id)));


ALTER TABLE drip._message_texts OWNER TO postgres;

--
-- Name: VIEW _message_texts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON VIEW drip._message_texts IS 'Grain: message (message_id). Its texts before rendering, and its greeting; private.';


--
-- Name: alembic_version; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE drip.alembic_version OWNER TO postgres;

--
-- Name: TABLE alembic_version; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.alembic_version IS 'The newest revision of the tables.';


--
-- Name: audiences; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.audiences (
    name text NOT NULL,
    key_column text NOT NULL,
    user_id bigint,
    description text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT audiences_key_known CHECK ((key_column = ANY (ARRAY['lead_id'::text, 'external_id'::text, 'phone'::text])))
);


ALTER TABLE drip.audiences OWNER TO postgres;

--
-- Name: TABLE audiences; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.audiences IS 'Registered audience views: who a campaign may name.';


--
-- Name: audit_log; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    user_id bigint,
    session_user_name text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id bigint,
    reason text,
    details jsonb
);


ALTER TABLE drip.audit_log OWNER TO postgres;

--
-- Name: TABLE audit_log; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.audit_log IS 'Who changed what by a verb, when and why.';


--
-- Name: audit_log_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: broadcast_messages_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.broadcast_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.broadcast_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: campaign_overview; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.campaign_overview WITH (security_barrier='true') AS
 SELECT c.user_id,
    c.id AS campaign_id,
    c.title,
    c.status,
    c.status_reason,
    c.scheduled_at,
    c.niche,
    c.target_status,
    c.everyone,
    c.audience,
    c.audience_count,
    c.expanded_at,
    COALESCE(q.messages, (0)::bigint) AS messages,
    COALESCE(q.pending, (0)::bigint) AS messages_pending,
    COALESCE(q.processing, (0)::bigint) AS messages_processing,
    COALESCE(q.sent, (0)::bigint) AS messages_sent,
    COALESCE(q.failed, (0)::bigint) AS messages_failed,
    COALESCE(q.unknown, (0)::bigint) AS messages_unknown,
    COALESCE(q.cancelled, (0)::bigint) AS messages_cancelled,
    COALESCE(q.skipped, (0)::bigint) AS messages_skipped,
    COALESCE(q.expired, (0)::bigint) AS messages_expired,
    COALESCE(q.delivered, (0)::bigint) AS delivered,
    COALESCE(q.read, (0)::bigint) AS read,
    COALESCE(q.replied, (0)::bigint) AS replied,
        CASE
            WHEN (q.messages > 0) THEN round(((100.0 * (((q.messages - q.pending) - q.processing))::numeric) / (q.messages)::numeric), 1)
            ELSE NULL::numeric
        END AS finished_percent,
    q.first_sent_at,
    q.last_sent_at,
    c.completed_at,
    c.last_run_at,
    c.last_error
   FROM (drip.campaigns c
     LEFT JOIN ( SELECT m.campaign_id,
            count(*) AS messages,
            count(*) FILTER (WHERE (m.status = 'pending'::text)) AS pending,
            count(*) FILTER (WHERE (m.status = 'processing'::text)) AS processing,
            count(*) FILTER (WHERE (m.status = 'sent'::text)) AS sent,
            count(*) FILTER (WHERE (m.status = 'failed'::text)) AS failed,
            count(*) FILTER (WHERE (m.status = 'unknown'::text)) AS unknown,
            count(*) FILTER (WHERE (m.status = 'cancelled'::text)) AS cancelled,
            count(*) FILTER (WHERE (m.status = 'skipped'::text)) AS skipped,
            count(*) FILTER (WHERE (m.status = 'expired'::text)) AS expired,
            count(*) FILTER (WHERE ((m.delivered_at IS NOT NULL) OR (m.read_at IS NOT NULL))) AS delivered,
            count(*) FILTER (WHERE (m.read_at IS NOT NULL)) AS read,
            count(*) FILTER (WHERE (m.replied_at IS NOT NULL)) AS replied,
            min(m.sent_at) AS first_sent_at,
            max(m.sent_at) AS last_sent_at
           FROM drip.broadcast_messages m
          WHERE (m.campaign_id IS NOT NULL)
          GROUP BY m.campaign_id) q ON ((q.campaign_id = c.id)));


ALTER TABLE drip.campaign_overview OWNER TO drip_view;

--
-- Name: VIEW campaign_overview; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.campaign_overview IS 'Grain: campaign (campaign_id). Its audience and messages by state.';


--
-- Name: COLUMN campaign_overview.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.user_id IS 'Tenant.';


--
-- Name: COLUMN campaign_overview.campaign_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.campaign_id IS 'Key of the row.';


--
-- Name: COLUMN campaign_overview.title; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.title IS 'Its title.';


--
-- Name: COLUMN campaign_overview.status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.status IS 'draft, pending, triggered, completed, paused, cancelled or failed.';


--
-- Name: COLUMN campaign_overview.status_reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.status_reason IS 'Why it has this status.';


--
-- Name: COLUMN campaign_overview.scheduled_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.scheduled_at IS 'When it starts.';


--
-- Name: COLUMN campaign_overview.niche; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.niche IS 'Niche of its audience.';


--
-- Name: COLUMN campaign_overview.target_status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.target_status IS 'Status of its audience; all means all.';


--
-- Name: COLUMN campaign_overview.everyone; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.everyone IS 'True: every lead.';


--
-- Name: COLUMN campaign_overview.audience; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.audience IS 'Registered view that names its audience.';


--
-- Name: COLUMN campaign_overview.audience_count; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.audience_count IS 'Leads that matched when it was expanded.';


--
-- Name: COLUMN campaign_overview.expanded_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.expanded_at IS 'When all its messages were planned.';


--
-- Name: COLUMN campaign_overview.messages; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages IS 'Messages planned; the sum of the eight states after it.';


--
-- Name: COLUMN campaign_overview.messages_pending; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_pending IS 'Messages that are pending.';


--
-- Name: COLUMN campaign_overview.messages_processing; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_processing IS 'Messages that are processing.';


--
-- Name: COLUMN campaign_overview.messages_sent; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_sent IS 'Messages that are sent.';


--
-- Name: COLUMN campaign_overview.messages_failed; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_failed IS 'Messages that are failed.';


--
-- Name: COLUMN campaign_overview.messages_unknown; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_unknown IS 'Messages that are unknown.';


--
-- Name: COLUMN campaign_overview.messages_cancelled; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_cancelled IS 'Messages that are cancelled.';


--
-- Name: COLUMN campaign_overview.messages_skipped; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_skipped IS 'Messages that are skipped.';


--
-- Name: COLUMN campaign_overview.messages_expired; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.messages_expired IS 'Messages that are expired.';


--
-- Name: COLUMN campaign_overview.delivered; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.delivered IS 'Sent ones that reached the phone; includes read.';


--
-- Name: COLUMN campaign_overview.read; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.read IS 'Sent ones that were read.';


--
-- Name: COLUMN campaign_overview.replied; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.replied IS 'Sent ones that got a reply.';


--
-- Name: COLUMN campaign_overview.finished_percent; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.finished_percent IS 'Messages neither pending nor processing, in percent.';


--
-- Name: COLUMN campaign_overview.first_sent_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.first_sent_at IS 'First send.';


--
-- Name: COLUMN campaign_overview.last_sent_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.last_sent_at IS 'Last send.';


--
-- Name: COLUMN campaign_overview.completed_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.completed_at IS 'When it completed.';


--
-- Name: COLUMN campaign_overview.last_run_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.last_run_at IS 'Last expansion.';


--
-- Name: COLUMN campaign_overview.last_error; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.campaign_overview.last_error IS 'Last error of the expansion.';


--
-- Name: campaigns_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.campaigns ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.campaigns_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: code_objects; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.code_objects (
    kind text NOT NULL,
    identity text NOT NULL,
    file text NOT NULL,
    checksum text NOT NULL,
    catalog_hash text NOT NULL,
    CONSTRAINT code_objects_kind CHECK ((kind = ANY (ARRAY['function'::text, 'view'::text, 'policy'::text, 'trigger'::text, 'table'::text])))
);


ALTER TABLE drip.code_objects OWNER TO postgres;

--
-- Name: TABLE code_objects; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.code_objects IS 'What the last migration left in schema drip; one row per object.';


--
-- Name: COLUMN code_objects.kind; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.code_objects.kind IS 'function, view, policy, trigger or table.';


--
-- Name: COLUMN code_objects.identity; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.code_objects.identity IS 'The object''s full name.';


--
-- Name: COLUMN code_objects.file; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.code_objects.file IS 'The file below db/ that defines it; (revision) when a revision made it.';


--
-- Name: COLUMN code_objects.checksum; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.code_objects.checksum IS 'SHA-256 of the file, else empty.';


--
-- Name: COLUMN code_objects.catalog_hash; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.code_objects.catalog_hash IS 'MD5 of the definition, owner, rights and comments the catalog held afterwards.';


--
-- Name: device_overview; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.device_overview WITH (security_barrier='true') AS
 SELECT d.user_id,
    d.id AS device_id,
    d.name AS device_name,
    d.platform,
        CASE
            WHEN ( SELECT drip.can_see_phones() AS can_see_phones) THEN d.phone
            ELSE drip.mask_phone(d.phone)
        END AS phone,
    d.status,
    d.status_reason,
    d.status_since,
    d.last_seen,
    d.min_delay_seconds,
    d.max_delay_seconds,
    d.burst,
    d.daily_cap,
        CASE
            WHEN (p.local_day = ((drip.now() AT TIME ZONE u.time_zone))::date) THEN p.sent_today
            ELSE 0
        END AS sent_today,
    COALESCE(q.pending, (0)::bigint) AS pending,
    COALESCE(q.due, (0)::bigint) AS due,
    COALESCE(b.processing, (0)::bigint) AS processing,
    q.next_due_at,
    GREATEST(p.next_send_at, p.breaker_open_until) AS may_send_at,
        CASE
            WHEN (p.breaker_open_until > drip.now()) THEN p.breaker_open_until
            ELSE NULL::timestamp with time zone
        END AS breaker_open_until,
    p.window_results AS recent_results,
    p.window_failures AS recent_failures,
        CASE
            WHEN (NOT u.is_active) THEN drip.reason_sentence('user_inactive'::text)
            WHEN (d.status = 'disabled'::text) THEN drip.reason_sentence('device_disabled'::text)
            WHEN (d.status = 'needs_attention'::text) THEN drip.reason_sentence('device_attention'::text)
            WHEN (d.status = 'offline'::text) THEN drip.reason_sentence('device_offline'::text)
            WHEN (p.breaker_open_until > drip.now()) THEN drip.reason_sentence('breaker_open'::text)
            WHEN (COALESCE(q.due, (0)::bigint) = 0) THEN 'Nothing is due.'::text
            ELSE 'It is sending.'::text
        END AS state
   FROM ((((drip.user_devices d
     JOIN drip.users u ON ((u.id = d.user_id)))
     LEFT JOIN drip.device_pacing p ON ((p.device_id = d.id)))
     LEFT JOIN ( SELECT m.device_id,
            count(*) AS pending,
            count(*) FILTER (WHERE (m.due_at <= drip.now())) AS due,
            min(m.due_at) FILTER (WHERE (m.due_at < 'infinity'::timestamp with time zone)) AS next_due_at
           FROM drip.broadcast_messages m
          WHERE ((m.status = 'pending'::text) AND (m.device_id IS NOT NULL))
          GROUP BY m.device_id) q ON ((q.device_id = d.id)))
     LEFT JOIN ( SELECT m.device_id,
            count(*) AS processing
           FROM drip.broadcast_messages m
          WHERE (m.status = 'processing'::text)
          GROUP BY m.device_id) b ON ((b.device_id = d.id)));


ALTER TABLE drip.device_overview OWNER TO drip_view;

--
-- Name: VIEW device_overview; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.device_overview IS 'Grain: device (device_id). Its state, its queue and its pace.';


--
-- Name: COLUMN device_overview.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.user_id IS 'Tenant.';


--
-- Name: COLUMN device_overview.device_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.device_id IS 'Key of the row.';


--
-- Name: COLUMN device_overview.device_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.device_name IS 'Its name.';


--
-- Name: COLUMN device_overview.platform; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.platform IS 'gowa, cloud_api, waha, evolution, wablas or whacenter.';


--
-- Name: COLUMN device_overview.phone; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.phone IS 'Its own number; masked without drip_pii.';


--
-- Name: COLUMN device_overview.status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.status IS 'online, offline, needs_attention or disabled.';


--
-- Name: COLUMN device_overview.status_reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.status_reason IS 'What its sender said.';


--
-- Name: COLUMN device_overview.status_since; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.status_since IS 'Since when.';


--
-- Name: COLUMN device_overview.last_seen; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.last_seen IS 'Last time its sender answered a check.';


--
-- Name: COLUMN device_overview.min_delay_seconds; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.min_delay_seconds IS 'Shortest pause between two messages, in seconds.';


--
-- Name: COLUMN device_overview.max_delay_seconds; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.max_delay_seconds IS 'Longest pause, in seconds.';


--
-- Name: COLUMN device_overview.burst; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.burst IS 'Most messages in flight.';


--
-- Name: COLUMN device_overview.daily_cap; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.daily_cap IS 'Most sends per local day.';


--
-- Name: COLUMN device_overview.sent_today; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.sent_today IS 'Real sends of the tenant''s local day.';


--
-- Name: COLUMN device_overview.pending; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.pending IS 'Messages that wait for it.';


--
-- Name: COLUMN device_overview.due; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.due IS 'Those whose time has come.';


--
-- Name: COLUMN device_overview.processing; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.processing IS 'Messages in flight.';


--
-- Name: COLUMN device_overview.next_due_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.next_due_at IS 'Time of the next one.';


--
-- Name: COLUMN device_overview.may_send_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.may_send_at IS 'Its pace and its breaker let it send from then.';


--
-- Name: COLUMN device_overview.breaker_open_until; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.breaker_open_until IS 'Until when its circuit breaker rests it.';


--
-- Name: COLUMN device_overview.recent_results; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.recent_results IS 'Results in the breaker''s window.';


--
-- Name: COLUMN device_overview.recent_failures; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.recent_failures IS 'Failures among them.';


--
-- Name: COLUMN device_overview.state; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.device_overview.state IS 'The state in words.';


--
-- Name: error_codes; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.error_codes (
    platform text NOT NULL,
    code text NOT NULL,
    scope text NOT NULL,
    action text NOT NULL,
    wait interval,
    auto_resume boolean DEFAULT true NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT error_codes_action_known CHECK ((action = ANY (ARRAY['retry'::text, 'fail'::text, 'unknown'::text, 'stop'::text, 'opt_out'::text]))),
    CONSTRAINT error_codes_scope_known CHECK ((scope = ANY (ARRAY['recipient'::text, 'device'::text, 'account'::text]))),
    CONSTRAINT error_codes_wait_not_negative CHECK ((wait >= '00:00:00'::interval))
);


ALTER TABLE drip.error_codes OWNER TO postgres;

--
-- Name: TABLE error_codes; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.error_codes IS 'What a provider''s error code means for the message and its device; operators may edit it.';


--
-- Name: COLUMN error_codes.scope; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.error_codes.scope IS '[setting] Whom the error concerns.';


--
-- Name: COLUMN error_codes.action; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.error_codes.action IS '[setting] retry after wait; fail the message; unknown; stop the device or account; opt_out.';


--
-- Name: COLUMN error_codes.wait; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.error_codes.wait IS '[setting] How long before the next try.';


--
-- Name: COLUMN error_codes.auto_resume; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.error_codes.auto_resume IS '[setting] After a stop: true resumes by itself after wait, false waits for a person.';


--
-- Name: greetings; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.greetings (
    id bigint NOT NULL,
    user_id bigint,
    language text NOT NULL,
    from_hour smallint NOT NULL,
    to_hour smallint NOT NULL,
    text text NOT NULL,
    CONSTRAINT greetings_hours CHECK ((((from_hour >= 0) AND (from_hour <= 23)) AND ((to_hour >= 1) AND (to_hour <= 24)) AND (from_hour < to_hour)))
);


ALTER TABLE drip.greetings OWNER TO postgres;

--
-- Name: TABLE greetings; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.greetings IS 'Greetings by language and local hour; a tenant''s own rows go before the common ones.';


--
-- Name: greetings_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.greetings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.greetings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: guards; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.guards (
    name text NOT NULL,
    description text,
    created_at timestamp with time zone NOT NULL
);


ALTER TABLE drip.guards OWNER TO postgres;

--
-- Name: TABLE guards; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.guards IS 'Registered guards: boolean functions of a lead and an enrollment.';


--
-- Name: inbound_messages; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.inbound_messages (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    device_id bigint,
    lead_id bigint,
    provider_message_id text,
    sender text NOT NULL,
    body text,
    kind text DEFAULT 'text'::text NOT NULL,
    received_at timestamp with time zone NOT NULL
);


ALTER TABLE drip.inbound_messages OWNER TO postgres;

--
-- Name: TABLE inbound_messages; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.inbound_messages IS 'Messages that leads sent to the devices.';


--
-- Name: inbound_messages_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.inbound_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.inbound_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: installed_parts; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.installed_parts (
    name text NOT NULL,
    version text NOT NULL,
    how text NOT NULL,
    installed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT installed_parts_how CHECK ((how = ANY (ARRAY['library'::text, 'extension'::text, 'present'::text])))
);


ALTER TABLE drip.installed_parts OWNER TO postgres;

--
-- Name: TABLE installed_parts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.installed_parts IS 'What this database got from elsewhere; one row per part.';


--
-- Name: COLUMN installed_parts.name; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.installed_parts.name IS 'The part: procrastinate or pgmq.';


--
-- Name: COLUMN installed_parts.version; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.installed_parts.version IS 'Its version when it was installed.';


--
-- Name: COLUMN installed_parts.how; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.installed_parts.how IS 'library: SQL of the Python package; extension: create extension; present: was there.';


--
-- Name: COLUMN installed_parts.installed_at; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON COLUMN drip.installed_parts.installed_at IS 'When that was.';


--
-- Name: lead_aliases; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.lead_aliases (
    user_id bigint NOT NULL,
    platform text NOT NULL,
    provider_id text NOT NULL,
    lead_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);


ALTER TABLE drip.lead_aliases OWNER TO postgres;

--
-- Name: TABLE lead_aliases; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.lead_aliases IS 'Ids under which providers know a lead, so that a second number format still matches.';


--
-- Name: leads_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.leads ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.leads_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: message_attempts; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.message_attempts (
    message_id bigint NOT NULL,
    attempt integer NOT NULL,
    user_id bigint NOT NULL,
    device_id bigint NOT NULL,
    worker_id text NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    delay_seconds numeric NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    error_code text,
    error_message text,
    provider_message_id text,
    CONSTRAINT message_attempts_closed_exactly CHECK (((finished_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT message_attempts_outcome_known CHECK ((outcome = ANY (ARRAY['accepted'::text, 'retry'::text, 'permanent'::text, 'unknown'::text, 'released'::text, 'lease_expired'::text])))
)
WITH (fillfactor='85');


ALTER TABLE drip.message_attempts OWNER TO postgres;

--
-- Name: TABLE message_attempts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.message_attempts IS 'One row per attempt, written by the claim and closed once by its outcome.';


--
-- Name: message_log; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.message_log WITH (security_barrier='true') AS
 SELECT m.id AS message_id,
    m.user_id,
    u.name AS user_name,
        CASE
            WHEN (m.campaign_id IS NOT NULL) THEN 'campaign'::text
            WHEN (m.sequence_id IS NOT NULL) THEN 'sequence'::text
            ELSE 'single'::text
        END AS source_kind,
    COALESCE(c.title, s.name) AS source_name,
    m.campaign_id,
    m.sequence_id,
    m.sequence_contact_id AS enrollment_id,
    m.sequence_stepid,
    st.day_number AS step,
    m.lead_id,
        CASE
            WHEN ( SELECT drip.can_see_phones() AS can_see_phones) THEN m.recipient_phone
            ELSE drip.mask_phone(m.recipient_phone)
        END AS recipient_phone,
    m.recipient_name,
    m.device_id,
    d.name AS device_name,
    m.category,
    m.message_type,
    m.status,
    m.status_reason,
        CASE
            WHEN ((m.status = 'pending'::text) AND (m.status_reason IS NULL)) THEN drip.reason_sentence(m.deferred_reason)
            ELSE drip.reason_sentence(m.status_reason)
        END AS sentence,
    m.planned_at,
    m.scheduled_at,
    NULLIF(m.not_before, 'infinity'::timestamp with time zone) AS not_before,
    m.deferred_reason,
    m.expires_at,
    m.attempts,
    m.failures,
    m.worker_id,
    m.lease_expires_at,
    m.sent_at,
    m.delivered_at,
    m.read_at,
    m.replied_at,
    m.finished_at,
    m.error_code,
    m.error_message,
    m.provider_message_id,
        CASE
            WHEN ( SELECT drip.can_see_phones() AS can_see_phones) THEN m.content
            ELSE drip.mask_phone_in(m.content, m.recipient_phone)
        END AS content,
        CASE
            WHEN ( SELECT drip.can_see_phones() AS can_see_phones) THEN m.caption
            ELSE drip.mask_phone_in(m.caption, m.recipient_phone)
        END AS caption,
    m.media_url,
    m.priority,
    m.idempotency_key,
    m.created_at
   FROM (((((drip.broadcast_messages m
     JOIN drip.users u ON ((u.id = m.user_id)))
     LEFT JOIN drip.user_devices d ON ((d.id = m.device_id)))
     LEFT JOIN drip.campaigns c ON ((c.id = m.campaign_id)))
     LEFT JOIN drip.sequences s ON ((s.id = m.sequence_id)))
     LEFT JOIN drip.sequence_steps st ON ((st.id = m.sequence_stepid)));


ALTER TABLE drip.message_log OWNER TO drip_view;

--
-- Name: VIEW message_log; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.message_log IS 'Grain: message (message_id). Each planned message, its source, its fate and why.';


--
-- Name: COLUMN message_log.message_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.message_id IS 'Key of the row.';


--
-- Name: COLUMN message_log.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.user_id IS 'Tenant.';


--
-- Name: COLUMN message_log.user_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.user_name IS 'Tenant''s name.';


--
-- Name: COLUMN message_log.source_kind; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.source_kind IS 'campaign, sequence or single.';


--
-- Name: COLUMN message_log.source_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.source_name IS 'Title of the campaign or name of the sequence.';


--
-- Name: COLUMN message_log.campaign_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.campaign_id IS 'Campaign, if it is one''s.';


--
-- Name: COLUMN message_log.sequence_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.sequence_id IS 'Sequence, if it is one''s.';


--
-- Name: COLUMN message_log.enrollment_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.enrollment_id IS 'Enrollment whose journey it belongs to.';


--
-- Name: COLUMN message_log.sequence_stepid; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.sequence_stepid IS 'Step that it sends.';


--
-- Name: COLUMN message_log.step; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.step IS 'Position of the step, from 1.';


--
-- Name: COLUMN message_log.lead_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.lead_id IS 'Contact.';


--
-- Name: COLUMN message_log.recipient_phone; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.recipient_phone IS 'E.164; masked without drip_pii.';


--
-- Name: COLUMN message_log.recipient_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.recipient_name IS 'Name at planning, then at the claim.';


--
-- Name: COLUMN message_log.device_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.device_id IS 'Sending device; null while there is none.';


--
-- Name: COLUMN message_log.device_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.device_name IS 'Its name.';


--
-- Name: COLUMN message_log.category; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.category IS 'marketing or utility.';


--
-- Name: COLUMN message_log.message_type; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.message_type IS 'text, image, video, document, audio or template.';


--
-- Name: COLUMN message_log.status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.status IS 'pending, processing, sent, failed, unknown, cancelled, skipped or expired.';


--
-- Name: COLUMN message_log.status_reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.status_reason IS 'Code of why it has this status.';


--
-- Name: COLUMN message_log.sentence; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.sentence IS 'The reason in words.';


--
-- Name: COLUMN message_log.planned_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.planned_at IS 'Time at planning; never changes.';


--
-- Name: COLUMN message_log.scheduled_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.scheduled_at IS 'Time now, after shifts.';


--
-- Name: COLUMN message_log.not_before; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.not_before IS 'Put off by the claim until then.';


--
-- Name: COLUMN message_log.deferred_reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.deferred_reason IS 'Why it was put off.';


--
-- Name: COLUMN message_log.expires_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.expires_at IS 'Past this it expires instead of going late.';


--
-- Name: COLUMN message_log.attempts; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.attempts IS 'How often it was claimed.';


--
-- Name: COLUMN message_log.failures; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.failures IS 'How often it failed by its own fault.';


--
-- Name: COLUMN message_log.worker_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.worker_id IS 'Worker of the last claim.';


--
-- Name: COLUMN message_log.lease_expires_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.lease_expires_at IS 'End of the worker''s lease while processing.';


--
-- Name: COLUMN message_log.sent_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.sent_at IS 'When the sender accepted it.';


--
-- Name: COLUMN message_log.delivered_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.delivered_at IS 'When it reached the phone.';


--
-- Name: COLUMN message_log.read_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.read_at IS 'When it was read.';


--
-- Name: COLUMN message_log.replied_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.replied_at IS 'When the contact replied to it.';


--
-- Name: COLUMN message_log.finished_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.finished_at IS 'When it reached its status, if final.';


--
-- Name: COLUMN message_log.error_code; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.error_code IS 'Code of the last error; null once sent.';


--
-- Name: COLUMN message_log.error_message; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.error_message IS 'Text of the last error; null once sent.';


--
-- Name: COLUMN message_log.provider_message_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.provider_message_id IS 'The sender''s id of it.';


--
-- Name: COLUMN message_log.content; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.content IS 'Text as sent; null until the claim.';


--
-- Name: COLUMN message_log.caption; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.caption IS 'Caption as sent; null until the claim.';


--
-- Name: COLUMN message_log.media_url; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.media_url IS 'Media as sent; null until the claim.';


--
-- Name: COLUMN message_log.priority; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.priority IS 'Class in the device''s queue: 1 before 2 before 3.';


--
-- Name: COLUMN message_log.idempotency_key; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.idempotency_key IS 'The application''s key.';


--
-- Name: COLUMN message_log.created_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_log.created_at IS 'When it was planned.';


--
-- Name: message_outlook; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.message_outlook WITH (security_barrier='true') AS
 SELECT f.message_id,
    f.user_id,
    m.lead_id,
        CASE
            WHEN ( SELECT drip.can_see_phones() AS can_see_phones) THEN m.recipient_phone
            ELSE drip.mask_phone(m.recipient_phone)
        END AS recipient_phone,
        CASE
            WHEN (m.campaign_id IS NOT NULL) THEN 'campaign'::text
            WHEN (m.sequence_id IS NOT NULL) THEN 'sequence'::text
            ELSE 'single'::text
        END AS source_kind,
    COALESCE(c.title, s.name) AS source_name,
    st.day_number AS step,
    m.device_id,
    d.name AS device_name,
    f.verdict,
    f.reason,
        CASE
            WHEN (f.reason IS NULL) THEN 'It may go now; its device takes it next.'::text
            ELSE drip.reason_sentence(f.reason)
        END AS sentence,
        CASE f.verdict
            WHEN 'go'::text THEN drip.now()
            ELSE f.until
        END AS earliest,
    m.scheduled_at,
    m.planned_at,
    m.priority
   FROM (((((drip._message_facts f
     JOIN drip.broadcast_messages m ON ((m.id = f.message_id)))
     LEFT JOIN drip.user_devices d ON ((d.id = m.device_id)))
     LEFT JOIN drip.campaigns c ON ((c.id = m.campaign_id)))
     LEFT JOIN drip.sequences s ON ((s.id = m.sequence_id)))
     LEFT JOIN drip.sequence_steps st ON ((st.id = m.sequence_stepid)))
  WHERE (f.user_id = ANY (ARRAY( SELECT u.id
           FROM drip.users u)));


ALTER TABLE drip.message_outlook OWNER TO drip_view;

--
-- Name: VIEW message_outlook; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.message_outlook IS 'Grain: pending message (message_id). The verdict on it, why, and the earliest time it may go.';


--
-- Name: COLUMN message_outlook.message_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.message_id IS 'Key of the row.';


--
-- Name: COLUMN message_outlook.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.user_id IS 'Tenant.';


--
-- Name: COLUMN message_outlook.lead_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.lead_id IS 'Contact.';


--
-- Name: COLUMN message_outlook.recipient_phone; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.recipient_phone IS 'E.164; masked without drip_pii.';


--
-- Name: COLUMN message_outlook.source_kind; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.source_kind IS 'campaign, sequence or single.';


--
-- Name: COLUMN message_outlook.source_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.source_name IS 'Title of the campaign or name of the sequence.';


--
-- Name: COLUMN message_outlook.step; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.step IS 'Position of the step, from 1.';


--
-- Name: COLUMN message_outlook.device_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.device_id IS 'Sending device.';


--
-- Name: COLUMN message_outlook.device_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.device_name IS 'Its name.';


--
-- Name: COLUMN message_outlook.verdict; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.verdict IS 'go, wait or drop.';


--
-- Name: COLUMN message_outlook.reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.reason IS 'Code of the reason; null for go.';


--
-- Name: COLUMN message_outlook.sentence; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.sentence IS 'The reason in words.';


--
-- Name: COLUMN message_outlook.earliest; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.earliest IS 'When it may go; null when a person must act first.';


--
-- Name: COLUMN message_outlook.scheduled_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.scheduled_at IS 'Time now, after shifts.';


--
-- Name: COLUMN message_outlook.planned_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.planned_at IS 'Time at planning.';


--
-- Name: COLUMN message_outlook.priority; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.message_outlook.priority IS 'Class in the device''s queue: 1 before 2 before 3.';


--
-- Name: private_settings; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.private_settings (
    name text NOT NULL,
    value text NOT NULL
);


ALTER TABLE drip.private_settings OWNER TO postgres;

--
-- Name: TABLE private_settings; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.private_settings IS 'Settings of this database that no role but its owner may read, such as test_database.';


--
-- Name: queue_overview; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.queue_overview WITH (security_barrier='true') AS
 SELECT m.user_id,
    u.name AS user_name,
    m.status,
    COALESCE(m.status_reason,
        CASE
            WHEN ((m.status = 'pending'::text) AND (m.due_at > drip.now())) THEN COALESCE(m.deferred_reason, 'not_due'::text)
            ELSE NULL::text
        END,
        CASE
            WHEN (m.status = 'pending'::text) THEN 'due'::text
            ELSE NULL::text
        END) AS reason,
    count(*) AS messages,
    count(*) FILTER (WHERE ((m.status = 'pending'::text) AND (m.due_at <= drip.now()))) AS due,
    min(m.due_at) FILTER (WHERE ((m.status = 'pending'::text) AND (m.due_at < 'infinity'::timestamp with time zone))) AS oldest_due_at,
    max(m.due_at) FILTER (WHERE ((m.status = 'pending'::text) AND (m.due_at < 'infinity'::timestamp with time zone))) AS newest_due_at
   FROM (drip.broadcast_messages m
     JOIN drip.users u ON ((u.id = m.user_id)))
  GROUP BY m.user_id, u.name, m.status, COALESCE(m.status_reason,
        CASE
            WHEN ((m.status = 'pending'::text) AND (m.due_at > drip.now())) THEN COALESCE(m.deferred_reason, 'not_due'::text)
            ELSE NULL::text
        END,
        CASE
            WHEN (m.status = 'pending'::text) THEN 'due'::text
            ELSE NULL::text
        END);


ALTER TABLE drip.queue_overview OWNER TO drip_view;

--
-- Name: VIEW queue_overview; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.queue_overview IS 'Grain: tenant × status × reason (user_id, status, reason). How many messages are where.';


--
-- Name: COLUMN queue_overview.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.user_id IS 'Tenant.';


--
-- Name: COLUMN queue_overview.user_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.user_name IS 'Its name.';


--
-- Name: COLUMN queue_overview.status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.status IS 'State of the messages.';


--
-- Name: COLUMN queue_overview.reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.reason IS 'Code of why; due means only the device''s turn is missing.';


--
-- Name: COLUMN queue_overview.messages; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.messages IS 'How many.';


--
-- Name: COLUMN queue_overview.due; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.due IS 'Those pending whose time has come.';


--
-- Name: COLUMN queue_overview.oldest_due_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.oldest_due_at IS 'Earliest time among the pending ones.';


--
-- Name: COLUMN queue_overview.newest_due_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.queue_overview.newest_due_at IS 'Latest time among the pending ones.';


--
-- Name: receipts; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.receipts (
    id bigint NOT NULL,
    user_id bigint,
    device_id bigint,
    platform text NOT NULL,
    provider_message_id text NOT NULL,
    kind text NOT NULL,
    occurred_at timestamp with time zone,
    received_at timestamp with time zone NOT NULL,
    message_id bigint,
    error_code text,
    error_message text,
    body jsonb,
    CONSTRAINT receipts_kind_known CHECK ((kind = ANY (ARRAY['sent'::text, 'delivered'::text, 'read'::text, 'played'::text, 'failed'::text])))
);


ALTER TABLE drip.receipts OWNER TO postgres;

--
-- Name: TABLE receipts; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.receipts IS 'Delivery receipts; those that match no message yet are parked here.';


--
-- Name: receipts_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.receipts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.receipts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sender_accounts_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sender_accounts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.sender_accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sequence_contacts_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sequence_contacts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.sequence_contacts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sequence_funnel; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.sequence_funnel WITH (security_barrier='true') AS
 SELECT s.user_id,
    s.id AS sequence_id,
    s.name AS sequence_name,
    st.id AS sequence_stepid,
    st.day_number AS step,
    st.name AS step_name,
    st.message_type,
    st.trigger_delay_hours,
    COALESCE(q.messages, (0)::bigint) AS messages,
    COALESCE(q.pending, (0)::bigint) AS messages_pending,
    COALESCE(q.processing, (0)::bigint) AS messages_processing,
    COALESCE(q.sent, (0)::bigint) AS messages_sent,
    COALESCE(q.failed, (0)::bigint) AS messages_failed,
    COALESCE(q.unknown, (0)::bigint) AS messages_unknown,
    COALESCE(q.cancelled, (0)::bigint) AS messages_cancelled,
    COALESCE(q.skipped, (0)::bigint) AS messages_skipped,
    COALESCE(q.expired, (0)::bigint) AS messages_expired,
    COALESCE(q.delivered, (0)::bigint) AS delivered,
    COALESCE(q.read, (0)::bigint) AS read,
    COALESCE(q.replied, (0)::bigint) AS replied,
        CASE
            WHEN (q.messages > 0) THEN round(((100.0 * (q.sent)::numeric) / (q.messages)::numeric), 1)
            ELSE NULL::numeric
        END AS sent_percent,
    q.first_sent_at,
    q.last_sent_at
   FROM ((drip.sequence_steps st
     JOIN drip.sequences s ON ((s.id = st.sequence_id)))
     LEFT JOIN ( SELECT m.sequence_stepid,
            count(*) AS messages,
            count(*) FILTER (WHERE (m.status = 'pending'::text)) AS pending,
            count(*) FILTER (WHERE (m.status = 'processing'::text)) AS processing,
            count(*) FILTER (WHERE (m.status = 'sent'::text)) AS sent,
            count(*) FILTER (WHERE (m.status = 'failed'::text)) AS failed,
            count(*) FILTER (WHERE (m.status = 'unknown'::text)) AS unknown,
            count(*) FILTER (WHERE (m.status = 'cancelled'::text)) AS cancelled,
            count(*) FILTER (WHERE (m.status = 'skipped'::text)) AS skipped,
            count(*) FILTER (WHERE (m.status = 'expired'::text)) AS expired,
            count(*) FILTER (WHERE ((m.delivered_at IS NOT NULL) OR (m.read_at IS NOT NULL))) AS delivered,
            count(*) FILTER (WHERE (m.read_at IS NOT NULL)) AS read,
            count(*) FILTER (WHERE (m.replied_at IS NOT NULL)) AS replied,
            min(m.sent_at) AS first_sent_at,
            max(m.sent_at) AS last_sent_at
           FROM drip.broadcast_messages m
          WHERE (m.sequence_stepid IS NOT NULL)
          GROUP BY m.sequence_stepid) q ON ((q.sequence_stepid = st.id)))
  ORDER BY s.name, st.day_number;


ALTER TABLE drip.sequence_funnel OWNER TO drip_view;

--
-- Name: VIEW sequence_funnel; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.sequence_funnel IS 'Grain: sequence × step (sequence_stepid). The messages of each step by state.';


--
-- Name: COLUMN sequence_funnel.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.user_id IS 'Tenant.';


--
-- Name: COLUMN sequence_funnel.sequence_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.sequence_id IS 'Sequence.';


--
-- Name: COLUMN sequence_funnel.sequence_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.sequence_name IS 'Its name.';


--
-- Name: COLUMN sequence_funnel.sequence_stepid; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.sequence_stepid IS 'Key of the row.';


--
-- Name: COLUMN sequence_funnel.step; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.step IS 'Position of the step, from 1.';


--
-- Name: COLUMN sequence_funnel.step_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.step_name IS 'Name of the step.';


--
-- Name: COLUMN sequence_funnel.message_type; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.message_type IS 'What it sends.';


--
-- Name: COLUMN sequence_funnel.trigger_delay_hours; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.trigger_delay_hours IS 'Wait since the step before, in hours.';


--
-- Name: COLUMN sequence_funnel.messages; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages IS 'Journeys that have this step; the sum of the eight states after it.';


--
-- Name: COLUMN sequence_funnel.messages_pending; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_pending IS 'Messages that are pending.';


--
-- Name: COLUMN sequence_funnel.messages_processing; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_processing IS 'Messages that are processing.';


--
-- Name: COLUMN sequence_funnel.messages_sent; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_sent IS 'Messages that are sent.';


--
-- Name: COLUMN sequence_funnel.messages_failed; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_failed IS 'Messages that are failed.';


--
-- Name: COLUMN sequence_funnel.messages_unknown; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_unknown IS 'Messages that are unknown.';


--
-- Name: COLUMN sequence_funnel.messages_cancelled; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_cancelled IS 'Messages that are cancelled.';


--
-- Name: COLUMN sequence_funnel.messages_skipped; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_skipped IS 'Messages that are skipped.';


--
-- Name: COLUMN sequence_funnel.messages_expired; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.messages_expired IS 'Messages that are expired.';


--
-- Name: COLUMN sequence_funnel.delivered; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.delivered IS 'Sent ones that reached the phone; includes read.';


--
-- Name: COLUMN sequence_funnel.read; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.read IS 'Sent ones that were read.';


--
-- Name: COLUMN sequence_funnel.replied; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.replied IS 'Sent ones that got a reply.';


--
-- Name: COLUMN sequence_funnel.sent_percent; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.sent_percent IS 'Sent among all messages of the step, in percent.';


--
-- Name: COLUMN sequence_funnel.first_sent_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.first_sent_at IS 'First send.';


--
-- Name: COLUMN sequence_funnel.last_sent_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_funnel.last_sent_at IS 'Last send.';


--
-- Name: sequence_overview; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.sequence_overview WITH (security_barrier='true') AS
 SELECT s.user_id,
    s.id AS sequence_id,
    s.name AS sequence_name,
    s.status,
    s.status_reason,
    s.trigger,
    s.niche,
    s.target_status,
    s.auto_enroll,
    COALESCE(t.steps, (0)::bigint) AS steps,
    COALESCE(n.enrolled, (0)::bigint) AS enrolled,
    COALESCE(n.pending, (0)::bigint) AS pending,
    COALESCE(n.active, (0)::bigint) AS active,
    COALESCE(n.sent, (0)::bigint) AS sent,
    COALESCE(n.failed, (0)::bigint) AS failed,
    COALESCE(n.paused, (0)::bigint) AS paused,
    COALESCE(n.completed, (0)::bigint) AS completed,
    COALESCE(n.sequence_failed, (0)::bigint) AS sequence_failed,
    COALESCE(n.exited, (0)::bigint) AS exited,
    COALESCE(q.messages, (0)::bigint) AS messages,
    COALESCE(q.pending, (0)::bigint) AS messages_pending,
    COALESCE(q.processing, (0)::bigint) AS messages_processing,
    COALESCE(q.sent, (0)::bigint) AS messages_sent,
    COALESCE(q.failed, (0)::bigint) AS messages_failed,
    COALESCE(q.unknown, (0)::bigint) AS messages_unknown,
    COALESCE(q.cancelled, (0)::bigint) AS messages_cancelled,
    COALESCE(q.skipped, (0)::bigint) AS messages_skipped,
    COALESCE(q.expired, (0)::bigint) AS messages_expired,
        CASE
            WHEN ((q.sent + q.failed) > 0) THEN round(((100.0 * (q.sent)::numeric) / ((q.sent + q.failed))::numeric), 1)
            ELSE NULL::numeric
        END AS sent_percent,
    n.next_trigger_time,
    q.last_sent_at,
    s.started_at,
    s.paused_at
   FROM (((drip.sequences s
     LEFT JOIN ( SELECT st.sequence_id,
            count(*) AS steps
           FROM drip.sequence_steps st
          GROUP BY st.sequence_id) t ON ((t.sequence_id = s.id)))
     LEFT JOIN ( SELECT e.sequence_id,
            count(*) AS enrolled,
            count(*) FILTER (WHERE (e.status = 'pending'::text)) AS pending,
            count(*) FILTER (WHERE (e.status = 'active'::text)) AS active,
            count(*) FILTER (WHERE (e.status = 'sent'::text)) AS sent,
            count(*) FILTER (WHERE (e.status = 'failed'::text)) AS failed,
            count(*) FILTER (WHERE (e.status = 'paused'::text)) AS paused,
            count(*) FILTER (WHERE (e.status = 'completed'::text)) AS completed,
            count(*) FILTER (WHERE (e.status = 'sequence_failed'::text)) AS sequence_failed,
            count(*) FILTER (WHERE (e.status = 'exited'::text)) AS exited,
            min(e.next_trigger_time) AS next_trigger_time
           FROM drip._enrollments e
          GROUP BY e.sequence_id) n ON ((n.sequence_id = s.id)))
     LEFT JOIN ( SELECT m.sequence_id,
            count(*) AS messages,
            count(*) FILTER (WHERE (m.status = 'pending'::text)) AS pending,
            count(*) FILTER (WHERE (m.status = 'processing'::text)) AS processing,
            count(*) FILTER (WHERE (m.status = 'sent'::text)) AS sent,
            count(*) FILTER (WHERE (m.status = 'failed'::text)) AS failed,
            count(*) FILTER (WHERE (m.status = 'unknown'::text)) AS unknown,
            count(*) FILTER (WHERE (m.status = 'cancelled'::text)) AS cancelled,
            count(*) FILTER (WHERE (m.status = 'skipped'::text)) AS skipped,
            count(*) FILTER (WHERE (m.status = 'expired'::text)) AS expired,
            max(m.sent_at) AS last_sent_at
           FROM drip.broadcast_messages m
          WHERE (m.sequence_id IS NOT NULL)
          GROUP BY m.sequence_id) q ON ((q.sequence_id = s.id)));


ALTER TABLE drip.sequence_overview OWNER TO drip_view;

--
-- Name: VIEW sequence_overview; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.sequence_overview IS 'Grain: sequence (sequence_id). Its enrollments and messages by state.';


--
-- Name: COLUMN sequence_overview.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.user_id IS 'Tenant.';


--
-- Name: COLUMN sequence_overview.sequence_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.sequence_id IS 'Key of the row.';


--
-- Name: COLUMN sequence_overview.sequence_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.sequence_name IS 'Its name.';


--
-- Name: COLUMN sequence_overview.status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.status IS 'draft, active, paused or archived.';


--
-- Name: COLUMN sequence_overview.status_reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.status_reason IS 'Why it has this status.';


--
-- Name: COLUMN sequence_overview.trigger; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.trigger IS 'Token by which leads enter.';


--
-- Name: COLUMN sequence_overview.niche; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.niche IS 'Niche that leads must have.';


--
-- Name: COLUMN sequence_overview.target_status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.target_status IS 'Status that leads must have.';


--
-- Name: COLUMN sequence_overview.auto_enroll; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.auto_enroll IS 'trigger, niche or manual.';


--
-- Name: COLUMN sequence_overview.steps; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.steps IS 'Number of steps.';


--
-- Name: COLUMN sequence_overview.enrolled; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.enrolled IS 'Enrollments ever; the sum of the eight states after it.';


--
-- Name: COLUMN sequence_overview.pending; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.pending IS 'Enrollments that are pending.';


--
-- Name: COLUMN sequence_overview.active; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.active IS 'Enrollments that are active.';


--
-- Name: COLUMN sequence_overview.sent; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.sent IS 'Enrollments that are sent.';


--
-- Name: COLUMN sequence_overview.failed; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.failed IS 'Enrollments that are failed.';


--
-- Name: COLUMN sequence_overview.paused; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.paused IS 'Enrollments that are paused.';


--
-- Name: COLUMN sequence_overview.completed; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.completed IS 'Enrollments that are completed.';


--
-- Name: COLUMN sequence_overview.sequence_failed; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.sequence_failed IS 'Enrollments that are sequence_failed.';


--
-- Name: COLUMN sequence_overview.exited; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.exited IS 'Enrollments that are exited.';


--
-- Name: COLUMN sequence_overview.messages; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages IS 'Messages planned; the sum of the eight states after it.';


--
-- Name: COLUMN sequence_overview.messages_pending; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_pending IS 'Messages that are pending.';


--
-- Name: COLUMN sequence_overview.messages_processing; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_processing IS 'Messages that are processing.';


--
-- Name: COLUMN sequence_overview.messages_sent; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_sent IS 'Messages that are sent.';


--
-- Name: COLUMN sequence_overview.messages_failed; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_failed IS 'Messages that are failed.';


--
-- Name: COLUMN sequence_overview.messages_unknown; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_unknown IS 'Messages that are unknown.';


--
-- Name: COLUMN sequence_overview.messages_cancelled; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_cancelled IS 'Messages that are cancelled.';


--
-- Name: COLUMN sequence_overview.messages_skipped; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_skipped IS 'Messages that are skipped.';


--
-- Name: COLUMN sequence_overview.messages_expired; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.messages_expired IS 'Messages that are expired.';


--
-- Name: COLUMN sequence_overview.sent_percent; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.sent_percent IS 'Sent among sent and failed, in percent.';


--
-- Name: COLUMN sequence_overview.next_trigger_time; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.next_trigger_time IS 'When the next message of any journey is due.';


--
-- Name: COLUMN sequence_overview.last_sent_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.last_sent_at IS 'Last send.';


--
-- Name: COLUMN sequence_overview.started_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.started_at IS 'When it was started first.';


--
-- Name: COLUMN sequence_overview.paused_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_overview.paused_at IS 'Since when it is paused.';


--
-- Name: sequence_progress_monitor; Type: VIEW; Schema: drip; Owner: drip_view
--

CREATE VIEW drip.sequence_progress_monitor WITH (security_barrier='true') AS
 SELECT s.name AS sequence_name,
        CASE
            WHEN ( SELECT drip.can_see_phones() AS can_see_phones) THEN e.contact_phone
            ELSE drip.mask_phone(e.contact_phone)
        END AS contact_phone,
    st.day_number AS current_step,
    e.status AS step_status,
    m.status AS message_status,
    e.next_trigger_time,
    e.completed_at,
    m.sent_at,
    m.error_message,
        CASE
            WHEN ((m.status = 'sent'::text) AND (e.status = 'completed'::text)) THEN 'Step completed'::text
            WHEN (m.status = 'sent'::text) THEN 'Message sent'::text
            WHEN (m.status = 'failed'::text) THEN 'Message failed'::text
            WHEN (m.status = 'processing'::text) THEN 'Sending'::text
            WHEN (m.status = 'unknown'::text) THEN 'Outcome unknown'::text
            WHEN (m.status <> 'pending'::text) THEN initcap(m.status)
            WHEN (e.status = 'paused'::text) THEN 'Paused'::text
            WHEN ((m.due_at <= drip.now()) AND (m.scheduled_at <= e.next_trigger_time)) THEN 'Ready to send'::text
            WHEN (m.scheduled_at <= e.next_trigger_time) THEN 'Scheduled'::text
            ELSE 'Waiting'::text
        END AS current_state,
    e.user_id,
    e.enrollment_id,
    e.sequence_id,
    m.sequence_stepid,
    st.name AS step_name,
    m.id AS message_id,
    e.lead_id,
    e.contact_name,
    e.key,
    e.current_step AS enrollment_step,
    n.day_number AS next_step,
    p.finished AS steps_finished,
    p.total AS steps_total,
    m.scheduled_at,
    m.planned_at,
    m.status_reason,
    m.attempts,
    m.delivered_at,
    m.read_at,
    e.assigned_device_id AS device_id,
    d.name AS device_name,
    e.enrolled_at,
    e.exit_reason
   FROM ((((((drip._enrollments e
     JOIN drip.sequences s ON ((s.id = e.sequence_id)))
     JOIN drip.broadcast_messages m ON ((m.sequence_contact_id = e.enrollment_id)))
     JOIN drip.sequence_steps st ON ((st.id = m.sequence_stepid)))
     LEFT JOIN drip.user_devices d ON ((d.id = e.assigned_device_id)))
     CROSS JOIN LATERAL ( SELECT count(*) AS total,
            count(*) FILTER (WHERE (x.finished_at IS NOT NULL)) AS finished
           FROM drip.broadcast_messages x
          WHERE (x.sequence_contact_id = e.enrollment_id)) p)
     LEFT JOIN LATERAL ( SELECT xs.day_number
           FROM (drip.broadcast_messages x
             JOIN drip.sequence_steps xs ON ((xs.id = x.sequence_stepid)))
          WHERE ((x.sequence_contact_id = e.enrollment_id) AND (x.status = ANY (ARRAY['pending'::text, 'processing'::text])))
          ORDER BY xs.day_number
         LIMIT 1) n ON (true))
  ORDER BY s.name, e.contact_phone, st.day_number;


ALTER TABLE drip.sequence_progress_monitor OWNER TO drip_view;

--
-- Name: VIEW sequence_progress_monitor; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON VIEW drip.sequence_progress_monitor IS 'Grain: enrollment × step (enrollment_id, sequence_stepid). Where each contact stands.';


--
-- Name: COLUMN sequence_progress_monitor.sequence_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.sequence_name IS 'Sequence.';


--
-- Name: COLUMN sequence_progress_monitor.contact_phone; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.contact_phone IS 'E.164; masked without drip_pii.';


--
-- Name: COLUMN sequence_progress_monitor.current_step; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.current_step IS 'Position of the row''s step, from 1.';


--
-- Name: COLUMN sequence_progress_monitor.step_status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.step_status IS 'State of the enrollment: pending, active, sent, failed, paused, completed, sequence_failed,
   exited.';


--
-- Name: COLUMN sequence_progress_monitor.message_status; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.message_status IS 'State of the row''s message.';


--
-- Name: COLUMN sequence_progress_monitor.next_trigger_time; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.next_trigger_time IS 'When the enrollment''s next message is due; null when finished.';


--
-- Name: COLUMN sequence_progress_monitor.completed_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.completed_at IS 'When the enrollment finished.';


--
-- Name: COLUMN sequence_progress_monitor.sent_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.sent_at IS 'When the row''s message was accepted by the sender.';


--
-- Name: COLUMN sequence_progress_monitor.error_message; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.error_message IS 'Last error of the row''s message.';


--
-- Name: COLUMN sequence_progress_monitor.current_state; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.current_state IS 'The row''s step in words.';


--
-- Name: COLUMN sequence_progress_monitor.user_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.user_id IS 'Tenant.';


--
-- Name: COLUMN sequence_progress_monitor.enrollment_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.enrollment_id IS 'Enrollment.';


--
-- Name: COLUMN sequence_progress_monitor.sequence_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.sequence_id IS 'Sequence.';


--
-- Name: COLUMN sequence_progress_monitor.sequence_stepid; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.sequence_stepid IS 'Step.';


--
-- Name: COLUMN sequence_progress_monitor.step_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.step_name IS 'Name of the step.';


--
-- Name: COLUMN sequence_progress_monitor.message_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.message_id IS 'Message of the row.';


--
-- Name: COLUMN sequence_progress_monitor.lead_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.lead_id IS 'Contact.';


--
-- Name: COLUMN sequence_progress_monitor.contact_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.contact_name IS 'Name at enrollment.';


--
-- Name: COLUMN sequence_progress_monitor.key; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.key IS 'The application''s key of the enrollment.';


--
-- Name: COLUMN sequence_progress_monitor.enrollment_step; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.enrollment_step IS 'Step that the enrollment tried last, else the first.';


--
-- Name: COLUMN sequence_progress_monitor.next_step; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.next_step IS 'Position of the next step to go; null when none is left.';


--
-- Name: COLUMN sequence_progress_monitor.steps_finished; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.steps_finished IS 'Steps of the journey that are finished.';


--
-- Name: COLUMN sequence_progress_monitor.steps_total; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.steps_total IS 'Steps of the journey.';


--
-- Name: COLUMN sequence_progress_monitor.scheduled_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.scheduled_at IS 'Time of the row''s message now.';


--
-- Name: COLUMN sequence_progress_monitor.planned_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.planned_at IS 'Time of the row''s message at planning.';


--
-- Name: COLUMN sequence_progress_monitor.status_reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.status_reason IS 'Why the message has its status.';


--
-- Name: COLUMN sequence_progress_monitor.attempts; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.attempts IS 'How often the message was claimed.';


--
-- Name: COLUMN sequence_progress_monitor.delivered_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.delivered_at IS 'When it reached the phone.';


--
-- Name: COLUMN sequence_progress_monitor.read_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.read_at IS 'When it was read.';


--
-- Name: COLUMN sequence_progress_monitor.device_id; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.device_id IS 'Device of the journey.';


--
-- Name: COLUMN sequence_progress_monitor.device_name; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.device_name IS 'Its name.';


--
-- Name: COLUMN sequence_progress_monitor.enrolled_at; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.enrolled_at IS 'When the contact was enrolled.';


--
-- Name: COLUMN sequence_progress_monitor.exit_reason; Type: COMMENT; Schema: drip; Owner: drip_view
--

COMMENT ON COLUMN drip.sequence_progress_monitor.exit_reason IS 'Why the journey was left.';


--
-- Name: sequence_steps_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sequence_steps ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.sequence_steps_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sequences_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sequences ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.sequences_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: stop_words; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.stop_words (
    id bigint NOT NULL,
    user_id bigint,
    language text,
    word text NOT NULL,
    category text DEFAULT 'all'::text NOT NULL,
    CONSTRAINT stop_words_category_known CHECK ((category = ANY (ARRAY['all'::text, 'marketing'::text]))),
    CONSTRAINT stop_words_word_form CHECK (((word = lower(btrim(word))) AND (word <> ''::text)))
);


ALTER TABLE drip.stop_words OWNER TO postgres;

--
-- Name: TABLE stop_words; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.stop_words IS 'Words that opt a lead out; rows without user_id hold for every tenant.';


--
-- Name: stop_words_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.stop_words ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.stop_words_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: suppressions_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.suppressions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.suppressions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sync_backlog_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sync_backlog ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.sync_backlog_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: task_runs; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.task_runs (
    name text NOT NULL,
    last_run_at timestamp with time zone NOT NULL,
    duration_ms numeric,
    rows bigint,
    last_error text,
    last_error_at timestamp with time zone
);


ALTER TABLE drip.task_runs OWNER TO postgres;

--
-- Name: TABLE task_runs; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.task_runs IS 'The last run of each sweep, and its last error.';


--
-- Name: user_devices_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.user_devices ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.user_devices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: user_roles; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.user_roles (
    role_name text NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);


ALTER TABLE drip.user_roles OWNER TO postgres;

--
-- Name: TABLE user_roles; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.user_roles IS 'Which database role may act for which users; members of the role inherit it.';


--
-- Name: users_id_seq; Type: SEQUENCE; Schema: drip; Owner: postgres
--

ALTER TABLE drip.users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME drip.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: workers; Type: TABLE; Schema: drip; Owner: postgres
--

CREATE TABLE drip.workers (
    name text NOT NULL,
    version text,
    concurrency integer,
    started_at timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    stopped_at timestamp with time zone
);


ALTER TABLE drip.workers OWNER TO postgres;

--
-- Name: TABLE workers; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TABLE drip.workers IS 'Worker processes that reported, newest report in last_seen.';


--
-- Name: meta; Type: TABLE; Schema: pgmq; Owner: postgres
--

CREATE TABLE pgmq.meta (
    queue_name character varying NOT NULL,
    is_partitioned boolean NOT NULL,
    is_unlogged boolean NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE pgmq.meta OWNER TO postgres;

--
-- Name: notify_insert_throttle; Type: TABLE; Schema: pgmq; Owner: postgres
--

CREATE UNLOGGED TABLE pgmq.notify_insert_throttle (
    queue_name character varying NOT NULL,
    throttle_interval_ms integer DEFAULT 0 NOT NULL,
    last_notified_at timestamp with time zone DEFAULT to_timestamp((0)::double precision) NOT NULL
);


ALTER TABLE pgmq.notify_insert_throttle OWNER TO postgres;

--
-- Name: topic_bindings; Type: TABLE; Schema: pgmq; Owner: postgres
--

CREATE TABLE pgmq.topic_bindings (
    pattern text NOT NULL,
    queue_name text NOT NULL,
    bound_at timestamp with time zone DEFAULT now() NOT NULL,
    compiled_regex text GENERATED ALWAYS AS ((('^'::text || replace(replace(regexp_replace(pattern, '([.+?{}()|\[\]\\^$])'::text, '\\\1'::text, 'g'::text), '*'::text, '[^.]+'::text), '#'::text, '.*'::text)) || '$'::text)) STORED
);


ALTER TABLE pgmq.topic_bindings OWNER TO postgres;

--
-- Name: procrastinate_events; Type: TABLE; Schema: procrastinate; Owner: postgres
--

CREATE TABLE procrastinate.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type procrastinate.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);


ALTER TABLE procrastinate.procrastinate_events OWNER TO postgres;

--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE; Schema: procrastinate; Owner: postgres
--

CREATE SEQUENCE procrastinate.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE procrastinate.procrastinate_events_id_seq OWNER TO postgres;

--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE OWNED BY; Schema: procrastinate; Owner: postgres
--

ALTER SEQUENCE procrastinate.procrastinate_events_id_seq OWNED BY procrastinate.procrastinate_events.id;


--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE; Schema: procrastinate; Owner: postgres
--

CREATE SEQUENCE procrastinate.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE procrastinate.procrastinate_jobs_id_seq OWNER TO postgres;

--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE OWNED BY; Schema: procrastinate; Owner: postgres
--

ALTER SEQUENCE procrastinate.procrastinate_jobs_id_seq OWNED BY procrastinate.procrastinate_jobs.id;


--
-- Name: procrastinate_periodic_defers; Type: TABLE; Schema: procrastinate; Owner: postgres
--

CREATE TABLE procrastinate.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);


ALTER TABLE procrastinate.procrastinate_periodic_defers OWNER TO postgres;

--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE; Schema: procrastinate; Owner: postgres
--

CREATE SEQUENCE procrastinate.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE procrastinate.procrastinate_periodic_defers_id_seq OWNER TO postgres;

--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE OWNED BY; Schema: procrastinate; Owner: postgres
--

ALTER SEQUENCE procrastinate.procrastinate_periodic_defers_id_seq OWNED BY procrastinate.procrastinate_periodic_defers.id;


--
-- Name: procrastinate_workers; Type: TABLE; Schema: procrastinate; Owner: postgres
--

CREATE TABLE procrastinate.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE procrastinate.procrastinate_workers OWNER TO postgres;

--
-- Name: procrastinate_workers_id_seq; Type: SEQUENCE; Schema: procrastinate; Owner: postgres
--

ALTER TABLE procrastinate.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME procrastinate.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: procrastinate_events id; Type: DEFAULT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('procrastinate.procrastinate_events_id_seq'::regclass);


--
-- Name: procrastinate_jobs id; Type: DEFAULT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('procrastinate.procrastinate_jobs_id_seq'::regclass);


--
-- Name: procrastinate_periodic_defers id; Type: DEFAULT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('procrastinate.procrastinate_periodic_defers_id_seq'::regclass);


--
-- Data for Name: account_reach; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.account_reach VALUES
	(1, 1, '2026-03-02 01:30:00+00'),
	(1, 2, '2026-03-02 01:30:00+00');


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.alembic_version VALUES
	('0004');


--
-- Data for Name: audiences; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.audiences VALUES
	('regulars', 'phone', NULL, NULL, '2026-03-02 01:30:00+00');


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.audit_log OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-03-02 01:00:00+00', 2, 'postgres', 'create_user', 'user', 2, NULL, '{"name": "shop"}'),
	(2, '2026-03-02 01:00:00+00', 2, 'postgres', 'assign_role', 'user', 2, NULL, '{"role": "drip_app"}'),
	(3, '2026-03-02 01:00:00+00', 2, 'postgres', 'assign_role', 'user', 2, NULL, '{"role": "drip_reader"}'),
	(4, '2026-03-02 01:00:00+00', 2, 'postgres', 'upsert_device', 'device', 1, NULL, '{"burst": 20, "outcome": "created", "max_delay_seconds": 0, "min_delay_seconds": 0}'),
	(5, '2026-03-02 01:00:00+00', 2, 'postgres', 'upsert_device', 'device', 2, NULL, '{"burst": 20, "outcome": "created", "max_delay_seconds": 0, "min_delay_seconds": 0}'),
	(6, '2026-03-02 01:00:00+00', 2, 'postgres', 'start_sequence', 'sequence', 1, NULL, '{"include_existing": false}'),
	(7, '2026-03-02 01:00:00+00', 2, 'postgres', 'start_sequence', 'sequence', 2, NULL, '{"include_existing": false}'),
	(8, '2026-03-02 01:00:00+00', 2, 'postgres', 'schedule_campaign', 'campaign', 1, NULL, '{"scheduled_at": "2026-03-02T01:00:00+00:00"}');


--
-- Data for Name: broadcast_messages; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.broadcast_messages OVERRIDING SYSTEM VALUE VALUES
	(11, 2, 1, 4, NULL, 1, 2, 4, '+60123456703', 'Lead 3', 'marketing', 'image', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:00:00+00', '2026-03-03 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(12, 2, 1, 4, NULL, 1, 3, 4, '+60123456703', 'Lead 3', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-04 01:00:00+00', '2026-03-04 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(16, 2, 1, 6, NULL, 1, 1, 6, '+60123456705', 'Lead 5', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(17, 2, 1, 6, NULL, 1, 2, 6, '+60123456705', 'Lead 5', 'marketing', 'image', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:00:00+00', '2026-03-03 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(18, 2, 1, 6, NULL, 1, 3, 6, '+60123456705', 'Lead 5', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-04 01:00:00+00', '2026-03-04 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(19, 2, 1, 7, NULL, 2, 4, 7, '+60123456706', 'Lead 6', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-02 01:05:00+00', '2026-03-02 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(20, 2, 1, 7, NULL, 2, 5, 7, '+60123456706', 'Lead 6', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:05:00+00', '2026-03-03 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(21, 2, 2, 8, NULL, 2, 4, 8, '+60123456707', 'Lead 7', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-02 01:05:00+00', '2026-03-02 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(22, 2, 2, 8, NULL, 2, 5, 8, '+60123456707', 'Lead 7', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:05:00+00', '2026-03-03 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(23, 2, 1, 13, NULL, 2, 4, 9, '+60129999991', NULL, 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-02 01:05:00+00', '2026-03-02 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(24, 2, 1, 13, NULL, 2, 5, 9, '+60129999991', NULL, 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:05:00+00', '2026-03-03 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(25, 2, 2, 14, NULL, 2, 4, 10, '+60129999992', NULL, 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-02 01:05:00+00', '2026-03-02 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(26, 2, 2, 14, NULL, 2, 5, 10, '+60129999992', NULL, 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:05:00+00', '2026-03-03 01:05:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(27, 2, 2, 1, 1, NULL, NULL, NULL, '+60123456700', 'Lead 0', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(28, 2, 2, 2, 1, NULL, NULL, NULL, '+60123456701', 'Lead 1', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(29, 2, 2, 3, 1, NULL, NULL, NULL, '+60123456702', 'Lead 2', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(30, 2, 1, 4, 1, NULL, NULL, NULL, '+60123456703', 'Lead 3', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(31, 2, 1, 5, 1, NULL, NULL, NULL, '+60123456704', 'Lead 4', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(32, 2, 1, 6, 1, NULL, NULL, NULL, '+60123456705', 'Lead 5', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(33, 2, 1, 7, 1, NULL, NULL, NULL, '+60123456706', 'Lead 6', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(34, 2, 2, 8, 1, NULL, NULL, NULL, '+60123456707', 'Lead 7', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(35, 2, 2, 9, 1, NULL, NULL, NULL, '+60123456708', 'Lead 8', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(36, 2, 2, 10, 1, NULL, NULL, NULL, '+60123456709', 'Lead 9', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(38, 2, 1, 12, 1, NULL, NULL, NULL, '+60123456711', 'Lead 11', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'cancelled', 'suppressed', 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00', NULL, '2026-03-02 01:00:00+00'),
	(37, 2, 1, 11, 1, NULL, NULL, NULL, '+60123456710', 'Lead 10', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 3, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', 'infinity', 'lead_paused', DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(1, 2, 2, 1, NULL, 1, 1, 1, '+60123456700', 'Lead 0', 'marketing', 'text', NULL, 'Hi Lead 0, good to see you', NULL, NULL, NULL, NULL, 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'sent', NULL, 1, 0, 5, 'first worker', NULL, 'first', NULL, NULL, '2026-03-02 01:30:00+00', NULL, NULL, NULL, '2026-03-02 01:30:00+00', NULL, '2026-03-02 01:00:00+00'),
	(4, 2, 2, 2, NULL, 1, 1, 2, '+60123456701', 'Lead 1', 'marketing', 'text', NULL, 'Hi Lead 1, good to see you', NULL, NULL, NULL, NULL, 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'sent', NULL, 1, 0, 5, 'first worker', NULL, 'second', NULL, NULL, '2026-03-02 01:30:00+00', NULL, NULL, NULL, '2026-03-02 01:30:00+00', NULL, '2026-03-02 01:00:00+00'),
	(7, 2, 2, 3, NULL, 1, 1, 3, '+60123456702', 'Lead 2', 'marketing', 'text', NULL, 'Hi Lead 2, welcome', NULL, NULL, NULL, NULL, 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'unknown', 'no_answer', 1, 0, 5, 'first worker', NULL, NULL, '504', NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:30:00+00', NULL, '2026-03-02 01:00:00+00'),
	(2, 2, 2, 1, NULL, 1, 2, 1, '+60123456700', 'Lead 0', 'marketing', 'image', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:30:00+00', '2026-03-03 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(39, 2, 1, 15, NULL, NULL, NULL, NULL, '+60128888888', NULL, 'utility', 'text', '{"content": "Your order is ready"}', 'Your order is ready', NULL, NULL, NULL, NULL, 1, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'processing', NULL, 1, 0, 5, 'first worker', '2026-03-02 01:31:30+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(10, 2, 1, 4, NULL, 1, 1, 4, '+60123456703', 'Lead 3', 'marketing', 'text', NULL, 'Hi Lead 3, good to see you', NULL, NULL, NULL, NULL, 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', '2026-03-02 01:30:30+00', 'not_due', DEFAULT, NULL, 'pending', 'will_retry', 1, 1, 5, NULL, NULL, NULL, '500', 'oops', NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(13, 2, 1, 5, NULL, 1, 1, 5, '+60123456704', 'Lead 4', 'marketing', 'text', NULL, 'Hi Lead 4, good to see you', NULL, NULL, NULL, NULL, 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'failed', 'refused', 1, 1, 5, 'first worker', NULL, NULL, '400', 'no', NULL, NULL, NULL, NULL, '2026-03-02 01:30:00+00', NULL, '2026-03-02 01:00:00+00'),
	(3, 2, 2, 1, NULL, 1, 3, 1, '+60123456700', 'Lead 0', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-04 01:30:00+00', '2026-03-04 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(5, 2, 2, 2, NULL, 1, 2, 2, '+60123456701', 'Lead 1', 'marketing', 'image', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:30:00+00', '2026-03-03 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(6, 2, 2, 2, NULL, 1, 3, 2, '+60123456701', 'Lead 1', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-04 01:30:00+00', '2026-03-04 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(8, 2, 2, 3, NULL, 1, 2, 3, '+60123456702', 'Lead 2', 'marketing', 'image', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:30:00+00', '2026-03-03 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(9, 2, 2, 3, NULL, 1, 3, 3, '+60123456702', 'Lead 2', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-04 01:30:00+00', '2026-03-04 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(14, 2, 1, 5, NULL, 1, 2, 5, '+60123456704', 'Lead 4', 'marketing', 'image', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-03 01:30:00+00', '2026-03-03 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00'),
	(15, 2, 1, 5, NULL, 1, 3, 5, '+60123456704', 'Lead 4', 'marketing', 'text', NULL, NULL, NULL, NULL, NULL, NULL, 2, '2026-03-04 01:30:00+00', '2026-03-04 01:00:00+00', NULL, NULL, DEFAULT, NULL, 'pending', NULL, 0, 0, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00');


--
-- Data for Name: campaigns; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.campaigns OVERRIDING SYSTEM VALUE VALUES
	(1, 2, 'Weekend', 'marketing', false, 'Hi {name}', 'text', NULL, NULL, NULL, 'fitness', 'all', NULL, false, NULL, NULL, '2026-03-02 01:00:00+00', false, NULL, NULL, NULL, NULL, 'triggered', NULL, NULL, NULL, 3, 12, 12, '2026-03-02 01:00:00+00', 0, NULL, NULL, NULL, '2026-03-02 01:00:00+00', NULL, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00');


--
-- Data for Name: code_objects; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.code_objects VALUES
	('function', 'drip._phone_problem(text,text)', 'functions/leads/_normalize_phone.sql', '5e025d9fdbbf6e4a9c359136b3220aea87c0c8b3ad689f409e442dbfed495e90', '7731665a52e7212a54e357c819d96c17'),
	('function', 'drip.can_see_phones()', 'functions/core/can_see_phones.sql', 'c7c2171672f5470ecb9bcc76deef83d0991e5447e7c3d4d5062043c9fa86c7a2', 'f1548781090feff3683214994beb6ded'),
	('function', 'drip.mask_phone(text)', 'functions/core/mask_phone.sql', 'e38b47a1c8ea20e349bb13734d5976db28c163f8186317d23913b39804ecb316', 'a6a1e83a361b08c08ca25a7774ab19a5'),
	('function', 'drip.mask_phone_in(text,text)', 'functions/core/mask_phone_in.sql', 'c6cd3cfab79e4a420efe85fd939f9f9287e91561538e0df33b23aaf88e69bd16', '644411d61fd7d4062fb520701529103c'),
	('function', 'drip.now()', 'functions/core/now.sql', 'c1f48e7a58ec0b50b0a481353d2083fc2f2f77669f518743b128afc25d1bf28b', '27ba8394c2a969925db257b7ae3fbeac'),
	('function', 'drip._apply_settings(anyelement,jsonb,text[],text)', 'functions/core/_apply_settings.sql', '64c921b1ebe662f8f96568311edf6f05ae85e553d6e7f8d6328e6edfb2209b61', 'fede3ac0b27e5084b6b1ac7175f565fc'),
	('function', 'drip._settings_of(regclass)', 'functions/core/_apply_settings.sql', '64c921b1ebe662f8f96568311edf6f05ae85e553d6e7f8d6328e6edfb2209b61', 'edce2919ad52627e4814049e17e769d4'),
	('function', 'drip._audit(bigint,text,text,bigint,text,jsonb)', 'functions/core/_audit.sql', '2b3d889ea3a03862ca7111b9e84a550602a0df7d045c5b6b288380448d31e9b3', '0f18960d5f893f916cf15dfad3b7aca1'),
	('function', 'drip._check_message(text,text,text,jsonb,text,text)', 'functions/core/_check_message.sql', '01c5792aa25973b51c1534ca16feabf799ebebacd3c75146314a096c96a83b0c', 'eec0e79447461dbdb1d1898071f2a5ed'),
	('function', 'drip._check_delays(integer,integer,text)', 'functions/core/_check_message.sql', '01c5792aa25973b51c1534ca16feabf799ebebacd3c75146314a096c96a83b0c', '4a4aecb1488e500556834643b2e433bc'),
	('function', 'drip._column_list(jsonb)', 'functions/core/_column_list.sql', 'f5f39947c61571371375753e56b5af2cd68a5f9813a7f5d36f70ac489bf2079a', 'eeaaf4d182a05821a0fc05bbd1e3bae2'),
	('function', 'drip._constraint_error(text,text)', 'functions/core/_constraint_error.sql', 'bc4f2d7e8210174522e893ab347a706ad3403d6b6ca6265523d02fb59fbfaef8', 'c5463e8a7e8f0a1d44e25eb4d503f23c'),
	('function', 'drip._constraint_meanings()', 'functions/core/_constraint_error.sql', 'bc4f2d7e8210174522e893ab347a706ad3403d6b6ca6265523d02fb59fbfaef8', '567306ee1f58783b949a1fc37c70b0fd'),
	('function', 'drip._fail(text,text,text,text)', 'functions/core/_fail.sql', '5774a5627ea390f162dcc4c5680543ea117dcf24b4b18964709f4a4412e2f1b3', '6e374fedbb0292bbd8c66f5e7afebbbe'),
	('function', 'drip._is_time_zone(text)', 'functions/core/_is_time_zone.sql', '54fa88340aa6aefede06a0ff2e7c737c2437431ba734901c676af8c8d46d3d85', '9e17abff35feebb4cb63216f93790e0f'),
	('function', 'drip._check_time_zone(text)', 'functions/core/_is_time_zone.sql', '54fa88340aa6aefede06a0ff2e7c737c2437431ba734901c676af8c8d46d3d85', '7f22aafbb032f42ac07e5316aae1fe9f'),
	('function', 'drip._local_instant(timestamp without time zone,text)', 'functions/core/_local_instant.sql', 'e8a217884ecb00b649bf2dd4ea95a8b124d6f9df5ae6055a122be3963340c5ef', 'a775dad92f5953240c561b84b9fc7d5e'),
	('function', 'drip._mapped_users()', 'functions/core/_mapped_users.sql', '2f3f54d8fc3d1b0a455cc72b3e9497a669ffa7a1778bbd33fe823df57d51ca26', '78c8c2be0435c007d5c065ecdbe42225'),
	('function', 'drip._nearest(text,text[])', 'functions/core/_nearest.sql', 'efa42c82372f7853763bd8f5622102721a6c742d8af9678e15518b17a799b2b3', '171b13b682197865ef247bdb65abf18f'),
	('function', 'drip._edit_distance(text,text)', 'functions/core/_nearest.sql', 'efa42c82372f7853763bd8f5622102721a6c742d8af9678e15518b17a799b2b3', '044ff534bff5c450fd365965e7c8ebb9'),
	('function', 'drip._next_local_time(timestamp with time zone,text,time without time zone)', 'functions/core/_next_local_time.sql', 'f79fa00db308af9cd928b0be518b5b53516a4774f9b9ccabcb01436b8eb9a746', 'b8d05b4e5b47181e788378b544d0552e'),
	('function', 'drip._next_step_at(timestamp with time zone,numeric,time without time zone,text)', 'functions/core/_next_step_at.sql', '779bbddb9d04712ad9d606bf815527fc113110217c67801942c2d0b9ae948c89', '063d2e68677d13db1bf981ada45d94ad'),
	('function', 'drip._notify_wake(bigint[])', 'functions/core/_notify_wake.sql', '355341305cf2bb6ca13d32371c007e1e3ccb33dad64317453e03deeaae1f3020', '1e93d70bebbe5093ff771383297fe2aa'),
	('function', 'drip._fake_now()', 'functions/core/now.sql', 'c1f48e7a58ec0b50b0a481353d2083fc2f2f77669f518743b128afc25d1bf28b', '41dcc6e266f49dfdcf6f5857b2bc3202'),
	('function', 'drip._check_region(text)', 'functions/accounts/_check_region.sql', '016eb320118dc81f9b9403be0d7f83a931f9d1c1ea787874ed952fd2bbb144d4', 'ce9c87713003fb9fe3c7298f84a178b5'),
	('function', 'drip._read_definition(jsonb,jsonb,text,bigint,boolean)', 'functions/core/_read_definition.sql', '77c5b8ffcc5f2e5c138eeb28e12eea29e96f4ba83bcce7b32f0f14887c3486f2', '2a533c8de607411c51a1e4904a1a2717'),
	('function', 'drip._definition_value(text,jsonb,text,bigint)', 'functions/core/_read_definition.sql', '77c5b8ffcc5f2e5c138eeb28e12eea29e96f4ba83bcce7b32f0f14887c3486f2', 'c4cbf591fa7268e8cf44b08106f24b97'),
	('function', 'drip._read_instant(text,bigint)', 'functions/core/_read_definition.sql', '77c5b8ffcc5f2e5c138eeb28e12eea29e96f4ba83bcce7b32f0f14887c3486f2', 'a5827180a358638d5cff71bfe2d92043'),
	('function', 'drip._seeded_fraction(bigint,bigint)', 'functions/core/_seeded_fraction.sql', '425a26dff2b9d88d3a9dff70ff8056573405eb48c3af30f0d6b2c54a9aebe5e1', '6f5529921d80f5914845636d4690040c'),
	('function', 'drip._tenant()', 'functions/core/_tenant.sql', '33a23768de7b72c7aa5942009cbc356bd46a8ad7bd956e9b68f5c70c8bee20b7', '97589acc398670427c6215049dcb5d0e'),
	('function', 'drip._has_token(text,text)', 'functions/core/_tokens.sql', 'cd72b8df110971608167cdd14c61b36f6f695af6292c1b2496c0e7383a6ce48b', '445c4f17cefe278d9190450638e960c5'),
	('function', 'drip._remove_token(text,text)', 'functions/core/_tokens.sql', 'cd72b8df110971608167cdd14c61b36f6f695af6292c1b2496c0e7383a6ce48b', '5860ef83f20f4c639903f1da34bbfaa4'),
	('function', 'drip._add_token(text,text)', 'functions/core/_tokens.sql', 'cd72b8df110971608167cdd14c61b36f6f695af6292c1b2496c0e7383a6ce48b', 'ffd1cf0be1d4df7fdcc517da29e48b3b'),
	('function', 'drip._wall_clock()', 'functions/core/_wall_clock.sql', '7c3156e3f89ffc8585d70112f4b032b021e95f29585ae4a934de8213965c6c3d', 'bc2624c0f59440f8195b7a0c1d9ce6aa'),
	('function', 'drip._window_opens_at(timestamp with time zone,text,time without time zone,time without time zone,smallint[],boolean)', 'functions/core/_window_opens_at.sql', '135d3e20e5b6f162c724ccbfc762161c1efe5eaab818c8d7c02a55672ff18741', '8b990483fafb3ba0b4f31c6885c02294'),
	('function', 'drip._find_device(text,bigint)', 'functions/accounts/_find_device.sql', '668e36fb892807f2b70251660389420faf6247b1c558f3a8fae5e94f39999d93', 'a7bd4110b5cebc27313aff4cd6099cca'),
	('function', 'drip._find_user(text)', 'functions/accounts/_find_user.sql', '214651b344b66bd48060d6bd2fc1c85f2190934cab06a2b6312fdcdb82298da8', 'f41b88831c8fe60612afc1d34a8a6633'),
	('function', 'drip._guard_users()', 'functions/accounts/_guard_users.sql', '799925803220a75213a115e894735613c3fa8c31ca9e97c092bb7122e98e64b4', '2a4882581a24ad206f356830ca9b7c15'),
	('function', 'drip.assign_role(text,text)', 'functions/accounts/assign_role.sql', 'ea117db880f0c77ccc6e6d25ae641a8439a801d41b371fd1327e53f4b43b3d33', '74c4019c198cd90a381700e456a3888d'),
	('function', 'drip._announce_leads()', 'functions/leads/_guard_leads.sql', '657e7a07470945550a08052253e87473f6ec21ab124d27c2b59ca0914d23dca9', '38b12a3256df64efbbb1c3d9bbe7e311'),
	('function', 'drip.create_user(text,text,text,text,jsonb)', 'functions/accounts/create_user.sql', 'ab369331aad91c0e888bd7d7f720de12e4658fecaec8b139f89a5feced0134f1', 'dabdf5169706148b5746a6151c109b02'),
	('function', 'drip.list_devices_to_check()', 'functions/accounts/list_devices_to_check.sql', 'd63b69f15ef4697a66ea0c657264217f777b79473f9fccc6721843b63a2bfdb9', 'ee602a7c1181c15336f95b747169ab83'),
	('function', 'drip.report_device(bigint,text,text)', 'functions/accounts/report_device.sql', '076652e3decf46a621708eb6e69e660a2b0461fc182575ae44c4e1c4c96a02c6', 'f77169cef0ebc17684865ec02bb45876'),
	('function', 'drip._normalize_phone(text,text)', 'functions/leads/_normalize_phone.sql', '5e025d9fdbbf6e4a9c359136b3220aea87c0c8b3ad689f409e442dbfed495e90', '2407a0b4829af48a0c01acdc098e7a26'),
	('function', 'drip.report_worker(text,text,integer,boolean)', 'functions/accounts/report_worker.sql', 'e5843cadfe968978eefd1c605d481554ae370f06948e4e213bc07ae8957ececd', '433d83c230d777e0b6a7f166af1cb600'),
	('function', 'drip.set_device_status(text,text,text)', 'functions/accounts/set_device_status.sql', '7e4e006d255fa076866b36622b37b8e5d682ea46748d03946e267693956dcec6', '0d4570538b01327e43b634329843b27a'),
	('function', 'drip._check_device_status(text)', 'functions/accounts/set_device_status.sql', '7e4e006d255fa076866b36622b37b8e5d682ea46748d03946e267693956dcec6', 'd7865e68b441c4e0c959e5425edc086e'),
	('function', 'drip.upsert_device(text,text,text,text,text,text,jsonb)', 'functions/accounts/upsert_device.sql', '8536e1704d1004bc1ec1ebb18886e7d6fa0eabd5a503bd3081a52bf53bf213f7', '2f64c3ba9cfa22ded04a510bd16a10f5'),
	('function', 'drip._new_device(bigint,text,timestamp with time zone)', 'functions/accounts/upsert_device.sql', '8536e1704d1004bc1ec1ebb18886e7d6fa0eabd5a503bd3081a52bf53bf213f7', 'dfacc4442b91d36ceb6cf44cb24d9da5'),
	('function', 'drip._device_account(bigint,text,text)', 'functions/accounts/upsert_device.sql', '8536e1704d1004bc1ec1ebb18886e7d6fa0eabd5a503bd3081a52bf53bf213f7', '4f36c8a3a645a730eae1e0ad8d33d8f8'),
	('function', 'drip._clean_tokens(text)', 'functions/leads/_clean_tokens.sql', '0a077e38a295e624954d303aa90fe1af70bc05f8670cb3c7c6fc9923925dfeb0', 'e7c57e03d35d9e23cc036e5b66568110'),
	('function', 'drip._find_lead(bigint,text)', 'functions/leads/_find_lead.sql', '70d3e74cc25e39595b0a78d4ecaf3c8a02dae44e76cb7e1e011e54d54c0291fa', '927bf22b29c596388f312c5f8765bbd1'),
	('function', 'drip._expect_phone(bigint,text)', 'functions/leads/_find_lead.sql', '70d3e74cc25e39595b0a78d4ecaf3c8a02dae44e76cb7e1e011e54d54c0291fa', '2872b9852b6b3eb24ba1538de2d4e57c'),
	('function', 'drip._get_or_create_leads(bigint,text[],text[])', 'functions/leads/_get_or_create_leads.sql', 'c7886e4ba9c24adbd2bf575efcb064134480966fac9e2b40ec3675e37f3818ef', '7d1e6869cff18ae63703f5cae9876280'),
	('function', 'drip._guard_leads()', 'functions/leads/_guard_leads.sql', '657e7a07470945550a08052253e87473f6ec21ab124d27c2b59ca0914d23dca9', '706cd2767ef3eb2a160cf28d3bd69f01'),
	('function', 'drip._read_phone(text,text)', 'functions/leads/_normalize_phone.sql', '5e025d9fdbbf6e4a9c359136b3220aea87c0c8b3ad689f409e442dbfed495e90', '546272f91912dfd9ec31ebbb693d3cf9'),
	('function', 'drip._clean_phone(text)', 'functions/leads/_normalize_phone.sql', '5e025d9fdbbf6e4a9c359136b3220aea87c0c8b3ad689f409e442dbfed495e90', '294bae3dd60c2199d7b50430be6b9f78'),
	('function', 'drip._read_international_phone(text)', 'functions/leads/_normalize_phone.sql', '5e025d9fdbbf6e4a9c359136b3220aea87c0c8b3ad689f409e442dbfed495e90', '51e8f951e2fd9f7d67db06a5106a608f'),
	('function', 'drip._read_national_phone(text,drip.regions)', 'functions/leads/_normalize_phone.sql', '5e025d9fdbbf6e4a9c359136b3220aea87c0c8b3ad689f409e442dbfed495e90', '5d7acc8962d5c64761e74fc24dcf350d'),
	('function', 'drip._length_problem(text,drip.regions)', 'functions/leads/_normalize_phone.sql', '5e025d9fdbbf6e4a9c359136b3220aea87c0c8b3ad689f409e442dbfed495e90', '538b01fe28be5cbc729892bc9585d200'),
	('function', 'drip._read_leads(bigint,jsonb)', 'functions/leads/_read_leads.sql', '7a970cb70ae744273da0a4c2ebff1507572c4fd1dfc671d23381083db19a05d4', 'c751c12b88c2e998b14382b768687d72'),
	('function', 'drip._timeline(bigint,timestamp with time zone,text)', 'functions/sequences/_timeline.sql', '7c83a9bc0f95109d2c000e10d4e100b056156520488a7094c214bebebcb25baa', '7f3a972aea9f8b3b69e084ffd200648f'),
	('function', 'drip._write_leads(bigint,text[],jsonb[])', 'functions/leads/_write_leads.sql', 'cffc02ae53c9d8a5bd83c1da495298aaa415989bfbbafbadfa5ffd3dd48f771f', 'bb22eff2e661b4c9ee33d61fbbb3ab82'),
	('function', 'drip._patch_lead(drip.leads,jsonb)', 'functions/leads/_write_leads.sql', 'cffc02ae53c9d8a5bd83c1da495298aaa415989bfbbafbadfa5ffd3dd48f771f', '8543dd2d9e82fa8c9c90f978b02fac73'),
	('function', 'drip.change_phone(text,text)', 'functions/leads/change_phone.sql', '4ec90a2393ac58704dd46288ada136c22202ca917a6b896c61ffbf8f91e7264a', '2d8cb772620feed4ab99e24a3f3e5744'),
	('function', 'drip.import_leads(jsonb)', 'functions/leads/import_leads.sql', 'f46c1959123f5ff2402a23e16aebd0368481ef811e5f218a18146bc09ffef178', 'c2b1758052ac36af7fa287802667b251'),
	('function', 'drip.erase_lead(text,text)', 'functions/leads/erase_lead.sql', 'feebf5bc53bd456fa70e6b37bbd589328c9549e485b1b267415d32827462d14f', '31e813a2418a751bbadcbf3ed97ba193'),
	('function', 'drip.find_lead(text)', 'functions/leads/find_lead.sql', '92f2a2e47f00d3d727b25627ab603d558d8d6a0548342bc98824375d4933454c', 'c170be8f167e93904e155bcd3680284d'),
	('function', 'drip._matches_sequence(drip.leads,drip.sequences,text)', 'functions/sequences/_matches_sequence.sql', '3ef94c485ac6a97ea3e25b356e193f02d6950507b8dc7c8b8f8ebb7b6e1cea22', 'fa40731c99f6e90ee6a9d03fe77ae212'),
	('function', 'drip._import_leads(bigint,jsonb)', 'functions/leads/import_leads.sql', 'f46c1959123f5ff2402a23e16aebd0368481ef811e5f218a18146bc09ffef178', '61d91e749f169addb9cdfbf113ec6bd4'),
	('function', 'drip.opt_in(text,text)', 'functions/leads/opt_in.sql', 'bd84087de23a87dd676b0fa18395b7023579e058150b7838f0a04ec2f61a57e5', 'c4ad0a9a95c28fa48336045be7f84cf2'),
	('function', 'drip.opt_out(text,text,text,text)', 'functions/leads/opt_out.sql', '76f26aea132789477c7203be62fd330ecdeeb5a0e3fce49aaa77b9ba5fb0c1ca', '7717a634c13abb3ea46a5d2b16ffc980'),
	('function', 'drip._pool_device(bigint,bigint)', 'functions/sequences/_pool_device.sql', 'ad5c42673b18e571b7361a509465ab117252773b4bc2a478492ab0302eac4b52', '4843ccc93ef83b0f69ce3415ea95f11d'),
	('function', 'drip._pool_devices(bigint)', 'functions/sequences/_pool_device.sql', 'ad5c42673b18e571b7361a509465ab117252773b4bc2a478492ab0302eac4b52', '415e56ceaf11ff50e60c49d7acb46131'),
	('function', 'drip._expands_at(drip.campaigns)', 'functions/campaigns/_apply_campaign_status.sql', '76ac2caa6e4f3ea5b6fd61f9b379d7ed72fb82fdbba0122bdaf91be0a6339e1c', 'd6a30024f0ef63d9519c2aaabad6cda9'),
	('function', 'drip._opt_out(bigint,text,text,text,text)', 'functions/leads/opt_out.sql', '76f26aea132789477c7203be62fd330ecdeeb5a0e3fce49aaa77b9ba5fb0c1ca', 'ab10e70ef0daecd984cf76be1c1f1b97'),
	('function', 'drip._check_category(text)', 'functions/leads/opt_out.sql', '76f26aea132789477c7203be62fd330ecdeeb5a0e3fce49aaa77b9ba5fb0c1ca', '9aacc72a08364b9687d463469a72984d'),
	('function', 'drip.pause_lead(text,timestamp with time zone,text)', 'functions/leads/pause_lead.sql', 'a6b857e2940143ee473799d60163542eadf8a2e4d003a4890b9d4081ae5fb04d', '1fd58de07734494583a3cca979e910d3'),
	('function', 'drip.resume_lead(text)', 'functions/leads/resume_lead.sql', '34ad2e031f1ae56f31b79e1d2abc115b874250925dfc2143d9cd5f1669ec75a0', '307506baa40a383500d612dcc8f85114'),
	('function', 'drip.upsert_lead(text,text,text,text,text,text,text,text,text,jsonb)', 'functions/leads/upsert_lead.sql', 'df25a7b12ba577f6654d36e319e892cbdff1e9bcae86b23e4fdd71b0e664c028', '1c65bd00b27fdb28392d20006162ce8c'),
	('function', 'drip._apply_sequence_status()', 'functions/sequences/_apply_sequence_status.sql', '71905f189e71b2c88b88658537d8eb3a213ae94d02b5408250106691a3468f3b', '8e2b8889e1104bcbebcefd2784cc95b6'),
	('function', 'drip._announce_sequence()', 'functions/sequences/_apply_sequence_status.sql', '71905f189e71b2c88b88658537d8eb3a213ae94d02b5408250106691a3468f3b', '4d189530c6518205ddd1841ebcb0f861'),
	('function', 'drip._hold_messages(bigint[],text)', 'functions/sequences/_apply_sequence_status.sql', '71905f189e71b2c88b88658537d8eb3a213ae94d02b5408250106691a3468f3b', '5b602f228d8ac1473a3acc6688a57bb6'),
	('function', 'drip._resume_messages(bigint[],timestamp with time zone,text)', 'functions/sequences/_apply_sequence_status.sql', '71905f189e71b2c88b88658537d8eb3a213ae94d02b5408250106691a3468f3b', '35cdd884a12c20a5b1ee825e546f6038'),
	('function', 'drip._enroll(bigint,bigint[],timestamp with time zone,jsonb,text,timestamp with time zone[])', 'functions/sequences/_enroll.sql', '8409e4c1766bf6d399e0a8a93b43d581c9788b30c4f3264140859ff4274c8668', 'fb082e3b936d53f393dbd5ab588c93a0'),
	('function', 'drip._exit_enrollments(bigint[],text)', 'functions/sequences/_exit_enrollments.sql', 'bc113b90e66af8e7fa3dbc6da17323ecf5f0996232747512ed563576eb6cd6cd', 'c387a3649bffba5b8fdaf2a5cab16366'),
	('function', 'drip._find_sequence(text)', 'functions/sequences/_find_sequence.sql', '4117c662e0cd7ba9e2c039bc653003951edf5bd8049a5058e80f951cc2f29a24', '98dd202ab4d053cdc03a23375d4666b9'),
	('function', 'drip._mark_matching_leads(integer)', 'functions/sequences/_mark_matching_leads.sql', '006ddeb6b046fc4976ab75c6116c4706ba23ccd123fa3f06d5cdc68c5f1c332d', '7ec746eb3578277e7939108c4fc19271'),
	('function', 'drip._is_barred(bigint,text,drip.sequences)', 'functions/sequences/_mark_matching_leads.sql', '006ddeb6b046fc4976ab75c6116c4706ba23ccd123fa3f06d5cdc68c5f1c332d', '4c367427d6931f705826889dca32b1b1'),
	('function', 'drip._hashed_device(bigint[],bigint)', 'functions/sequences/_pool_device.sql', 'ad5c42673b18e571b7361a509465ab117252773b4bc2a478492ab0302eac4b52', '9f04d7b928a81676ba2f58a9cdb31bb7'),
	('function', 'drip._prepare_sequence()', 'functions/sequences/_prepare_sequence.sql', '08500c64a2aa9622c2797fc8b7fc17be55c892a29a09a4389384c73db9252e65', '6e350a3d741146110f138616f201cbc9'),
	('function', 'drip._check_sequence_ready(drip.sequences)', 'functions/sequences/_prepare_sequence.sql', '08500c64a2aa9622c2797fc8b7fc17be55c892a29a09a4389384c73db9252e65', '2b63b2180fbce0a6ed1a26514f84b531'),
	('function', 'drip._entry_token(drip.sequences)', 'functions/sequences/_prepare_sequence.sql', '08500c64a2aa9622c2797fc8b7fc17be55c892a29a09a4389384c73db9252e65', '5d94450d22269810d96be110007da6f3'),
	('function', 'drip._prepare_step()', 'functions/sequences/_prepare_step.sql', 'b5ad77f6132aa180f6e0262b6ecaf64a8d3de483381c9945b8ab852c458cb6e2', '9025ceea886cfb5c5825c50f2766246b'),
	('function', 'drip._announce_step()', 'functions/sequences/_prepare_step.sql', 'b5ad77f6132aa180f6e0262b6ecaf64a8d3de483381c9945b8ab852c458cb6e2', 'd327231f8cf7952fa003cb5ce3ee9f23'),
	('function', 'drip._sequence_keys()', 'functions/sequences/_sequence_keys.sql', '43544f5f7157e7dab35146b47f81595dd9e4e8ed49712cefad4bc725586d27fe', 'fd906f595e5dad1686511a046203aa2e'),
	('function', 'drip._step_keys()', 'functions/sequences/_sequence_keys.sql', '43544f5f7157e7dab35146b47f81595dd9e4e8ed49712cefad4bc725586d27fe', '92f8bccb5a19661cb8b6e20eac32e6d1'),
	('function', 'drip._insert_sequence(bigint,jsonb)', 'functions/sequences/_write_sequence.sql', '6d4b57e5f8780ac8b7ea4c6d9388ac659d14051f10b6b7d6daee87c1847f1743', 'cddca3ea8eaae7a80efdfb805a22849c'),
	('function', 'drip._sequence_values(bigint,jsonb,boolean)', 'functions/sequences/_write_sequence.sql', '6d4b57e5f8780ac8b7ea4c6d9388ac659d14051f10b6b7d6daee87c1847f1743', 'bfa81a181524dc821201eb5e38004173'),
	('function', 'drip._insert_steps(bigint,jsonb)', 'functions/sequences/_write_sequence.sql', '6d4b57e5f8780ac8b7ea4c6d9388ac659d14051f10b6b7d6daee87c1847f1743', '5d489f607799a7bcba5733711d40fe1c');
INSERT INTO drip.code_objects VALUES
	('function', 'drip.archive_sequence(text,text)', 'functions/sequences/archive_sequence.sql', 'fe775b7399f0c91a48893002b1be70f2c7644eed42da0450dfb3818a258ad7db', '0c62c248f04a7068c63a743dabea996c'),
	('function', 'drip.create_sequence(jsonb)', 'functions/sequences/create_sequence.sql', '2ffdc830b7584b2a37d632159c5cc5321e62d414547a0fb00cd286fd0ee8e9df', '0f29a1238f26b59bd63fbe5316aec7ed'),
	('function', 'drip.delete_sequence(text)', 'functions/sequences/delete_sequence.sql', '882554384fdd9af3802e6c02851b4cb03ebc71f1e7d182fabbcd7ef62458ca67', '02ff32e301f2a0513808e3d4d77b2187'),
	('function', 'drip.enroll_lead(text,text,timestamp with time zone,text,jsonb,text)', 'functions/sequences/enroll_lead.sql', '068735852ef1ed0dc0290f5de2c8c2d061e75cba0423ef6562b02f3fabc77f28', '29b2c15c302a9082482af694e8bbf59e'),
	('function', 'drip._campaign_leads(drip.campaigns,bigint,bigint)', 'functions/campaigns/_campaign_leads.sql', '8fb21bd72748c32ad585eb739b704588d3748b7a0dba5dd3be2ecfba8580acb2', '62da912d7a7cf7baac6fc285298fc468'),
	('function', 'drip._enroll_phones(text,text[],text[],timestamp with time zone,jsonb,text)', 'functions/sequences/enroll_lead.sql', '068735852ef1ed0dc0290f5de2c8c2d061e75cba0423ef6562b02f3fabc77f28', '1badd8f9942ebe4db21843c65b42509c'),
	('function', 'drip.enroll_leads(text,text[])', 'functions/sequences/enroll_leads.sql', '1bdee50fba0e66d0e7e4c1cf6c6e97e54eb8ea7f5b953fc92306a2ab69acc6a8', '74d0a2942a7e08ea418deb9eeab9e16a'),
	('function', 'drip.enroll_matching_leads(integer)', 'functions/sequences/enroll_matching_leads.sql', 'a81d2691f400f1461f483c1521ba0ff55629fe2d8dd72b9e1e6c568e6480fd9b', 'a459be6d1822f9de2e641ff196b8de12'),
	('function', 'drip._enroll_chunk(bigint,bigint[],timestamp with time zone[])', 'functions/sequences/enroll_matching_leads.sql', 'a81d2691f400f1461f483c1521ba0ff55629fe2d8dd72b9e1e6c568e6480fd9b', '1071fa85dcc2ee84d0cb03aedadb60f7'),
	('function', 'drip._is_new_to_sequence(bigint,bigint)', 'functions/sequences/enroll_matching_leads.sql', 'a81d2691f400f1461f483c1521ba0ff55629fe2d8dd72b9e1e6c568e6480fd9b', '3e53b393f718a098673db25ab3c3c968'),
	('function', 'drip.exit_lead(text,text,text,text)', 'functions/sequences/exit_lead.sql', '93045047fade5afa6d6575b6abc866be60998bed9703fb61fbfb26a299d544db', '0bccb145d617114a1c2df99018e03419'),
	('function', 'drip.get_sequence(text)', 'functions/sequences/get_sequence.sql', 'c57db9dfd22ce500edc749a1010a64669e74839ff3c348e3bf69b58a02e35633', 'cb38d74924cf82603d052d612028cd26'),
	('function', 'drip._sequence_definition(bigint)', 'functions/sequences/get_sequence.sql', 'c57db9dfd22ce500edc749a1010a64669e74839ff3c348e3bf69b58a02e35633', 'b85ebd8bc99badabe999c4f60770649a'),
	('function', 'drip._in_audience(text)', 'functions/campaigns/_campaign_leads.sql', '8fb21bd72748c32ad585eb739b704588d3748b7a0dba5dd3be2ecfba8580acb2', '26285752cb856c9c137725fa574c629f'),
	('function', 'drip.pause_sequence(text,text)', 'functions/sequences/pause_sequence.sql', '7925394f59655e949ce26136e58ea9dadc73e4c9c822c7685efc7fb6b7136beb', '5744e1ce67cb15422a5be63db347e91d'),
	('function', 'drip.resume_sequence(text,text)', 'functions/sequences/resume_sequence.sql', 'b05b641d49b8b0568d02588efdae1a70c7440f878c1b535923d654f918d85b1a', 'aa0f8bb222a80de3c555b5517295d98c'),
	('function', 'drip._end_lead_pauses(integer)', 'functions/ops/tick.sql', 'fae4609bc121a20cbf875dc782d653e082adfeeac3ab6902939181e72e75e5f0', '85598e62890d3c53a1bd33aea8614d99'),
	('function', 'drip.start_sequence(text,boolean)', 'functions/sequences/start_sequence.sql', '33a49648ec139eae8c1fd88e800492f1b3f0b32f717792dbf56ea75b2b44ff4f', '346cfd9d7a18c5e174de2eca59a79cc8'),
	('function', 'drip.update_sequence(text,jsonb)', 'functions/sequences/update_sequence.sql', '31e1862ce65cb64f8c827e106151e63de862b8176606f7d27afd613c34aa4c59', 'e5fc6ea1ad5600f03aa2c38a338a242c'),
	('function', 'drip._apply_campaign_status()', 'functions/campaigns/_apply_campaign_status.sql', '76ac2caa6e4f3ea5b6fd61f9b379d7ed72fb82fdbba0122bdaf91be0a6339e1c', '946644389ebbc8e315a45cc26a94f0c4'),
	('function', 'drip._announce_campaign()', 'functions/campaigns/_apply_campaign_status.sql', '76ac2caa6e4f3ea5b6fd61f9b379d7ed72fb82fdbba0122bdaf91be0a6339e1c', '99a5b4978577b2629768a371e697e9ef'),
	('function', 'drip._campaign_keys()', 'functions/campaigns/_campaign_values.sql', 'e168b9433d6c841c14f01fb168a0465a2898aa73aaa62faad3c0d775b7c64023', '830e8d0d9b9428f682e648a4a4386ac4'),
	('function', 'drip._campaign_values(bigint,jsonb,boolean)', 'functions/campaigns/_campaign_values.sql', 'e168b9433d6c841c14f01fb168a0465a2898aa73aaa62faad3c0d775b7c64023', '0aa51a788d97f32c43dad3e1d1e805d9'),
	('function', 'drip._insert_campaign(bigint,jsonb)', 'functions/campaigns/_campaign_values.sql', 'e168b9433d6c841c14f01fb168a0465a2898aa73aaa62faad3c0d775b7c64023', 'ca20a9d66ee5297801a95bebff75c3b6'),
	('function', 'drip._campaign_definition(bigint)', 'functions/campaigns/_campaign_values.sql', 'e168b9433d6c841c14f01fb168a0465a2898aa73aaa62faad3c0d775b7c64023', '35521b7ee9034f14b6e0affc05e037bc'),
	('function', 'drip._complete_campaigns(integer)', 'functions/campaigns/_complete_campaigns.sql', '81c01aadd8a37159114892c3a7de30a1699738295d53ff9ab5dd712c8c932f88', '8733a7e50f905acce5e439e20f69c8c8'),
	('function', 'drip._find_campaign(text)', 'functions/campaigns/_find_campaign.sql', '278d87437bf37721a9b28507fb5d063f4a60f66abf7c6e2819ef9c539126ab89', '6293238d9863bc06124cd60f322f4aae'),
	('function', 'drip._prepare_campaign()', 'functions/campaigns/_prepare_campaign.sql', '549297de9d4e9900d59c039471f0d4799406153dd83f6bc6ccd08a614e6834a1', '1f04804bce4213b220fb37a66c00d3c4'),
	('function', 'drip.cancel_campaign(text,text)', 'functions/campaigns/cancel_campaign.sql', '5d3d5d2467d2f0b440abd448949b2620087449822d16e8a955b5259cf6d37807', 'b448b9c08fc42cc961dc2bae19203a31'),
	('function', 'drip.create_campaign(jsonb)', 'functions/campaigns/create_campaign.sql', 'ca02122676a0f80f870063934e0e29f7b85107ba8edcfaedce57bfc890c26728', '79c8ddc3c400d1e8416f66e075aa9030'),
	('function', 'drip.expand_campaigns(integer)', 'functions/campaigns/expand_campaigns.sql', 'cb417c8d4ae9068c894754491c9cf6e19760d35b3e284af3d82e9b931238e2ed', 'b8fc800249a865862314f87c6fef9f00'),
	('function', 'drip._is_expansion_due(drip.campaigns,timestamp with time zone)', 'functions/campaigns/expand_campaigns.sql', 'cb417c8d4ae9068c894754491c9cf6e19760d35b3e284af3d82e9b931238e2ed', '93be487623480051ba56eb4368a63641'),
	('function', 'drip._expand_chunk(drip.campaigns,integer)', 'functions/campaigns/expand_campaigns.sql', 'cb417c8d4ae9068c894754491c9cf6e19760d35b3e284af3d82e9b931238e2ed', 'd164685cde9b650bba79d1bb7f5072fe'),
	('function', 'drip.get_campaign(text)', 'functions/campaigns/get_campaign.sql', '3738e7dc3bb73c2932770c4199edb0ac76587c61bb815f66282784b4f15a66ae', '6e505a66b5617115976fbdbe1ce6a1a4'),
	('function', 'drip.pause_campaign(text,text)', 'functions/campaigns/pause_campaign.sql', '43c24590117a46c2b45abfdfad508d98aee3800cae8ed97f20a8e2bb6c00deab', '1584162c2f0b6e79f6cc927bcec91f7b'),
	('function', 'drip.resume_campaign(text)', 'functions/campaigns/resume_campaign.sql', '28b30a9ccc31eda58ae9e9ca98424fb39e6511a256549ba3af8082d135c2b6b6', '4b612c77c04fae8191dd7075ede603b2'),
	('function', 'drip.schedule_campaign(text,timestamp with time zone,timestamp without time zone)', 'functions/campaigns/schedule_campaign.sql', '78aa41530cc72c2c50fef9fec6243f0242475a4671db129bb6505f2748d06640', '5bb1dbff2123f0dd959d6fdb297e8a16'),
	('function', 'drip._campaign_outlook(drip.campaigns)', 'functions/campaigns/schedule_campaign.sql', '78aa41530cc72c2c50fef9fec6243f0242475a4671db129bb6505f2748d06640', '703c65e4851d3a18562e6358ade94b65'),
	('function', 'drip.update_campaign(text,jsonb)', 'functions/campaigns/update_campaign.sql', 'f88617f6a08594e3f36ce1753db98557ec9cbe66b397a84eee94dfdc353dee89', 'fd51d3a395f223ee3bb0343474e5bd8f'),
	('function', 'drip._advance_journeys(bigint[])', 'functions/delivery/_advance_journeys.sql', 'fe64d9b0bdc2b02b9bc900558d3b6c3b4050c14720fbd3706ea74e5551551d2c', '41646e5a1cc948da3868ddd3f91aca9a'),
	('function', 'drip._bind_devices(integer)', 'functions/delivery/_bind_devices.sql', 'a42f1996c5028eaf66b4ffd4e11d968fff7a305bed9619179358292e1d97020f', '1991ee4fb457f39dcbede8a0ed99ec70'),
	('function', 'drip._check_message_owners()', 'functions/delivery/_check_message_owners.sql', 'af369ccf6cf0647818c0df884711462bdd5940b4ec2b813d04e67b285ff9c22d', '09f147422b634c529a78795040bbe92a'),
	('function', 'drip._delay_seconds(bigint,integer,integer,integer,integer)', 'functions/delivery/_delay_seconds.sql', 'abdc837f9f3c99882b15a67891619be9d37536c7ecbdfe3036ab1d90138ffdba', 'fe73e9306ce29619d03592ab811a9306'),
	('function', 'drip._expire_messages(integer)', 'functions/delivery/_expire_messages.sql', 'be10a7db81f11d848ca8fba921d20908ce25666004d521da4eed4980c1eaaf17', '573b1569c0fbecd61b6d1799dd10685a'),
	('function', 'drip._free_at(timestamp with time zone,timestamp with time zone,numeric,time without time zone,text)', 'functions/delivery/_free_at.sql', 'e9036d48f7b7f84e8bf4c49f1482a2a4974d66298d364686a86b00c35a9f5fce', 'f06e657df5a2bc771478420625c1032f'),
	('function', 'drip._greeting(bigint,text,text,timestamp with time zone,text)', 'functions/delivery/_greeting.sql', 'db6585f75fac503327cb23df068d581be0074fccd55b1e75cf893b22e6466a49', '97713214992691917c3e9fe6be7af913'),
	('function', 'drip._judge_messages(bigint[])', 'functions/delivery/_judge_messages.sql', '9f3ece345624899a49a803c91da442f8029369dcd3692f7cb744e1c83d59ea65', '176c7276620d0a663cda0ef1635f5a60'),
	('function', 'drip._move_failed_over(integer)', 'functions/delivery/_move_failed_over.sql', 'ba755f5afd67e9bed779a641af52e4fcd18c2f65e7d91e0a19fbee395dbdb933', 'ebc25642c5331274500e8520fa6c17c8'),
	('function', 'drip._render(text,text,text,jsonb,jsonb,bigint)', 'functions/delivery/_render.sql', '43621ed828d503174e16651f79d5e508c7cbea17a9b33ae9960d9458d3be4967', 'b6d2fe513c27ca9079c6daccbe385191'),
	('function', 'drip._sync_enrollments(bigint[])', 'functions/delivery/_sync_enrollments.sql', '004ef9206e2ce76968aec737ef7a60009eb02b34d66d1f80f0ec09a8521fc0c2', '0706f019d7dd2d26380bcdf31112d42c'),
	('view', 'drip.message_log', 'views/message_log.sql', 'dce252d01439d53d3a81ce9179a80b40a6c424984e8ecf28295058fc3ad17567', '3a82a457cab88d9ea37f1b71a7aa4dcd'),
	('view', 'drip.message_outlook', 'views/message_outlook.sql', 'f4ddeaa6acf0a8f4c3272b96fe7e4e20a2784b9d1f4593a5a8e5fc3b1f93ec76', '7b5b730ebbbbb9a5a1417be982015485'),
	('view', 'drip.queue_overview', 'views/queue_overview.sql', '95c6c935a54b86c6fd8c82cc3a21e3b804156a99d651164a89e7f9ea029ce520', 'bbfbaf31a928b4ba913bddff11cd4b7c'),
	('function', 'drip._verdict(timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone,boolean,text,text,text,timestamp with time zone,boolean,timestamp with time zone,timestamp with time zone,timestamp with time zone,bigint,text,text,timestamp with time zone,timestamp with time zone,boolean,timestamp with time zone,timestamp with time zone,boolean,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone,integer,integer,integer,timestamp with time zone)', 'functions/delivery/_verdict.sql', '29186a6c4351f1316450ed32a9e911b11909a1f1ac6e92e856121f2fb806755e', '592bafceb52e3e17f92a01ef868fe71d'),
	('function', 'drip.claim_messages(text,integer)', 'functions/delivery/claim_messages.sql', 'dc16f9ca07b97ac9ebb3f870250b9fe64c5e3a31732d36dfcafe194fe9faa5d1', '2e2b966c717585a463a3c1065ff0a6e3'),
	('function', 'drip._claim_messages(text,integer,bigint)', 'functions/delivery/claim_messages.sql', 'dc16f9ca07b97ac9ebb3f870250b9fe64c5e3a31732d36dfcafe194fe9faa5d1', '14d8be7d406ff71a9d75987724d75026'),
	('function', 'drip.expire_leases(integer)', 'functions/delivery/expire_leases.sql', '7e9bb8a0a9c0c2cdcc0e71951e84baebabb2cccaa8856154ea16803568e8d2fb', 'd79b2d1b3974288b7c2686310473f558'),
	('function', 'drip._end_unknown_holds(integer)', 'functions/delivery/expire_leases.sql', '7e9bb8a0a9c0c2cdcc0e71951e84baebabb2cccaa8856154ea16803568e8d2fb', '463b35a3353cce34b51ce081339e4bde'),
	('function', 'drip.next_wakeup()', 'functions/delivery/next_wakeup.sql', '8cd0284346173cebf1e46177372bb3eecd9a20b32624e37fe18cb7df81994f34', '3a9ffdc427573bd01c1c5ee669833672'),
	('function', 'drip.reason_sentence(text)', 'functions/delivery/reason_sentence.sql', '08661f333cc08274990369b7dd77fa71bd61defd7861d7993b1048f5588a8acf', '5570f4cd7eaddb298264e65828854d02'),
	('function', 'drip.record_results(text,jsonb)', 'functions/delivery/record_results.sql', 'af6f4748fcf05a102d802983a7552cc13437bc75827ce82ecdd59b83b1159708', '7f2bbf4abd1cd3edf1567a8bf92a8d63'),
	('function', 'drip._pace_results(jsonb)', 'functions/delivery/record_results.sql', 'af6f4748fcf05a102d802983a7552cc13437bc75827ce82ecdd59b83b1159708', '71aa0dc38124a53ad4bbc44ca6304e51'),
	('function', 'drip._stop_devices(jsonb)', 'functions/delivery/record_results.sql', 'af6f4748fcf05a102d802983a7552cc13437bc75827ce82ecdd59b83b1159708', 'f9646fd53c63942e3aee37bc96bd44e4'),
	('function', 'drip.release_messages(text,jsonb)', 'functions/delivery/release_messages.sql', '0ae8c70400ad42284202c73a1d611ec7a3da1e62127ec7bde2f658b4fca7fc5c', '86268176ccd151532b77506abc12fd40'),
	('function', 'drip.send_message(text,text,text,text,text,text,jsonb,text,timestamp with time zone,text,interval,text)', 'functions/delivery/send_message.sql', '7d7ca7e779f2d668dc81835012e36dab0be8a6d703c504b3d3393c9d1e73885e', 'e17b1e5ee0b21d0d6098fd55887f5553'),
	('function', 'drip.wake_devices(bigint[])', 'functions/delivery/wake_devices.sql', 'debc7498739ae932689c24836d9c96f9c37e18ea18607fa3430c3f6f8367ff4e', '4d656c90c754728f0e31860180586a18'),
	('function', 'drip.explain_message(bigint)', 'functions/ops/explain_message.sql', '3d80bb8c4243a1a037430ceaa5c0c22040f1732d8918df492b4a6d64421d106b', 'e82d2b866023d20a2130620c799fc0df'),
	('function', 'drip.tick()', 'functions/ops/tick.sql', 'fae4609bc121a20cbf875dc782d653e082adfeeac3ab6902939181e72e75e5f0', 'ba583d3309496ae29f7ceb46262706b2'),
	('function', 'drip._drain_sync_backlog(integer)', 'functions/ops/tick.sql', 'fae4609bc121a20cbf875dc782d653e082adfeeac3ab6902939181e72e75e5f0', '2f1882a4724388af2c906c438678ba75'),
	('table', 'drip.alembic_version', '(revision)', '', '76a63cdee5c4f0fbd5fec6bed623d510'),
	('table', 'drip.installed_parts', '(revision)', '', 'd9312ca22f7b18630a3618cbea200c86'),
	('table', 'drip.code_objects', '(revision)', '', 'ebaa67c611c6506a9f622e99e4427a08'),
	('table', 'drip.user_roles', '(revision)', '', 'd4c95463299572d9a34f849efe0a3b8f'),
	('table', 'drip.guards', '(revision)', '', 'cab81b3778de0c3aadc1ee0ee0848ad8'),
	('table', 'drip.account_reach', '(revision)', '', '1797d98cf84aa8d94a187998de7ea3e0'),
	('table', 'drip.sync_backlog', '(revision)', '', '078da2616b981cb2758a6f89b12550b2'),
	('table', 'drip.regions', '(revision)', '', 'f08ca61df079a777bc4e3343f434bb33'),
	('table', 'drip.workers', '(revision)', '', 'b89ff73beb25c618ec325c118fd717a2'),
	('table', 'drip.task_runs', '(revision)', '', '1913e8734f4ef28fb23ca3baefdcb467'),
	('table', 'drip.users', '(revision)', '', '48b15f5440d40d66aa9e9b44ae4ab703'),
	('table', 'drip.audiences', '(revision)', '', 'e873e9235bfd46c677803631e9ee5c72'),
	('table', 'drip.audit_log', '(revision)', '', '16870dc8cf2c954813744f2cb75eb76f'),
	('table', 'drip.broadcast_messages', '(revision)', '', 'a8b103bf78a6b1e9cf3cc2b90161cbfe'),
	('table', 'drip.campaigns', '(revision)', '', '10256be8b7972902484609277584db65'),
	('table', 'drip.device_pacing', '(revision)', '', '3b13761ccd1b8bd647fcbf59c736de50'),
	('table', 'drip.inbound_messages', '(revision)', '', '6e894808a040d8ec26eda8e195334d71'),
	('table', 'drip.lead_aliases', '(revision)', '', '12e5079bb2b20c1913d4fe948225dc5a'),
	('table', 'drip.leads', '(revision)', '', 'a0d014f7bac4d3acd1d930ef4039cae8'),
	('table', 'drip.message_attempts', '(revision)', '', '418f37a0719c94c06023cc12647fe2fe'),
	('table', 'drip.receipts', '(revision)', '', '20f5c29ac6c2819f25e6978503757aef'),
	('table', 'drip.sender_accounts', '(revision)', '', '155608cf71a44f2700d567838ef650f4'),
	('table', 'drip.sequence_contacts', '(revision)', '', '304c0b3b747fbd199a2ed9c4c1bc7102'),
	('table', 'drip.sequence_steps', '(revision)', '', '996db41269abe808781dc9d689709002'),
	('table', 'drip.sequences', '(revision)', '', '2525a1555a72c9a74400d367df0aadf6'),
	('table', 'drip.suppressions', '(revision)', '', '06e645c3fb9a679306282d090697f271'),
	('table', 'drip.user_devices', '(revision)', '', '3921cdf74e4b187f33a4e958cf9539d8'),
	('table', 'drip.private_settings', '(revision)', '', '0cf93d2cacbe61420550bdd04cfaee26'),
	('table', 'drip.error_codes', '(revision)', '', '963864c8782306552c2ac523561fc4b9'),
	('table', 'drip.greetings', '(revision)', '', '54b0147f59d4792acf798f1ee58c1e37'),
	('table', 'drip.stop_words', '(revision)', '', '891101e608999ee4c564d6b7602a33c1');
INSERT INTO drip.code_objects VALUES
	('view', 'drip._enrollment_facts', 'views/_enrollment_facts.sql', '04892c6b42d21b691d5f17efcbabd32f291660cdcea7340ccdd413e855d27e6e', '26f04ab992a4d94dcb6d82547acf0163'),
	('view', 'drip._enrollments', 'views/_enrollments.sql', '6db7199a324e1b56ed99b5b2cab2abe41b70e577b5c0861f3e599ae36040b304', '68a51d089cad98989ea6bc7aab2e39a2'),
	('view', 'drip._message_facts', 'views/_message_facts.sql', '58672b6d89fea801f392426a9f2c49244a35a1167e762ab48330b8322640081a', 'ed60ec745c2916c759494cc2ebd79527'),
	('view', 'drip._message_texts', 'views/_message_texts.sql', '6b4fd9e98c5ae20d62f015234322c63940186fb8d84ec5cf32dad849fe02e38e', '1eac9f99acb1c46aaf675c06f97deb09'),
	('view', 'drip.campaign_overview', 'views/campaign_overview.sql', '7b60804bdc852301c2ee28c453df14aa37e79b83ec634def428adcd3e266e181', '69495354da58ddd640117227ca297f24'),
	('view', 'drip.device_overview', 'views/device_overview.sql', '56cb74b799fc9c14e1cb8939a5ed287a2768f93f278510ed1c30c8290c8907c3', '25ecef75fab5fb0289e70fcca6bee95e'),
	('view', 'drip.sequence_funnel', 'views/sequence_funnel.sql', 'e32885126a4615692e7a49d9dffb1cf37062ea2eec3996e3fcae375d6a14675a', '1fcaea3277fbe265f24356fb2b44f685'),
	('view', 'drip.sequence_overview', 'views/sequence_overview.sql', 'cc6893474aab427ea3b3e8c58b7dde44ff56405c9e88aad6dcb8c46d2911fe42', '8c39afc33ef44e51cc5576f0e0982422'),
	('view', 'drip.sequence_progress_monitor', 'views/sequence_progress_monitor.sql', 'a84330afd61527443c861183352a9f7c4804231313d4b82644eca9e21e4ede2a', '11c64f3e4f86313dda41ed22e41ab555'),
	('policy', 'users_of_caller on drip.users', '(revision)', '', '20f1380fd4b1d5116bb7543190586e87'),
	('policy', 'audiences_of_caller on drip.audiences', '(revision)', '', '798a97a89093176a38c4f7ad7279918a'),
	('policy', 'audit_log_of_caller on drip.audit_log', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'broadcast_messages_of_caller on drip.broadcast_messages', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'campaigns_of_caller on drip.campaigns', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'device_pacing_of_caller on drip.device_pacing', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'greetings_of_caller on drip.greetings', '(revision)', '', '798a97a89093176a38c4f7ad7279918a'),
	('policy', 'inbound_messages_of_caller on drip.inbound_messages', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'lead_aliases_of_caller on drip.lead_aliases', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'leads_of_caller on drip.leads', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'message_attempts_of_caller on drip.message_attempts', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'receipts_of_caller on drip.receipts', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'sender_accounts_of_caller on drip.sender_accounts', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'sequence_contacts_of_caller on drip.sequence_contacts', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'sequence_steps_of_caller on drip.sequence_steps', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'sequences_of_caller on drip.sequences', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'stop_words_of_caller on drip.stop_words', '(revision)', '', '798a97a89093176a38c4f7ad7279918a'),
	('policy', 'suppressions_of_caller on drip.suppressions', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('policy', 'user_devices_of_caller on drip.user_devices', '(revision)', '', 'a86a3cd5fef6a4cd594894be0965ded6'),
	('trigger', 'users_guard on drip.users', 'functions/accounts/_guard_users.sql', '799925803220a75213a115e894735613c3fa8c31ca9e97c092bb7122e98e64b4', '7c8d30c0da69757842621bd1856c42b1'),
	('trigger', 'broadcast_messages_owners on drip.broadcast_messages', 'functions/delivery/_check_message_owners.sql', 'af369ccf6cf0647818c0df884711462bdd5940b4ec2b813d04e67b285ff9c22d', 'b20678c67220e62c6b73d2c0541bde38'),
	('trigger', 'prepare_campaign on drip.campaigns', 'functions/campaigns/_prepare_campaign.sql', '549297de9d4e9900d59c039471f0d4799406153dd83f6bc6ccd08a614e6834a1', '16b580a888ae29d7d5c9e7924933b67c'),
	('trigger', 'announce_campaign on drip.campaigns', 'functions/campaigns/_apply_campaign_status.sql', '76ac2caa6e4f3ea5b6fd61f9b379d7ed72fb82fdbba0122bdaf91be0a6339e1c', 'e9622927dedd2941b4eabd5e10f10faa'),
	('trigger', 'apply_campaign_status on drip.campaigns', 'functions/campaigns/_apply_campaign_status.sql', '76ac2caa6e4f3ea5b6fd61f9b379d7ed72fb82fdbba0122bdaf91be0a6339e1c', '368a65344dfcc0bbca19df7e2f2f4b0f'),
	('trigger', 'leads_announce_update on drip.leads', 'functions/leads/_guard_leads.sql', '657e7a07470945550a08052253e87473f6ec21ab124d27c2b59ca0914d23dca9', 'df5145e9373040bab1a8cc2618090948'),
	('trigger', 'leads_announce_insert on drip.leads', 'functions/leads/_guard_leads.sql', '657e7a07470945550a08052253e87473f6ec21ab124d27c2b59ca0914d23dca9', 'c47108af542f580573e7d476b6aca81a'),
	('trigger', 'leads_guard on drip.leads', 'functions/leads/_guard_leads.sql', '657e7a07470945550a08052253e87473f6ec21ab124d27c2b59ca0914d23dca9', '0869c9fd860ac80e4c92c7716ea0ef64'),
	('trigger', 'announce_step on drip.sequence_steps', 'functions/sequences/_prepare_step.sql', 'b5ad77f6132aa180f6e0262b6ecaf64a8d3de483381c9945b8ab852c458cb6e2', '6132a40fd8f0c76ea7fa95686d73843b'),
	('trigger', 'prepare_step on drip.sequence_steps', 'functions/sequences/_prepare_step.sql', 'b5ad77f6132aa180f6e0262b6ecaf64a8d3de483381c9945b8ab852c458cb6e2', '66494c6bdb9ace1317652101e6cbcabc'),
	('trigger', 'prepare_sequence on drip.sequences', 'functions/sequences/_prepare_sequence.sql', '08500c64a2aa9622c2797fc8b7fc17be55c892a29a09a4389384c73db9252e65', '66c80b3dec195ccb85490b6b1f92b66e'),
	('trigger', 'announce_sequence on drip.sequences', 'functions/sequences/_apply_sequence_status.sql', '71905f189e71b2c88b88658537d8eb3a213ae94d02b5408250106691a3468f3b', 'e9c77a7ed5eaa5e3c790f25c61aef2d3'),
	('trigger', 'apply_sequence_status on drip.sequences', 'functions/sequences/_apply_sequence_status.sql', '71905f189e71b2c88b88658537d8eb3a213ae94d02b5408250106691a3468f3b', 'e5202dc23e9f46f6e1f0d34c91e25c2c');


--
-- Data for Name: device_pacing; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.device_pacing VALUES
	(1, 2, '2026-03-02 01:30:00+00', '2026-03-02 01:30:00+00', '2026-03-02', 0, '2026-03-02 01:30:00+00', 2, 2, NULL, 0),
	(2, 2, '2026-03-02 01:30:00+00', '2026-03-02 01:30:00+00', '2026-03-02', 3, '2026-03-02 01:30:00+00', 3, 1, NULL, 0);


--
-- Data for Name: error_codes; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.error_codes VALUES
	('gowa', 'INVALID_JID', 'recipient', 'fail', NULL, true, 'the number is not on WhatsApp'),
	('gowa', 'VALIDATION_ERROR', 'recipient', 'fail', NULL, true, 'the gateway refused the call'),
	('gowa', 'DEVICE_NOT_FOUND', 'device', 'stop', NULL, false, 'the gateway has no such device'),
	('gowa', 'DEVICE_ID_REQUIRED', 'device', 'stop', NULL, false, 'the device names no instance'),
	('gowa', 'AUTHENTICATION_ERROR', 'device', 'stop', NULL, false, 'logged out or disconnected'),
	('gowa', 'WA_REACHOUT_TIMELOCK', 'recipient', 'retry', '24:00:00', true, 'WhatsApp allows no new chats from this number for a while'),
	('gowa', 'UPLOAD_MEDIA_ERROR', 'recipient', 'retry', '00:01:00', true, 'the gateway could not upload the media'),
	('gowa', 'INTERNAL_SERVER_ERROR', 'recipient', 'retry', '00:00:30', true, 'gateway error'),
	('gowa', 'GATEWAY_TIMEOUT', 'recipient', 'unknown', NULL, true, 'the gateway gave up waiting for WhatsApp'),
	('cloud_api', '130429', 'device', 'retry', '00:00:10', true, 'number throughput exceeded'),
	('cloud_api', '131056', 'recipient', 'retry', '00:00:04', true, 'pair rate limit'),
	('cloud_api', '4', 'account', 'retry', '00:05:00', true, 'application rate limit'),
	('cloud_api', '80007', 'account', 'retry', '00:05:00', true, 'account rate limit'),
	('cloud_api', '131048', 'device', 'stop', '06:00:00', true, 'spam rate limit on the number'),
	('cloud_api', '368', 'account', 'stop', NULL, false, 'account restricted'),
	('cloud_api', '131031', 'account', 'stop', NULL, false, 'account locked'),
	('cloud_api', '131064', 'device', 'stop', NULL, false, 'messaging limit cut'),
	('cloud_api', '131042', 'account', 'stop', NULL, false, 'payment problem'),
	('cloud_api', '131045', 'device', 'stop', NULL, false, 'bad certificate'),
	('cloud_api', '133010', 'device', 'stop', NULL, false, 'number not registered'),
	('cloud_api', '33', 'device', 'stop', NULL, false, 'number deleted'),
	('cloud_api', '131037', 'device', 'stop', NULL, false, 'display name not approved'),
	('cloud_api', '190', 'device', 'stop', NULL, false, 'access token expired'),
	('cloud_api', '0', 'device', 'stop', NULL, false, 'authentication failed'),
	('cloud_api', '10', 'device', 'stop', NULL, false, 'permission missing'),
	('cloud_api', '131005', 'device', 'stop', NULL, false, 'permission missing'),
	('cloud_api', '3', 'device', 'stop', NULL, false, 'permission missing'),
	('cloud_api', '131049', 'recipient', 'retry', '24:00:00', true, 'marketing cap of the user'),
	('cloud_api', '131050', 'recipient', 'opt_out', NULL, true, 'the user stopped marketing'),
	('cloud_api', '131026', 'recipient', 'fail', NULL, true, 'undeliverable'),
	('cloud_api', '130472', 'recipient', 'fail', NULL, true, 'the user is in an experiment'),
	('cloud_api', '131047', 'recipient', 'fail', NULL, true, 'outside the 24 hour window'),
	('cloud_api', '131021', 'recipient', 'fail', NULL, true, 'sender and recipient are the same'),
	('cloud_api', '131030', 'recipient', 'fail', NULL, true, 'not in the test allow-list'),
	('cloud_api', '130497', 'recipient', 'fail', NULL, true, 'country restricted'),
	('cloud_api', '131051', 'recipient', 'fail', NULL, true, 'unsupported message type'),
	('cloud_api', '100', 'recipient', 'fail', NULL, true, 'invalid parameter'),
	('cloud_api', '131008', 'recipient', 'fail', NULL, true, 'parameter missing'),
	('cloud_api', '131009', 'recipient', 'fail', NULL, true, 'parameter value invalid'),
	('cloud_api', '135000', 'recipient', 'fail', NULL, true, 'message undeliverable as built'),
	('cloud_api', '131052', 'recipient', 'retry', '00:01:00', true, 'media download failed'),
	('cloud_api', '131053', 'recipient', 'retry', '00:01:00', true, 'media upload failed'),
	('cloud_api', '132000', 'recipient', 'fail', NULL, true, 'template parameters do not match'),
	('cloud_api', '132001', 'recipient', 'fail', NULL, true, 'template does not exist'),
	('cloud_api', '132005', 'recipient', 'fail', NULL, true, 'template text too long'),
	('cloud_api', '132007', 'recipient', 'fail', NULL, true, 'template content violates policy'),
	('cloud_api', '132012', 'recipient', 'fail', NULL, true, 'template parameter format wrong'),
	('cloud_api', '132015', 'recipient', 'fail', NULL, true, 'template paused'),
	('cloud_api', '132016', 'recipient', 'fail', NULL, true, 'template disabled'),
	('cloud_api', '2', 'recipient', 'retry', '00:00:30', true, 'temporary'),
	('cloud_api', '133004', 'recipient', 'retry', '00:00:30', true, 'temporary'),
	('cloud_api', '131016', 'recipient', 'retry', '00:00:30', true, 'temporary'),
	('cloud_api', '131057', 'device', 'retry', '00:02:00', true, 'account in maintenance'),
	('cloud_api', '2494100', 'device', 'retry', '00:02:00', true, 'account in maintenance'),
	('cloud_api', '131000', 'recipient', 'unknown', NULL, true, 'something went wrong'),
	('cloud_api', '1', 'recipient', 'unknown', NULL, true, 'something went wrong');


--
-- Data for Name: greetings; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.greetings OVERRIDING SYSTEM VALUE VALUES
	(1, NULL, 'en', 0, 12, 'Good morning'),
	(2, NULL, 'en', 12, 18, 'Good afternoon'),
	(3, NULL, 'en', 18, 24, 'Good evening'),
	(4, NULL, 'ms', 0, 12, 'Selamat pagi'),
	(5, NULL, 'ms', 12, 14, 'Selamat tengah hari'),
	(6, NULL, 'ms', 14, 19, 'Selamat petang'),
	(7, NULL, 'ms', 19, 24, 'Selamat malam'),
	(8, NULL, 'id', 0, 11, 'Selamat pagi'),
	(9, NULL, 'id', 11, 15, 'Selamat siang'),
	(10, NULL, 'id', 15, 18, 'Selamat sore'),
	(11, NULL, 'id', 18, 24, 'Selamat malam'),
	(12, 2, 'ms', 0, 12, 'Selamat pagi');


--
-- Data for Name: guards; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.guards VALUES
	('has_paid', NULL, '2026-03-02 01:30:00+00');


--
-- Data for Name: inbound_messages; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.inbound_messages OVERRIDING SYSTEM VALUE VALUES
	(1, 2, 2, 1, 'in-1', '+60123456700', 'Thanks', 'text', '2026-03-02 01:30:00+00');


--
-- Data for Name: installed_parts; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.installed_parts VALUES
	('procrastinate', '3.10.0', 'library', '2026-11-20 12:14:47.736797+00'),
	('pgmq', '1.13.0', 'library', '2026-11-20 12:14:47.736797+00');


--
-- Data for Name: lead_aliases; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.lead_aliases VALUES
	(2, 'gowa', 'lid-1', 1, '2026-03-02 01:30:00+00'),
	(2, 'gowa', 'lid-2', 2, '2026-03-02 01:30:00+00');


--
-- Data for Name: leads; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.leads OVERRIDING SYSTEM VALUE VALUES
	(1, 2, NULL, '+60123456700', 'Lead 0', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(2, 2, NULL, '+60123456701', 'Lead 1', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(3, 2, NULL, '+60123456702', 'Lead 2', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(4, 2, NULL, '+60123456703', 'Lead 3', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(5, 2, NULL, '+60123456704', 'Lead 4', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(6, 2, NULL, '+60123456705', 'Lead 5', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(7, 2, NULL, '+60123456706', 'Lead 6', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(8, 2, NULL, '+60123456707', 'Lead 7', 'fitness', NULL, 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(9, 2, NULL, '+60123456708', 'Lead 8', 'fitness', 'other', 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(10, 2, NULL, '+60123456709', 'Lead 9', 'fitness', 'other', 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(12, 2, NULL, '+60123456711', 'Lead 11', 'fitness', 'other', 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(13, 2, NULL, '+60129999991', NULL, NULL, NULL, 'prospect', NULL, NULL, NULL, '{}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(14, 2, NULL, '+60129999992', NULL, NULL, NULL, 'prospect', NULL, NULL, NULL, '{}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(11, 2, NULL, '+60123456710', 'Lead 10', 'fitness', 'other', 'prospect', NULL, NULL, NULL, '{"city": "Ipoh"}', 'infinity', NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(15, 2, NULL, '+60128888888', NULL, NULL, NULL, 'prospect', NULL, NULL, NULL, '{}', NULL, NULL, NULL, false, '{}', '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00');


--
-- Data for Name: message_attempts; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.message_attempts VALUES
	(39, 1, 2, 1, 'first worker', '2026-03-02 01:30:00+00', 0.000, NULL, NULL, NULL, NULL, NULL),
	(1, 1, 2, 2, 'first worker', '2026-03-02 01:30:00+00', 0.000, '2026-03-02 01:30:00+00', 'accepted', NULL, NULL, 'first'),
	(4, 1, 2, 2, 'first worker', '2026-03-02 01:30:00+00', 0.000, '2026-03-02 01:30:00+00', 'accepted', NULL, NULL, 'second'),
	(7, 1, 2, 2, 'first worker', '2026-03-02 01:30:00+00', 0.000, '2026-03-02 01:30:00+00', 'unknown', '504', NULL, NULL),
	(10, 1, 2, 1, 'first worker', '2026-03-02 01:30:00+00', 0.000, '2026-03-02 01:30:00+00', 'retry', '500', 'oops', NULL),
	(13, 1, 2, 1, 'first worker', '2026-03-02 01:30:00+00', 0.000, '2026-03-02 01:30:00+00', 'permanent', '400', 'no', NULL);


--
-- Data for Name: private_settings; Type: TABLE DATA; Schema: drip; Owner: postgres
--



--
-- Data for Name: receipts; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.receipts OVERRIDING SYSTEM VALUE VALUES
	(1, 2, 2, 'gowa', 'first', 'delivered', NULL, '2026-03-02 01:30:00+00', 1, NULL, NULL, NULL);


--
-- Data for Name: regions; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.regions VALUES
	('AC', '247', NULL, '00', '{5}', '{5}'),
	('AD', '376', NULL, '00', '{6,9}', '{6,9}'),
	('AE', '971', '0', '00', '{8,9}', '{9}'),
	('AF', '93', '0', '00', '{9}', '{9}'),
	('AG', '1', '1', '011', '{10}', '{10}'),
	('AI', '1', '1', '011', '{10}', '{10}'),
	('AL', '355', '0', '00', '{8,9}', '{9}'),
	('AM', '374', '0', '00', '{8}', '{8}'),
	('AO', '244', NULL, '00', '{9}', '{9}'),
	('AR', '54', '0', '00', '{10,11}', '{10,11}'),
	('AS', '1', '1', '011', '{10}', '{10}'),
	('AT', '43', '0', '00', '{4,5,6,7,8,9,10,11,12,13}', '{7,8,9,10,11,12,13}'),
	('AU', '61', '0', '0011', '{9}', '{9}'),
	('AW', '297', NULL, '00', '{7}', '{7}'),
	('AX', '358', '0', '00', '{6,7,8,9,10}', '{6,7,8,9,10}'),
	('AZ', '994', '0', '00', '{9}', '{9}'),
	('BA', '387', '0', '00', '{8,9}', '{8,9}'),
	('BB', '1', '1', '011', '{10}', '{10}'),
	('BD', '880', '0', '00', '{6,7,8,9,10}', '{10}'),
	('BE', '32', '0', '00', '{8,9}', '{9}'),
	('BF', '226', NULL, '00', '{8}', '{8}'),
	('BG', '359', '0', '00', '{6,7,8,9}', '{8,9}'),
	('BH', '973', NULL, '00', '{8}', '{8}'),
	('BI', '257', NULL, '00', '{8}', '{8}'),
	('BJ', '229', NULL, '00', '{10}', '{10}'),
	('BL', '590', '0', '00', '{9}', '{9}'),
	('BM', '1', '1', '011', '{10}', '{10}'),
	('BN', '673', NULL, '00', '{7}', '{7}'),
	('BO', '591', '0', '00', '{8}', '{8}'),
	('BQ', '599', NULL, '00', '{7}', '{7}'),
	('BR', '55', '0', '00', '{10,11}', '{10,11}'),
	('BS', '1', '1', '011', '{10}', '{10}'),
	('BT', '975', NULL, '00', '{7,8}', '{8}'),
	('BW', '267', NULL, '00', '{7,8}', '{8}'),
	('BY', '375', '80', NULL, '{9}', '{9}'),
	('BZ', '501', NULL, '00', '{7}', '{7}'),
	('CA', '1', '1', '011', '{10}', '{10}'),
	('CC', '61', '0', '0011', '{9}', '{9}'),
	('CD', '243', '0', '00', '{7,8,9,10}', '{7,9}'),
	('CF', '236', NULL, '00', '{8}', '{8}'),
	('CG', '242', NULL, '00', '{9}', '{9}'),
	('CH', '41', '0', '00', '{9}', '{9}'),
	('CI', '225', NULL, '00', '{10}', '{10}'),
	('CK', '682', NULL, '00', '{5}', '{5}'),
	('CL', '56', NULL, NULL, '{9}', '{9}'),
	('CM', '237', NULL, '00', '{9}', '{9}'),
	('CN', '86', '0', '00', '{7,8,9,10,11}', '{11}'),
	('CO', '57', '0', '00', '{8,10}', '{10}'),
	('CR', '506', NULL, '00', '{8}', '{8}'),
	('CU', '53', '0', '119', '{6,7,8,10}', '{8}'),
	('CV', '238', NULL, '0', '{7}', '{7}'),
	('CW', '599', NULL, '00', '{7,8}', '{7,8}'),
	('CX', '61', '0', '0011', '{9}', '{9}'),
	('CY', '357', NULL, '00', '{8}', '{8}'),
	('CZ', '420', NULL, '00', '{9}', '{9}'),
	('DE', '49', '0', '00', '{5,6,7,8,9,10,11,12,13,14,15}', '{10,11}'),
	('DJ', '253', NULL, '00', '{8}', '{8}'),
	('DK', '45', NULL, '00', '{8}', '{8}'),
	('DM', '1', '1', '011', '{10}', '{10}'),
	('DO', '1', '1', '011', '{10}', '{10}'),
	('DZ', '213', '0', '00', '{8,9}', '{9}'),
	('EC', '593', '0', '00', '{8,9}', '{9}'),
	('EE', '372', NULL, '00', '{7,8}', '{7,8}'),
	('EG', '20', '0', '00', '{8,9,10}', '{10}'),
	('EH', '212', '0', '00', '{9}', '{9}'),
	('ER', '291', '0', '00', '{7}', '{7}'),
	('ES', '34', NULL, '00', '{9}', '{9}'),
	('ET', '251', '0', '00', '{9}', '{9}'),
	('FI', '358', '0', '00', '{5,6,7,8,9,10}', '{6,7,8,9,10}'),
	('FJ', '679', NULL, '00', '{7}', '{7}'),
	('FK', '500', NULL, '00', '{5}', '{5}'),
	('FM', '691', NULL, '00', '{7}', '{7}'),
	('FO', '298', NULL, '00', '{6}', '{6}'),
	('FR', '33', '0', '00', '{9}', '{9}'),
	('GA', '241', NULL, '00', '{7,8}', '{7,8}'),
	('GB', '44', '0', '00', '{9,10}', '{10}'),
	('GD', '1', '1', '011', '{10}', '{10}'),
	('GE', '995', '0', '00', '{9}', '{9}'),
	('GF', '594', '0', '00', '{9}', '{9}'),
	('GG', '44', '0', '00', '{10}', '{10}'),
	('GH', '233', '0', '00', '{9}', '{9}'),
	('GI', '350', NULL, '00', '{8}', '{8}'),
	('GL', '299', NULL, '00', '{6}', '{6}'),
	('GM', '220', NULL, '00', '{7,9}', '{7,9}'),
	('GN', '224', NULL, '00', '{8,9}', '{9}'),
	('GP', '590', '0', '00', '{9}', '{9}'),
	('GQ', '240', NULL, '00', '{9}', '{9}'),
	('GR', '30', NULL, '00', '{10}', '{10}'),
	('GT', '502', NULL, '00', '{8}', '{8}'),
	('GU', '1', '1', '011', '{10}', '{10}'),
	('GW', '245', NULL, '00', '{9}', '{9}'),
	('GY', '592', NULL, '001', '{7}', '{7}'),
	('HK', '852', NULL, '00', '{8}', '{8}'),
	('HN', '504', NULL, '00', '{8}', '{8}'),
	('HR', '385', '0', '00', '{8,9}', '{8,9}'),
	('HT', '509', NULL, '00', '{8}', '{8}'),
	('HU', '36', '06', '00', '{8,9}', '{9}'),
	('ID', '62', '0', '00', '{7,8,9,10,11,12}', '{9,10,11,12}'),
	('IE', '353', '0', '00', '{7,8,9,10}', '{9}'),
	('IL', '972', '0', NULL, '{8,9,11,12}', '{9}');
INSERT INTO drip.regions VALUES
	('IM', '44', '0', '00', '{10}', '{10}'),
	('IN', '91', '0', '00', '{10}', '{10}'),
	('IO', '246', NULL, '00', '{7}', '{7}'),
	('IQ', '964', '0', '00', '{8,9,10}', '{10}'),
	('IR', '98', '0', '00', '{6,7,10}', '{10}'),
	('IS', '354', NULL, '00', '{7,9}', '{7,9}'),
	('IT', '39', NULL, '00', '{6,7,8,9,10,11,12}', '{9,10}'),
	('JE', '44', '0', '00', '{10}', '{10}'),
	('JM', '1', '1', '011', '{10}', '{10}'),
	('JO', '962', '0', '00', '{8,9}', '{9}'),
	('JP', '81', '0', '010', '{9,10}', '{10}'),
	('KE', '254', '0', '000', '{7,8,9}', '{9}'),
	('KG', '996', '0', '00', '{9}', '{9}'),
	('KH', '855', '0', '00', '{8,9}', '{8,9}'),
	('KI', '686', '0', '00', '{5,8}', '{8}'),
	('KM', '269', NULL, '00', '{7}', '{7}'),
	('KN', '1', '1', '011', '{10}', '{10}'),
	('KP', '850', '0', '00', '{8,10}', '{10}'),
	('KR', '82', '0', '00', '{5,6,8,9,10}', '{9,10}'),
	('KW', '965', NULL, '00', '{8}', '{8}'),
	('KY', '1', '1', '011', '{10}', '{10}'),
	('KZ', '7', '8', NULL, '{10}', '{10}'),
	('LA', '856', '0', '00', '{8,9,10}', '{9,10}'),
	('LB', '961', '0', '00', '{7,8}', '{7,8}'),
	('LC', '1', '1', '011', '{10}', '{10}'),
	('LI', '423', '0', '00', '{7,9}', '{7,9}'),
	('LK', '94', '0', '00', '{9}', '{9}'),
	('LR', '231', '0', '00', '{7,8,9}', '{7,9}'),
	('LS', '266', NULL, '00', '{8}', '{8}'),
	('LT', '370', '0', '00', '{8}', '{8}'),
	('LU', '352', NULL, '00', '{4,5,6,7,8,9,10,11}', '{9}'),
	('LV', '371', NULL, '00', '{8}', '{8}'),
	('LY', '218', '0', '00', '{9}', '{9}'),
	('MA', '212', '0', '00', '{9}', '{9}'),
	('MC', '377', '0', '00', '{8,9}', '{8,9}'),
	('MD', '373', '0', '00', '{8}', '{8}'),
	('ME', '382', '0', '00', '{8}', '{8}'),
	('MF', '590', '0', '00', '{9}', '{9}'),
	('MG', '261', '0', '00', '{9}', '{9}'),
	('MH', '692', '1', '011', '{7}', '{7}'),
	('MK', '389', '0', '00', '{8}', '{8}'),
	('ML', '223', NULL, '00', '{8}', '{8}'),
	('MM', '95', '0', '00', '{6,7,8,9,10}', '{7,8,9,10}'),
	('MN', '976', '0', '001', '{8,9,10}', '{8}'),
	('MO', '853', NULL, '00', '{8}', '{8}'),
	('MP', '1', '1', '011', '{10}', '{10}'),
	('MQ', '596', '0', '00', '{9}', '{9}'),
	('MR', '222', NULL, '00', '{8}', '{8}'),
	('MS', '1', '1', '011', '{10}', '{10}'),
	('MT', '356', NULL, '00', '{8}', '{8}'),
	('MU', '230', NULL, '020', '{7,8}', '{8}'),
	('MV', '960', NULL, '00', '{7}', '{7}'),
	('MW', '265', '0', '00', '{7,9}', '{9}'),
	('MX', '52', NULL, '00', '{10}', '{10}'),
	('MY', '60', '0', '00', '{8,9,10}', '{9,10}'),
	('MZ', '258', NULL, '00', '{8,9}', '{9}'),
	('NA', '264', '0', '00', '{8,9}', '{9}'),
	('NC', '687', NULL, '00', '{6}', '{6}'),
	('NE', '227', NULL, '00', '{8}', '{8}'),
	('NF', '672', NULL, '00', '{6}', '{6}'),
	('NG', '234', '0', '009', '{10}', '{10}'),
	('NI', '505', NULL, '00', '{8}', '{8}'),
	('NL', '31', '0', '00', '{9,11}', '{9,11}'),
	('NO', '47', NULL, '00', '{8}', '{8}'),
	('NP', '977', '0', '00', '{8,10}', '{10}'),
	('NR', '674', NULL, '00', '{7}', '{7}'),
	('NU', '683', NULL, '00', '{4,7}', '{4,7}'),
	('NZ', '64', '0', '00', '{8,9,10}', '{8,9,10}'),
	('OM', '968', NULL, '00', '{8}', '{8}'),
	('PA', '507', NULL, '00', '{7,8}', '{7,8}'),
	('PE', '51', '0', '00', '{8,9}', '{9}'),
	('PF', '689', NULL, '00', '{8}', '{8}'),
	('PG', '675', NULL, '00', '{7,8}', '{8}'),
	('PH', '63', '0', '00', '{6,8,9,10}', '{10}'),
	('PK', '92', '0', '00', '{9,10}', '{10}'),
	('PL', '48', NULL, '00', '{7,9}', '{9}'),
	('PM', '508', '0', '00', '{6,9}', '{6,9}'),
	('PR', '1', '1', '011', '{10}', '{10}'),
	('PS', '970', '0', '00', '{8,9}', '{9}'),
	('PT', '351', NULL, '00', '{9}', '{9}'),
	('PW', '680', NULL, NULL, '{7}', '{7}'),
	('PY', '595', '0', '00', '{7,8,9}', '{9}'),
	('QA', '974', NULL, '00', '{8}', '{8}'),
	('RE', '262', '0', '00', '{9}', '{9}'),
	('RO', '40', '0', '00', '{6,9}', '{9}'),
	('RS', '381', '0', '00', '{7,8,9,10,11,12}', '{8,9,10}'),
	('RU', '7', '8', NULL, '{10}', '{10}'),
	('RW', '250', '0', '00', '{8,9}', '{9}'),
	('SA', '966', '0', '00', '{9}', '{9}'),
	('SB', '677', NULL, NULL, '{5,7}', '{5,7}'),
	('SC', '248', NULL, '00', '{7}', '{7}'),
	('SD', '249', '0', '00', '{9}', '{9}'),
	('SE', '46', '0', '00', '{7,8,9}', '{9}'),
	('SG', '65', NULL, NULL, '{8}', '{8}'),
	('SH', '290', NULL, '00', '{4,5}', '{5}'),
	('SI', '386', '0', '00', '{8}', '{8}'),
	('SJ', '47', NULL, '00', '{8}', '{8}'),
	('SK', '421', '0', '00', '{6,7,9}', '{9}'),
	('SL', '232', '0', '00', '{8}', '{8}'),
	('SM', '378', NULL, '00', '{8,10}', '{8}');
INSERT INTO drip.regions VALUES
	('SN', '221', NULL, '00', '{9}', '{9}'),
	('SO', '252', '0', '00', '{6,7,8,9}', '{7,8,9}'),
	('SR', '597', NULL, '00', '{6,7}', '{7}'),
	('SS', '211', '0', '00', '{9}', '{9}'),
	('ST', '239', NULL, '00', '{7}', '{7}'),
	('SV', '503', NULL, '00', '{8}', '{8}'),
	('SX', '1', '1', '011', '{10}', '{10}'),
	('SY', '963', '0', '00', '{8,9}', '{9}'),
	('SZ', '268', NULL, '00', '{8}', '{8}'),
	('TA', '290', NULL, '00', '{4}', '{4}'),
	('TC', '1', '1', '011', '{10}', '{10}'),
	('TD', '235', NULL, '00', '{8}', '{8}'),
	('TG', '228', NULL, '00', '{8}', '{8}'),
	('TH', '66', '0', '00', '{8,9}', '{9}'),
	('TJ', '992', NULL, NULL, '{9}', '{9}'),
	('TK', '690', NULL, '00', '{4,5,6,7}', '{4,5,6,7}'),
	('TL', '670', NULL, '00', '{7,8}', '{8}'),
	('TM', '993', '8', NULL, '{8}', '{8}'),
	('TN', '216', NULL, '00', '{8}', '{8}'),
	('TO', '676', NULL, '00', '{5,7}', '{7}'),
	('TR', '90', '0', '00', '{10}', '{10}'),
	('TT', '1', '1', '011', '{10}', '{10}'),
	('TV', '688', NULL, '00', '{5,6,7}', '{6,7}'),
	('TW', '886', '0', NULL, '{8,9}', '{9}'),
	('TZ', '255', '0', '00', '{9}', '{9}'),
	('UA', '380', '0', NULL, '{9}', '{9}'),
	('UG', '256', '0', '00', '{9}', '{9}'),
	('US', '1', '1', '011', '{10}', '{10}'),
	('UY', '598', '0', '00', '{8}', '{8}'),
	('UZ', '998', NULL, '00', '{9}', '{9}'),
	('VA', '39', NULL, '00', '{6,7,8,9,10,11}', '{9,10}'),
	('VC', '1', '1', '011', '{10}', '{10}'),
	('VE', '58', '0', '00', '{10}', '{10}'),
	('VG', '1', '1', '011', '{10}', '{10}'),
	('VI', '1', '1', '011', '{10}', '{10}'),
	('VN', '84', '0', '00', '{9,10}', '{9}'),
	('VU', '678', NULL, '00', '{5,7}', '{7}'),
	('WF', '681', NULL, '00', '{6}', '{6}'),
	('WS', '685', NULL, '0', '{5,6,7,10}', '{7,10}'),
	('XK', '383', '0', '00', '{8,9,10,11,12}', '{8}'),
	('YE', '967', '0', '00', '{7,8,9}', '{9}'),
	('YT', '262', '0', '00', '{9}', '{9}'),
	('ZA', '27', '0', '00', '{5,6,7,8,9}', '{5,6,7,8,9}'),
	('ZM', '260', '0', '00', '{9}', '{9}'),
	('ZW', '263', '0', '00', '{9}', '{9}');


--
-- Data for Name: sender_accounts; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.sender_accounts OVERRIDING SYSTEM VALUE VALUES
	(1, 2, 'portfolio', 'gowa', 250, 'online', NULL, NULL, NULL, NULL, '2026-03-02 01:30:00+00');


--
-- Data for Name: sequence_contacts; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.sequence_contacts OVERRIDING SYSTEM VALUE VALUES
	(6, 2, 1, 6, '', '{}', '+60123456705', 'Lead 5', 'cold_start', 1, 1, '2026-03-02 01:00:00+00', 1, 'funnel', 'pending', NULL, '2026-03-02 01:00:00+00', NULL),
	(7, 2, 2, 7, '', '{}', '+60123456706', 'Lead 6', 'warm_start', 1, 4, '2026-03-02 01:05:00+00', 1, NULL, 'pending', NULL, '2026-03-02 01:00:00+00', NULL),
	(8, 2, 2, 8, '', '{}', '+60123456707', 'Lead 7', 'warm_start', 1, 4, '2026-03-02 01:05:00+00', 2, NULL, 'pending', NULL, '2026-03-02 01:00:00+00', NULL),
	(9, 2, 2, 13, '', '{}', '+60129999991', NULL, 'warm_start', 1, 4, '2026-03-02 01:05:00+00', 1, NULL, 'pending', NULL, '2026-03-02 01:00:00+00', NULL),
	(10, 2, 2, 14, '', '{}', '+60129999992', NULL, 'warm_start', 1, 4, '2026-03-02 01:05:00+00', 2, NULL, 'pending', NULL, '2026-03-02 01:00:00+00', NULL),
	(1, 2, 1, 1, '', '{}', '+60123456700', 'Lead 0', 'cold_start', 1, 1, '2026-03-03 01:30:00+00', 2, 'funnel', 'sent', NULL, '2026-03-02 01:00:00+00', NULL),
	(2, 2, 1, 2, '', '{}', '+60123456701', 'Lead 1', 'cold_start', 1, 1, '2026-03-03 01:30:00+00', 2, 'funnel', 'sent', NULL, '2026-03-02 01:00:00+00', NULL),
	(3, 2, 1, 3, '', '{}', '+60123456702', 'Lead 2', 'cold_start', 1, 1, '2026-03-03 01:30:00+00', 2, 'funnel', 'active', NULL, '2026-03-02 01:00:00+00', NULL),
	(4, 2, 1, 4, '', '{}', '+60123456703', 'Lead 3', 'cold_start', 1, 1, '2026-03-02 01:00:00+00', 1, 'funnel', 'pending', NULL, '2026-03-02 01:00:00+00', NULL),
	(5, 2, 1, 5, '', '{}', '+60123456704', 'Lead 4', 'cold_start', 1, 1, '2026-03-03 01:30:00+00', 1, 'funnel', 'failed', NULL, '2026-03-02 01:00:00+00', NULL);


--
-- Data for Name: sequence_steps; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.sequence_steps OVERRIDING SYSTEM VALUE VALUES
	(1, 2, 1, 1, 'hello', 'cold_start', NULL, true, 24, NULL, 'text', 'Hi {name|there}, [[welcome|good to see you]]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(2, 2, 1, 2, 'menu', NULL, NULL, false, 24, NULL, 'image', NULL, 'https://example.com/menu.jpg', 'For {attributes.city|you}', NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(3, 2, 1, 3, 'last', NULL, 'warm_start', false, 24, NULL, 'text', 'Bye {name}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(4, 2, 2, 1, NULL, 'warm_start', NULL, true, 24, NULL, 'text', 'Stories', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(5, 2, 2, 2, NULL, NULL, NULL, false, 24, NULL, 'text', 'Invitation', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00');


--
-- Data for Name: sequences; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.sequences OVERRIDING SYSTEM VALUE VALUES
	(1, 2, 'COLD Sequence', NULL, 'cold_start', NULL, NULL, 'trigger', 'active', DEFAULT, NULL, NULL, '2026-03-02 01:00:00+00', false, '2026-03-02 01:00:00+00', 0, NULL, '00:00:00', NULL, NULL, NULL, false, NULL, NULL, 'marketing', false, true, NULL, 'funnel', NULL, 'continue', 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00'),
	(2, 2, 'WARM Sequence', NULL, 'warm_start', NULL, NULL, 'trigger', 'active', DEFAULT, NULL, NULL, '2026-03-02 01:00:00+00', false, '2026-03-02 01:00:00+00', 0, NULL, '00:05:00', NULL, NULL, NULL, false, NULL, NULL, 'marketing', false, true, NULL, NULL, NULL, 'continue', 2, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00');


--
-- Data for Name: stop_words; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.stop_words OVERRIDING SYSTEM VALUE VALUES
	(1, NULL, NULL, 'stop', 'all'),
	(2, NULL, NULL, 'unsubscribe', 'all'),
	(3, NULL, NULL, 'berhenti', 'all'),
	(4, NULL, NULL, 'batal', 'all'),
	(5, 2, 'ms', 'berhenti', 'all');


--
-- Data for Name: suppressions; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.suppressions OVERRIDING SYSTEM VALUE VALUES
	(1, 2, '+60123456711', 'all', 'asked on the phone', 'application', '2026-03-02 01:00:00+00');


--
-- Data for Name: sync_backlog; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.sync_backlog OVERRIDING SYSTEM VALUE VALUES
	(1, 6, '2026-03-02 01:30:00+00');


--
-- Data for Name: task_runs; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.task_runs VALUES
	('expire_leases', '2026-03-02 01:00:00+00', 1.8, 0, NULL, NULL),
	('end_unknown_holds', '2026-03-02 01:00:00+00', 0.5, 0, NULL, NULL),
	('expire_messages', '2026-03-02 01:00:00+00', 5.1, 0, NULL, NULL),
	('sync_enrollments', '2026-03-02 01:00:00+00', 0.4, 0, NULL, NULL),
	('end_pauses', '2026-03-02 01:00:00+00', 0.4, 0, NULL, NULL),
	('bind_devices', '2026-03-02 01:00:00+00', 0.7, 0, NULL, NULL),
	('fail_over', '2026-03-02 01:00:00+00', 1.1, 0, NULL, NULL),
	('enroll_matching_leads', '2026-03-02 01:00:00+00', 0.9, 0, NULL, NULL),
	('expand_campaigns', '2026-03-02 01:00:00+00', 3.2, 0, NULL, NULL),
	('complete_campaigns', '2026-03-02 01:00:00+00', 0.6, 0, NULL, NULL);


--
-- Data for Name: user_devices; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.user_devices OVERRIDING SYSTEM VALUE VALUES
	(1, 2, NULL, 'Counter', NULL, 'gowa', 'http://127.0.0.1:9', 'Counter', NULL, NULL, NULL, 'online', NULL, '2026-03-02 01:00:00+00', NULL, 0, 0, 20, true, NULL, NULL, NULL, NULL, NULL, 'hold', 'wait', '2026-03-02 01:00:00+00'),
	(2, 2, NULL, 'Branch', NULL, 'gowa', 'http://127.0.0.1:9', 'Branch', NULL, NULL, NULL, 'online', NULL, '2026-03-02 01:00:00+00', NULL, 0, 0, 20, true, NULL, NULL, NULL, NULL, NULL, 'hold', 'wait', '2026-03-02 01:00:00+00');


--
-- Data for Name: user_roles; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.user_roles VALUES
	('drip_app', 2, '2026-03-02 01:00:00+00'),
	('drip_reader', 2, '2026-03-02 01:00:00+00');


--
-- Data for Name: users; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.users OVERRIDING SYSTEM VALUE VALUES
	(1, 'default', NULL, 'UTC', NULL, 'en', NULL, NULL, NULL, NULL, '7 days', NULL, '24:00:00', 0.5, 20, true, '2026-11-20 12:14:47.736797+00'),
	(2, 'shop', 'shop@example.com', 'Asia/Kuala_Lumpur', 'MY', 'en', NULL, NULL, NULL, NULL, '7 days', NULL, '24:00:00', 0.5, 20, true, '2026-03-02 01:00:00+00');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: drip; Owner: postgres
--

INSERT INTO drip.workers VALUES
	('first worker', '0.1.0', 20, '2026-03-02 01:00:00+00', '2026-03-02 01:00:00+00', NULL);


--
-- Data for Name: meta; Type: TABLE DATA; Schema: pgmq; Owner: postgres
--



--
-- Data for Name: notify_insert_throttle; Type: TABLE DATA; Schema: pgmq; Owner: postgres
--



--
-- Data for Name: topic_bindings; Type: TABLE DATA; Schema: pgmq; Owner: postgres
--



--
-- Data for Name: procrastinate_events; Type: TABLE DATA; Schema: procrastinate; Owner: postgres
--



--
-- Data for Name: procrastinate_jobs; Type: TABLE DATA; Schema: procrastinate; Owner: postgres
--



--
-- Data for Name: procrastinate_periodic_defers; Type: TABLE DATA; Schema: procrastinate; Owner: postgres
--



--
-- Data for Name: procrastinate_workers; Type: TABLE DATA; Schema: procrastinate; Owner: postgres
--



--
-- Name: audit_log_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.audit_log_id_seq', 8, true);


--
-- Name: broadcast_messages_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.broadcast_messages_id_seq', 39, true);


--
-- Name: campaigns_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.campaigns_id_seq', 1, true);


--
-- Name: greetings_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.greetings_id_seq', 12, true);


--
-- Name: inbound_messages_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.inbound_messages_id_seq', 1, true);


--
-- Name: leads_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.leads_id_seq', 15, true);


--
-- Name: receipts_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.receipts_id_seq', 1, true);


--
-- Name: sender_accounts_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.sender_accounts_id_seq', 1, true);


--
-- Name: sequence_contacts_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.sequence_contacts_id_seq', 10, true);


--
-- Name: sequence_steps_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.sequence_steps_id_seq', 5, true);


--
-- Name: sequences_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.sequences_id_seq', 2, true);


--
-- Name: stop_words_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.stop_words_id_seq', 5, true);


--
-- Name: suppressions_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.suppressions_id_seq', 1, true);


--
-- Name: sync_backlog_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.sync_backlog_id_seq', 1, true);


--
-- Name: user_devices_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.user_devices_id_seq', 2, true);


--
-- Name: users_id_seq; Type: SEQUENCE SET; Schema: drip; Owner: postgres
--

SELECT pg_catalog.setval('drip.users_id_seq', 2, true);


--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE SET; Schema: procrastinate; Owner: postgres
--

SELECT pg_catalog.setval('procrastinate.procrastinate_events_id_seq', 1, false);


--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE SET; Schema: procrastinate; Owner: postgres
--

SELECT pg_catalog.setval('procrastinate.procrastinate_jobs_id_seq', 1, false);


--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE SET; Schema: procrastinate; Owner: postgres
--

SELECT pg_catalog.setval('procrastinate.procrastinate_periodic_defers_id_seq', 1, false);


--
-- Name: procrastinate_workers_id_seq; Type: SEQUENCE SET; Schema: procrastinate; Owner: postgres
--

SELECT pg_catalog.setval('procrastinate.procrastinate_workers_id_seq', 1, false);


--
-- Name: account_reach account_reach_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.account_reach
    ADD CONSTRAINT account_reach_pkey PRIMARY KEY (account_id, lead_id);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: audiences audiences_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.audiences
    ADD CONSTRAINT audiences_pkey PRIMARY KEY (name);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);


--
-- Name: broadcast_messages broadcast_messages_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.broadcast_messages
    ADD CONSTRAINT broadcast_messages_pkey PRIMARY KEY (id);


--
-- Name: campaigns campaigns_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (id);


--
-- Name: campaigns campaigns_tenant; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.campaigns
    ADD CONSTRAINT campaigns_tenant UNIQUE (id, user_id);


--
-- Name: campaigns campaigns_title_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.campaigns
    ADD CONSTRAINT campaigns_title_unique UNIQUE (user_id, title);


--
-- Name: code_objects code_objects_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.code_objects
    ADD CONSTRAINT code_objects_pkey PRIMARY KEY (kind, identity);


--
-- Name: device_pacing device_pacing_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.device_pacing
    ADD CONSTRAINT device_pacing_pkey PRIMARY KEY (device_id);


--
-- Name: error_codes error_codes_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.error_codes
    ADD CONSTRAINT error_codes_pkey PRIMARY KEY (platform, code);


--
-- Name: greetings greetings_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.greetings
    ADD CONSTRAINT greetings_pkey PRIMARY KEY (id);


--
-- Name: greetings greetings_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.greetings
    ADD CONSTRAINT greetings_unique UNIQUE NULLS NOT DISTINCT (user_id, language, from_hour);


--
-- Name: guards guards_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.guards
    ADD CONSTRAINT guards_pkey PRIMARY KEY (name);


--
-- Name: inbound_messages inbound_messages_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.inbound_messages
    ADD CONSTRAINT inbound_messages_pkey PRIMARY KEY (id);


--
-- Name: inbound_messages inbound_messages_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.inbound_messages
    ADD CONSTRAINT inbound_messages_unique UNIQUE (user_id, device_id, provider_message_id);


--
-- Name: installed_parts installed_parts_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.installed_parts
    ADD CONSTRAINT installed_parts_pkey PRIMARY KEY (name);


--
-- Name: lead_aliases lead_aliases_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.lead_aliases
    ADD CONSTRAINT lead_aliases_pkey PRIMARY KEY (user_id, platform, provider_id);


--
-- Name: leads leads_external_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.leads
    ADD CONSTRAINT leads_external_unique UNIQUE (user_id, external_id);


--
-- Name: leads leads_phone_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.leads
    ADD CONSTRAINT leads_phone_unique UNIQUE (user_id, phone);


--
-- Name: leads leads_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.leads
    ADD CONSTRAINT leads_pkey PRIMARY KEY (id);


--
-- Name: leads leads_tenant; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.leads
    ADD CONSTRAINT leads_tenant UNIQUE (id, user_id);


--
-- Name: message_attempts message_attempts_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.message_attempts
    ADD CONSTRAINT message_attempts_pkey PRIMARY KEY (message_id, attempt);


--
-- Name: private_settings private_settings_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.private_settings
    ADD CONSTRAINT private_settings_pkey PRIMARY KEY (name);


--
-- Name: receipts receipts_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (id);


--
-- Name: regions regions_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.regions
    ADD CONSTRAINT regions_pkey PRIMARY KEY (region);


--
-- Name: sender_accounts sender_accounts_name_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sender_accounts
    ADD CONSTRAINT sender_accounts_name_unique UNIQUE (user_id, name);


--
-- Name: sender_accounts sender_accounts_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sender_accounts
    ADD CONSTRAINT sender_accounts_pkey PRIMARY KEY (id);


--
-- Name: sender_accounts sender_accounts_tenant; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sender_accounts
    ADD CONSTRAINT sender_accounts_tenant UNIQUE (id, user_id);


--
-- Name: sequence_contacts sequence_contacts_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_contacts
    ADD CONSTRAINT sequence_contacts_pkey PRIMARY KEY (id);


--
-- Name: sequence_contacts sequence_contacts_tenant; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_contacts
    ADD CONSTRAINT sequence_contacts_tenant UNIQUE (id, user_id);


--
-- Name: sequence_steps sequence_steps_name_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_steps
    ADD CONSTRAINT sequence_steps_name_unique UNIQUE (sequence_id, name);


--
-- Name: sequence_steps sequence_steps_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_steps
    ADD CONSTRAINT sequence_steps_pkey PRIMARY KEY (id);


--
-- Name: sequence_steps sequence_steps_position_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_steps
    ADD CONSTRAINT sequence_steps_position_unique UNIQUE (sequence_id, day_number) DEFERRABLE;


--
-- Name: sequence_steps sequence_steps_tenant; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_steps
    ADD CONSTRAINT sequence_steps_tenant UNIQUE (id, user_id);


--
-- Name: sequences sequences_name_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequences
    ADD CONSTRAINT sequences_name_unique UNIQUE (user_id, name);


--
-- Name: sequences sequences_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequences
    ADD CONSTRAINT sequences_pkey PRIMARY KEY (id);


--
-- Name: sequences sequences_tenant; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequences
    ADD CONSTRAINT sequences_tenant UNIQUE (id, user_id);


--
-- Name: stop_words stop_words_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.stop_words
    ADD CONSTRAINT stop_words_pkey PRIMARY KEY (id);


--
-- Name: stop_words stop_words_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.stop_words
    ADD CONSTRAINT stop_words_unique UNIQUE NULLS NOT DISTINCT (user_id, language, word);


--
-- Name: suppressions suppressions_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.suppressions
    ADD CONSTRAINT suppressions_pkey PRIMARY KEY (id);


--
-- Name: suppressions suppressions_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.suppressions
    ADD CONSTRAINT suppressions_unique UNIQUE (user_id, phone, category);


--
-- Name: sync_backlog sync_backlog_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sync_backlog
    ADD CONSTRAINT sync_backlog_pkey PRIMARY KEY (id);


--
-- Name: task_runs task_runs_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.task_runs
    ADD CONSTRAINT task_runs_pkey PRIMARY KEY (name);


--
-- Name: user_devices user_devices_name_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.user_devices
    ADD CONSTRAINT user_devices_name_unique UNIQUE (user_id, name);


--
-- Name: user_devices user_devices_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.user_devices
    ADD CONSTRAINT user_devices_pkey PRIMARY KEY (id);


--
-- Name: user_devices user_devices_tenant; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.user_devices
    ADD CONSTRAINT user_devices_tenant UNIQUE (id, user_id);


--
-- Name: user_roles user_roles_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.user_roles
    ADD CONSTRAINT user_roles_pkey PRIMARY KEY (role_name, user_id);


--
-- Name: users users_name_unique; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.users
    ADD CONSTRAINT users_name_unique UNIQUE (name);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: workers workers_pkey; Type: CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (name);


--
-- Name: meta meta_queue_name_key; Type: CONSTRAINT; Schema: pgmq; Owner: postgres
--

ALTER TABLE ONLY pgmq.meta
    ADD CONSTRAINT meta_queue_name_key UNIQUE (queue_name);


--
-- Name: notify_insert_throttle notify_insert_throttle_queue_name_key; Type: CONSTRAINT; Schema: pgmq; Owner: postgres
--

ALTER TABLE ONLY pgmq.notify_insert_throttle
    ADD CONSTRAINT notify_insert_throttle_queue_name_key UNIQUE (queue_name);


--
-- Name: topic_bindings topic_bindings_unique_pattern_queue; Type: CONSTRAINT; Schema: pgmq; Owner: postgres
--

ALTER TABLE ONLY pgmq.topic_bindings
    ADD CONSTRAINT topic_bindings_unique_pattern_queue UNIQUE (pattern, queue_name);


--
-- Name: procrastinate_events procrastinate_events_pkey; Type: CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);


--
-- Name: procrastinate_jobs procrastinate_jobs_pkey; Type: CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);


--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_pkey; Type: CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);


--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_unique; Type: CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);


--
-- Name: procrastinate_workers procrastinate_workers_pkey; Type: CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);


--
-- Name: account_reach_time_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX account_reach_time_idx ON drip.account_reach USING btree (account_id, last_sent_at);


--
-- Name: audit_log_subject_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX audit_log_subject_idx ON drip.audit_log USING btree (subject_kind, subject_id);


--
-- Name: broadcast_messages_campaign_open_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX broadcast_messages_campaign_open_idx ON drip.broadcast_messages USING btree (campaign_id) WHERE ((campaign_id IS NOT NULL) AND (status = 'pending'::text));


--
-- Name: broadcast_messages_campaign_unique; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE UNIQUE INDEX broadcast_messages_campaign_unique ON drip.broadcast_messages USING btree (campaign_id, lead_id) WHERE (campaign_id IS NOT NULL);


--
-- Name: broadcast_messages_expiry_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX broadcast_messages_expiry_idx ON drip.broadcast_messages USING btree (expires_at) WHERE ((status = 'pending'::text) AND (expires_at IS NOT NULL));


--
-- Name: broadcast_messages_idempotency_unique; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE UNIQUE INDEX broadcast_messages_idempotency_unique ON drip.broadcast_messages USING btree (user_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);


--
-- Name: broadcast_messages_lead_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX broadcast_messages_lead_idx ON drip.broadcast_messages USING btree (lead_id, id);


--
-- Name: broadcast_messages_loose_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX broadcast_messages_loose_idx ON drip.broadcast_messages USING btree (id) WHERE ((status = 'pending'::text) AND (device_id IS NULL));


--
-- Name: broadcast_messages_processing_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX broadcast_messages_processing_idx ON drip.broadcast_messages USING btree (device_id) WHERE (status = 'processing'::text);


--
-- Name: broadcast_messages_queue_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX broadcast_messages_queue_idx ON drip.broadcast_messages USING btree (device_id, priority, due_at, id) WHERE (status = 'pending'::text);


--
-- Name: broadcast_messages_step_unique; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE UNIQUE INDEX broadcast_messages_step_unique ON drip.broadcast_messages USING btree (sequence_contact_id, sequence_stepid) WHERE (sequence_contact_id IS NOT NULL);


--
-- Name: broadcast_messages_unknown_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX broadcast_messages_unknown_idx ON drip.broadcast_messages USING btree (user_id, finished_at) WHERE (status = 'unknown'::text);


--
-- Name: campaigns_open_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX campaigns_open_idx ON drip.campaigns USING btree (status, scheduled_at) WHERE (status = ANY (ARRAY['pending'::text, 'triggered'::text]));


--
-- Name: leads_device_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX leads_device_idx ON drip.leads USING btree (device_id) WHERE (device_id IS NOT NULL);


--
-- Name: leads_enroll_check_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX leads_enroll_check_idx ON drip.leads USING btree (id) WHERE enroll_check;


--
-- Name: leads_paused_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX leads_paused_idx ON drip.leads USING btree (paused_until) WHERE (paused_until IS NOT NULL);


--
-- Name: leads_trigger_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX leads_trigger_idx ON drip.leads USING btree (user_id) WHERE (trigger IS NOT NULL);


--
-- Name: receipts_unmatched_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX receipts_unmatched_idx ON drip.receipts USING btree (platform, provider_message_id) WHERE (message_id IS NULL);


--
-- Name: regions_calling_code_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX regions_calling_code_idx ON drip.regions USING btree (calling_code);


--
-- Name: sequence_contacts_exclusive_unique; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE UNIQUE INDEX sequence_contacts_exclusive_unique ON drip.sequence_contacts USING btree (user_id, lead_id, exclusive_group) WHERE ((exclusive_group IS NOT NULL) AND (status = ANY (ARRAY['pending'::text, 'active'::text, 'sent'::text, 'failed'::text, 'paused'::text])));


--
-- Name: sequence_contacts_lead_idx; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE INDEX sequence_contacts_lead_idx ON drip.sequence_contacts USING btree (lead_id, sequence_id);


--
-- Name: sequence_contacts_live_unique; Type: INDEX; Schema: drip; Owner: postgres
--

CREATE UNIQUE INDEX sequence_contacts_live_unique ON drip.sequence_contacts USING btree (sequence_id, lead_id, key) WHERE (status = ANY (ARRAY['pending'::text, 'active'::text, 'sent'::text, 'failed'::text, 'paused'::text]));


--
-- Name: idx_notify_throttle_active; Type: INDEX; Schema: pgmq; Owner: postgres
--

CREATE INDEX idx_notify_throttle_active ON pgmq.notify_insert_throttle USING btree (queue_name, last_notified_at) WHERE (throttle_interval_ms > 0);


--
-- Name: idx_topic_bindings_covering; Type: INDEX; Schema: pgmq; Owner: postgres
--

CREATE INDEX idx_topic_bindings_covering ON pgmq.topic_bindings USING btree (pattern) INCLUDE (queue_name, compiled_regex);


--
-- Name: idx_procrastinate_jobs_worker_not_null; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE INDEX idx_procrastinate_jobs_worker_not_null ON procrastinate.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::procrastinate.procrastinate_job_status));


--
-- Name: idx_procrastinate_workers_last_heartbeat; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE INDEX idx_procrastinate_workers_last_heartbeat ON procrastinate.procrastinate_workers USING btree (last_heartbeat);


--
-- Name: procrastinate_events_job_id_fkey_v1; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE INDEX procrastinate_events_job_id_fkey_v1 ON procrastinate.procrastinate_events USING btree (job_id);


--
-- Name: procrastinate_jobs_id_lock_idx_v1; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON procrastinate.procrastinate_jobs USING btree (id, lock) WHERE (status = ANY (ARRAY['todo'::procrastinate.procrastinate_job_status, 'doing'::procrastinate.procrastinate_job_status]));


--
-- Name: procrastinate_jobs_lock_idx_v1; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON procrastinate.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::procrastinate.procrastinate_job_status);


--
-- Name: procrastinate_jobs_priority_idx_v1; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE INDEX procrastinate_jobs_priority_idx_v1 ON procrastinate.procrastinate_jobs USING btree (priority DESC, id) WHERE (status = 'todo'::procrastinate.procrastinate_job_status);


--
-- Name: procrastinate_jobs_queue_name_idx_v1; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON procrastinate.procrastinate_jobs USING btree (queue_name);


--
-- Name: procrastinate_jobs_queueing_lock_idx_v1; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON procrastinate.procrastinate_jobs USING btree (queueing_lock) WHERE (status = 'todo'::procrastinate.procrastinate_job_status);


--
-- Name: procrastinate_periodic_defers_job_id_fkey_v1; Type: INDEX; Schema: procrastinate; Owner: postgres
--

CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON procrastinate.procrastinate_periodic_defers USING btree (job_id);


--
-- Name: campaigns announce_campaign; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER announce_campaign AFTER INSERT OR UPDATE OF status, scheduled_at ON drip.campaigns FOR EACH ROW WHEN (((new.status = ANY (ARRAY['pending'::text, 'triggered'::text])) AND (new.expanded_at IS NULL))) EXECUTE FUNCTION drip._announce_campaign();


--
-- Name: sequences announce_sequence; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER announce_sequence AFTER UPDATE ON drip.sequences FOR EACH ROW WHEN (((new.status = 'active'::text) AND (new.swept_at IS NULL) AND (new.swept_to_lead_id = 0))) EXECUTE FUNCTION drip._announce_sequence();


--
-- Name: sequence_steps announce_step; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER announce_step AFTER UPDATE OF trigger ON drip.sequence_steps FOR EACH ROW WHEN ((new.is_entry_point AND (new.trigger IS DISTINCT FROM old.trigger))) EXECUTE FUNCTION drip._announce_step();


--
-- Name: campaigns apply_campaign_status; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER apply_campaign_status AFTER UPDATE OF status ON drip.campaigns FOR EACH ROW WHEN ((new.status IS DISTINCT FROM old.status)) EXECUTE FUNCTION drip._apply_campaign_status();


--
-- Name: sequences apply_sequence_status; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER apply_sequence_status AFTER UPDATE OF status ON drip.sequences FOR EACH ROW WHEN ((new.status IS DISTINCT FROM old.status)) EXECUTE FUNCTION drip._apply_sequence_status();


--
-- Name: broadcast_messages broadcast_messages_owners; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER broadcast_messages_owners AFTER INSERT ON drip.broadcast_messages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION drip._check_message_owners();


--
-- Name: leads leads_announce_insert; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER leads_announce_insert AFTER INSERT ON drip.leads REFERENCING NEW TABLE AS changed_leads FOR EACH STATEMENT EXECUTE FUNCTION drip._announce_leads();


--
-- Name: TRIGGER leads_announce_insert ON leads; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TRIGGER leads_announce_insert ON drip.leads IS 'New leads with a trigger or a niche are enrolled within a second.';


--
-- Name: leads leads_announce_update; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER leads_announce_update AFTER UPDATE ON drip.leads REFERENCING NEW TABLE AS changed_leads FOR EACH STATEMENT EXECUTE FUNCTION drip._announce_leads();


--
-- Name: TRIGGER leads_announce_update ON leads; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TRIGGER leads_announce_update ON drip.leads IS 'Changed leads are enrolled within a second.';


--
-- Name: leads leads_guard; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER leads_guard BEFORE INSERT OR UPDATE ON drip.leads FOR EACH ROW EXECUTE FUNCTION drip._guard_leads();


--
-- Name: TRIGGER leads_guard ON leads; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TRIGGER leads_guard ON drip.leads IS 'Clean token lists; enroll_check is set when trigger, niche, target_status or device changes.';


--
-- Name: campaigns prepare_campaign; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER prepare_campaign BEFORE INSERT OR UPDATE ON drip.campaigns FOR EACH ROW EXECUTE FUNCTION drip._prepare_campaign();


--
-- Name: sequences prepare_sequence; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER prepare_sequence BEFORE INSERT OR UPDATE ON drip.sequences FOR EACH ROW EXECUTE FUNCTION drip._prepare_sequence();


--
-- Name: sequence_steps prepare_step; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER prepare_step BEFORE INSERT OR UPDATE ON drip.sequence_steps FOR EACH ROW EXECUTE FUNCTION drip._prepare_step();


--
-- Name: users users_guard; Type: TRIGGER; Schema: drip; Owner: postgres
--

CREATE TRIGGER users_guard BEFORE INSERT OR UPDATE OF time_zone, default_region ON drip.users FOR EACH ROW EXECUTE FUNCTION drip._guard_users();


--
-- Name: TRIGGER users_guard ON users; Type: COMMENT; Schema: drip; Owner: postgres
--

COMMENT ON TRIGGER users_guard ON drip.users IS 'DR001 for a time zone or a region that does not exist.';


--
-- Name: procrastinate_jobs procrastinate_jobs_notify_queue_job_aborted_v1; Type: TRIGGER; Schema: procrastinate; Owner: postgres
--

CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON procrastinate.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::procrastinate.procrastinate_job_status))) EXECUTE FUNCTION procrastinate.procrastinate_notify_queue_abort_job_v1();


--
-- Name: procrastinate_jobs procrastinate_jobs_notify_queue_job_inserted_v1; Type: TRIGGER; Schema: procrastinate; Owner: postgres
--

CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON procrastinate.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::procrastinate.procrastinate_job_status)) EXECUTE FUNCTION procrastinate.procrastinate_notify_queue_job_inserted_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_abort_requested_events_v1; Type: TRIGGER; Schema: procrastinate; Owner: postgres
--

CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON procrastinate.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested = true)) EXECUTE FUNCTION procrastinate.procrastinate_trigger_abort_requested_events_procedure_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_delete_jobs_v1; Type: TRIGGER; Schema: procrastinate; Owner: postgres
--

CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON procrastinate.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION procrastinate.procrastinate_unlink_periodic_defers_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_scheduled_events_v1; Type: TRIGGER; Schema: procrastinate; Owner: postgres
--

CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER INSERT OR UPDATE ON procrastinate.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::procrastinate.procrastinate_job_status))) EXECUTE FUNCTION procrastinate.procrastinate_trigger_function_scheduled_events_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_status_events_insert_v1; Type: TRIGGER; Schema: procrastinate; Owner: postgres
--

CREATE TRIGGER procrastinate_trigger_status_events_insert_v1 AFTER INSERT ON procrastinate.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::procrastinate.procrastinate_job_status)) EXECUTE FUNCTION procrastinate.procrastinate_trigger_function_status_events_insert_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_status_events_update_v1; Type: TRIGGER; Schema: procrastinate; Owner: postgres
--

CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON procrastinate.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION procrastinate.procrastinate_trigger_function_status_events_update_v1();


--
-- Name: audiences audiences_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.audiences
    ADD CONSTRAINT audiences_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: broadcast_messages broadcast_messages_campaign_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.broadcast_messages
    ADD CONSTRAINT broadcast_messages_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES drip.campaigns(id);


--
-- Name: broadcast_messages broadcast_messages_sequence_contact_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.broadcast_messages
    ADD CONSTRAINT broadcast_messages_sequence_contact_id_fkey FOREIGN KEY (sequence_contact_id) REFERENCES drip.sequence_contacts(id);


--
-- Name: campaigns campaigns_audience_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.campaigns
    ADD CONSTRAINT campaigns_audience_fkey FOREIGN KEY (audience) REFERENCES drip.audiences(name);


--
-- Name: campaigns campaigns_exclude_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.campaigns
    ADD CONSTRAINT campaigns_exclude_fkey FOREIGN KEY (exclude) REFERENCES drip.audiences(name);


--
-- Name: campaigns campaigns_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.campaigns
    ADD CONSTRAINT campaigns_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: greetings greetings_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.greetings
    ADD CONSTRAINT greetings_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: inbound_messages inbound_messages_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.inbound_messages
    ADD CONSTRAINT inbound_messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: lead_aliases lead_aliases_lead_tenant; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.lead_aliases
    ADD CONSTRAINT lead_aliases_lead_tenant FOREIGN KEY (user_id, lead_id) REFERENCES drip.leads(user_id, id);


--
-- Name: lead_aliases lead_aliases_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.lead_aliases
    ADD CONSTRAINT lead_aliases_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: leads leads_device_tenant; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.leads
    ADD CONSTRAINT leads_device_tenant FOREIGN KEY (user_id, device_id) REFERENCES drip.user_devices(user_id, id);


--
-- Name: leads leads_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.leads
    ADD CONSTRAINT leads_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: receipts receipts_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.receipts
    ADD CONSTRAINT receipts_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: sender_accounts sender_accounts_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sender_accounts
    ADD CONSTRAINT sender_accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: sequence_contacts sequence_contacts_lead_tenant; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_contacts
    ADD CONSTRAINT sequence_contacts_lead_tenant FOREIGN KEY (user_id, lead_id) REFERENCES drip.leads(user_id, id);


--
-- Name: sequence_contacts sequence_contacts_sequence_tenant; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_contacts
    ADD CONSTRAINT sequence_contacts_sequence_tenant FOREIGN KEY (user_id, sequence_id) REFERENCES drip.sequences(user_id, id);


--
-- Name: sequence_steps sequence_steps_only_if_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_steps
    ADD CONSTRAINT sequence_steps_only_if_fkey FOREIGN KEY (only_if) REFERENCES drip.guards(name);


--
-- Name: sequence_steps sequence_steps_sequence_tenant; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequence_steps
    ADD CONSTRAINT sequence_steps_sequence_tenant FOREIGN KEY (user_id, sequence_id) REFERENCES drip.sequences(user_id, id) ON DELETE CASCADE;


--
-- Name: sequences sequences_device_tenant; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequences
    ADD CONSTRAINT sequences_device_tenant FOREIGN KEY (user_id, device_id) REFERENCES drip.user_devices(user_id, id);


--
-- Name: sequences sequences_exit_if_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequences
    ADD CONSTRAINT sequences_exit_if_fkey FOREIGN KEY (exit_if) REFERENCES drip.guards(name);


--
-- Name: sequences sequences_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.sequences
    ADD CONSTRAINT sequences_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: stop_words stop_words_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.stop_words
    ADD CONSTRAINT stop_words_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: suppressions suppressions_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.suppressions
    ADD CONSTRAINT suppressions_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: user_devices user_devices_account_tenant; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.user_devices
    ADD CONSTRAINT user_devices_account_tenant FOREIGN KEY (user_id, account_id) REFERENCES drip.sender_accounts(user_id, id);


--
-- Name: user_devices user_devices_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.user_devices
    ADD CONSTRAINT user_devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: user_roles user_roles_user_id_fkey; Type: FK CONSTRAINT; Schema: drip; Owner: postgres
--

ALTER TABLE ONLY drip.user_roles
    ADD CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES drip.users(id);


--
-- Name: notify_insert_throttle notify_insert_throttle_meta_queue_name_fk; Type: FK CONSTRAINT; Schema: pgmq; Owner: postgres
--

ALTER TABLE ONLY pgmq.notify_insert_throttle
    ADD CONSTRAINT notify_insert_throttle_meta_queue_name_fk FOREIGN KEY (queue_name) REFERENCES pgmq.meta(queue_name) ON DELETE CASCADE;


--
-- Name: topic_bindings topic_bindings_meta_queue_name_fk; Type: FK CONSTRAINT; Schema: pgmq; Owner: postgres
--

ALTER TABLE ONLY pgmq.topic_bindings
    ADD CONSTRAINT topic_bindings_meta_queue_name_fk FOREIGN KEY (queue_name) REFERENCES pgmq.meta(queue_name) ON DELETE CASCADE;


--
-- Name: procrastinate_events procrastinate_events_job_id_fkey; Type: FK CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES procrastinate.procrastinate_jobs(id) ON DELETE CASCADE;


--
-- Name: procrastinate_jobs procrastinate_jobs_worker_id_fkey; Type: FK CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES procrastinate.procrastinate_workers(id) ON DELETE SET NULL;


--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_job_id_fkey; Type: FK CONSTRAINT; Schema: procrastinate; Owner: postgres
--

ALTER TABLE ONLY procrastinate.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES procrastinate.procrastinate_jobs(id);


--
-- Name: audiences; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.audiences ENABLE ROW LEVEL SECURITY;

--
-- Name: audiences audiences_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY audiences_of_caller ON drip.audiences USING (((user_id IS NULL) OR (user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u)))));


--
-- Name: audit_log; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log audit_log_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY audit_log_of_caller ON drip.audit_log USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: broadcast_messages; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.broadcast_messages ENABLE ROW LEVEL SECURITY;

--
-- Name: broadcast_messages broadcast_messages_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY broadcast_messages_of_caller ON drip.broadcast_messages USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: campaigns; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.campaigns ENABLE ROW LEVEL SECURITY;

--
-- Name: campaigns campaigns_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY campaigns_of_caller ON drip.campaigns USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: device_pacing; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.device_pacing ENABLE ROW LEVEL SECURITY;

--
-- Name: device_pacing device_pacing_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY device_pacing_of_caller ON drip.device_pacing USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: greetings; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.greetings ENABLE ROW LEVEL SECURITY;

--
-- Name: greetings greetings_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY greetings_of_caller ON drip.greetings USING (((user_id IS NULL) OR (user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u)))));


--
-- Name: inbound_messages; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.inbound_messages ENABLE ROW LEVEL SECURITY;

--
-- Name: inbound_messages inbound_messages_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY inbound_messages_of_caller ON drip.inbound_messages USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: lead_aliases; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.lead_aliases ENABLE ROW LEVEL SECURITY;

--
-- Name: lead_aliases lead_aliases_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY lead_aliases_of_caller ON drip.lead_aliases USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: leads; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.leads ENABLE ROW LEVEL SECURITY;

--
-- Name: leads leads_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY leads_of_caller ON drip.leads USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: message_attempts; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.message_attempts ENABLE ROW LEVEL SECURITY;

--
-- Name: message_attempts message_attempts_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY message_attempts_of_caller ON drip.message_attempts USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: receipts; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.receipts ENABLE ROW LEVEL SECURITY;

--
-- Name: receipts receipts_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY receipts_of_caller ON drip.receipts USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: sender_accounts; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sender_accounts ENABLE ROW LEVEL SECURITY;

--
-- Name: sender_accounts sender_accounts_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY sender_accounts_of_caller ON drip.sender_accounts USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: sequence_contacts; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sequence_contacts ENABLE ROW LEVEL SECURITY;

--
-- Name: sequence_contacts sequence_contacts_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY sequence_contacts_of_caller ON drip.sequence_contacts USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: sequence_steps; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sequence_steps ENABLE ROW LEVEL SECURITY;

--
-- Name: sequence_steps sequence_steps_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY sequence_steps_of_caller ON drip.sequence_steps USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: sequences; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.sequences ENABLE ROW LEVEL SECURITY;

--
-- Name: sequences sequences_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY sequences_of_caller ON drip.sequences USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: stop_words; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.stop_words ENABLE ROW LEVEL SECURITY;

--
-- Name: stop_words stop_words_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY stop_words_of_caller ON drip.stop_words USING (((user_id IS NULL) OR (user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u)))));


--
-- Name: suppressions; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.suppressions ENABLE ROW LEVEL SECURITY;

--
-- Name: suppressions suppressions_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY suppressions_of_caller ON drip.suppressions USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: user_devices; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.user_devices ENABLE ROW LEVEL SECURITY;

--
-- Name: user_devices user_devices_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY user_devices_of_caller ON drip.user_devices USING ((user_id = ANY (ARRAY( SELECT u.id
   FROM drip.users u))));


--
-- Name: users; Type: ROW SECURITY; Schema: drip; Owner: postgres
--

ALTER TABLE drip.users ENABLE ROW LEVEL SECURITY;

--
-- Name: users users_of_caller; Type: POLICY; Schema: drip; Owner: postgres
--

CREATE POLICY users_of_caller ON drip.users USING (((( SELECT (pg_has_role((COALESCE(NULLIF(current_setting('role'::text), 'none'::text), (SESSION_USER)::text))::name, 'drip_operator'::name, 'member'::text) OR pg_has_role((COALESCE(NULLIF(current_setting('role'::text), 'none'::text), (SESSION_USER)::text))::name, 'drip_worker'::name, 'member'::text))) OR (id IN ( SELECT ur.user_id
   FROM (drip.user_roles ur
     JOIN pg_roles r ON ((r.rolname = ur.role_name)))
  WHERE pg_has_role((COALESCE(NULLIF(current_setting('role'::text), 'none'::text), (SESSION_USER)::text))::name, r.oid, 'member'::text)))) AND ((COALESCE(current_setting('drip.user'::text, true), ''::text) = ''::text) OR ((current_setting('drip.user'::text, true) = (id)::text) OR (current_setting('drip.user'::text, true) = name)))));


--
-- Name: SCHEMA drip; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA drip TO drip_app;
GRANT USAGE ON SCHEMA drip TO drip_worker;
GRANT USAGE ON SCHEMA drip TO drip_operator;
GRANT USAGE ON SCHEMA drip TO drip_reader;
GRANT USAGE ON SCHEMA drip TO drip_guard;
GRANT USAGE ON SCHEMA drip TO drip_view;
GRANT USAGE ON SCHEMA drip TO drip_pii;


--
-- Name: SCHEMA pgmq; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA pgmq TO pg_monitor;


--
-- Name: SCHEMA procrastinate; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA procrastinate TO drip_worker;


--
-- Name: FUNCTION _add_token(p_list text, p_token text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._add_token(p_list text, p_token text) FROM PUBLIC;


--
-- Name: FUNCTION _advance_journeys(p_ids bigint[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._advance_journeys(p_ids bigint[]) FROM PUBLIC;


--
-- Name: FUNCTION _announce_campaign(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._announce_campaign() FROM PUBLIC;


--
-- Name: FUNCTION _announce_leads(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._announce_leads() FROM PUBLIC;


--
-- Name: FUNCTION _announce_sequence(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._announce_sequence() FROM PUBLIC;


--
-- Name: FUNCTION _announce_step(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._announce_step() FROM PUBLIC;


--
-- Name: FUNCTION _apply_campaign_status(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._apply_campaign_status() FROM PUBLIC;


--
-- Name: FUNCTION _apply_sequence_status(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._apply_sequence_status() FROM PUBLIC;


--
-- Name: FUNCTION _apply_settings(p_row anyelement, p_settings jsonb, p_known text[], p_what text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._apply_settings(p_row anyelement, p_settings jsonb, p_known text[], p_what text) FROM PUBLIC;


--
-- Name: FUNCTION _audit(p_user bigint, p_action text, p_kind text, p_id bigint, p_reason text, p_details jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._audit(p_user bigint, p_action text, p_kind text, p_id bigint, p_reason text, p_details jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _bind_devices(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._bind_devices(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _campaign_definition(p_campaign_id bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._campaign_definition(p_campaign_id bigint) FROM PUBLIC;


--
-- Name: FUNCTION _campaign_keys(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._campaign_keys() FROM PUBLIC;


--
-- Name: TABLE campaigns; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.campaigns TO drip_view;
GRANT SELECT ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.category; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(category) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.greeting; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(greeting) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.message; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(message) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.media_url; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(media_url) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.caption; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(caption) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.niche; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(niche) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.target_status; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(target_status) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.audience; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(audience) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.everyone; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(everyone) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.exclude; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(exclude) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.devices; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(devices) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.local_time_per_lead; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(local_time_per_lead) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.send_from; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_from) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.send_to; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_to) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.send_days; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_days) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.valid_for; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(valid_for) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.min_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(min_delay_seconds) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.max_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(max_delay_seconds) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.per_device_limit; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(per_device_limit) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: COLUMN campaigns.priority; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(priority) ON TABLE drip.campaigns TO drip_operator;


--
-- Name: TABLE leads; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.leads TO drip_view;
GRANT SELECT ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.name; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(name) ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.niche; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(niche) ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.trigger; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(trigger) ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.target_status; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(target_status) ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.device_id; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(device_id) ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.time_zone; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(time_zone) ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.language; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(language) ON TABLE drip.leads TO drip_operator;


--
-- Name: COLUMN leads.attributes; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(attributes) ON TABLE drip.leads TO drip_operator;


--
-- Name: FUNCTION _campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._campaign_leads(p_campaign drip.campaigns, p_after bigint, p_limit bigint) FROM PUBLIC;


--
-- Name: FUNCTION _campaign_outlook(p_campaign drip.campaigns, OUT audience bigint, OUT suppressed bigint, OUT ends_at timestamp with time zone, OUT warnings text[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._campaign_outlook(p_campaign drip.campaigns, OUT audience bigint, OUT suppressed bigint, OUT ends_at timestamp with time zone, OUT warnings text[]) FROM PUBLIC;


--
-- Name: FUNCTION _campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._campaign_values(p_user bigint, p_definition jsonb, p_is_change boolean) FROM PUBLIC;


--
-- Name: FUNCTION _check_category(p_category text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_category(p_category text) FROM PUBLIC;


--
-- Name: FUNCTION _check_delays(p_min integer, p_max integer, p_path text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_delays(p_min integer, p_max integer, p_path text) FROM PUBLIC;


--
-- Name: FUNCTION _check_device_status(p_status text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_device_status(p_status text) FROM PUBLIC;


--
-- Name: FUNCTION _check_message(p_type text, p_content text, p_media_url text, p_template jsonb, p_path text, p_content_key text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_message(p_type text, p_content text, p_media_url text, p_template jsonb, p_path text, p_content_key text) FROM PUBLIC;


--
-- Name: FUNCTION _check_message_owners(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_message_owners() FROM PUBLIC;


--
-- Name: FUNCTION _check_region(p_region text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_region(p_region text) FROM PUBLIC;


--
-- Name: TABLE sequences; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.sequences TO drip_view;
GRANT SELECT ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.trigger; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(trigger) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.niche; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(niche) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.target_status; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(target_status) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.auto_enroll; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(auto_enroll) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.device_id; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(device_id) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.start_delay; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(start_delay) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.send_from; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_from) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.send_to; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_to) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.send_days; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_days) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.skip_weekends; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(skip_weekends) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.min_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(min_delay_seconds) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.max_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(max_delay_seconds) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.category; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(category) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.greeting; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(greeting) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.stop_on_reply; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(stop_on_reply) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.exit_if; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(exit_if) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.exclusive_group; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(exclusive_group) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.reenroll_after; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(reenroll_after) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.on_step_failure; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(on_step_failure) ON TABLE drip.sequences TO drip_operator;


--
-- Name: COLUMN sequences.priority; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(priority) ON TABLE drip.sequences TO drip_operator;


--
-- Name: FUNCTION _check_sequence_ready(p_sequence drip.sequences); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_sequence_ready(p_sequence drip.sequences) FROM PUBLIC;


--
-- Name: FUNCTION _check_time_zone(p_zone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._check_time_zone(p_zone text) FROM PUBLIC;


--
-- Name: FUNCTION _claim_messages(p_worker text, p_limit integer, p_user_id bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._claim_messages(p_worker text, p_limit integer, p_user_id bigint) FROM PUBLIC;


--
-- Name: FUNCTION _clean_phone(p_phone text, OUT cleaned text, OUT problem text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._clean_phone(p_phone text, OUT cleaned text, OUT problem text) FROM PUBLIC;


--
-- Name: FUNCTION _clean_tokens(p_list text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._clean_tokens(p_list text) FROM PUBLIC;


--
-- Name: FUNCTION _column_list(p_values jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._column_list(p_values jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _complete_campaigns(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._complete_campaigns(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _constraint_error(p_constraint text, p_detail text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._constraint_error(p_constraint text, p_detail text) FROM PUBLIC;


--
-- Name: FUNCTION _constraint_meanings(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._constraint_meanings() FROM PUBLIC;


--
-- Name: FUNCTION _definition_value(p_kind text, p_value jsonb, p_path text, p_user bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._definition_value(p_kind text, p_value jsonb, p_path text, p_user bigint) FROM PUBLIC;


--
-- Name: FUNCTION _delay_seconds(p_message_id bigint, p_device_min integer, p_device_max integer, p_program_min integer, p_program_max integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._delay_seconds(p_message_id bigint, p_device_min integer, p_device_max integer, p_program_min integer, p_program_max integer) FROM PUBLIC;


--
-- Name: FUNCTION _device_account(p_user bigint, p_account text, p_platform text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._device_account(p_user bigint, p_account text, p_platform text) FROM PUBLIC;


--
-- Name: FUNCTION _drain_sync_backlog(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._drain_sync_backlog(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _edit_distance(p_one text, p_other text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._edit_distance(p_one text, p_other text) FROM PUBLIC;


--
-- Name: FUNCTION _end_lead_pauses(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._end_lead_pauses(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _end_unknown_holds(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._end_unknown_holds(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _enroll(p_sequence_id bigint, p_lead_ids bigint[], p_at timestamp with time zone, p_attributes jsonb, p_key text, p_chained_from timestamp with time zone[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._enroll(p_sequence_id bigint, p_lead_ids bigint[], p_at timestamp with time zone, p_attributes jsonb, p_key text, p_chained_from timestamp with time zone[]) FROM PUBLIC;


--
-- Name: FUNCTION _enroll_chunk(p_sequence_id bigint, p_lead_ids bigint[], p_chained_from timestamp with time zone[], OUT enrolled bigint, OUT lead_ids bigint[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._enroll_chunk(p_sequence_id bigint, p_lead_ids bigint[], p_chained_from timestamp with time zone[], OUT enrolled bigint, OUT lead_ids bigint[]) FROM PUBLIC;


--
-- Name: FUNCTION _enroll_phones(p_sequence text, p_phones text[], p_names text[], p_at timestamp with time zone, p_attributes jsonb, p_key text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._enroll_phones(p_sequence text, p_phones text[], p_names text[], p_at timestamp with time zone, p_attributes jsonb, p_key text) FROM PUBLIC;


--
-- Name: FUNCTION _entry_token(p_sequence drip.sequences); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._entry_token(p_sequence drip.sequences) FROM PUBLIC;


--
-- Name: FUNCTION _exit_enrollments(p_ids bigint[], p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._exit_enrollments(p_ids bigint[], p_reason text) FROM PUBLIC;


--
-- Name: FUNCTION _expand_chunk(p_campaign drip.campaigns, p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._expand_chunk(p_campaign drip.campaigns, p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _expands_at(p_campaign drip.campaigns); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._expands_at(p_campaign drip.campaigns) FROM PUBLIC;


--
-- Name: FUNCTION _expect_phone(p_user bigint, p_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._expect_phone(p_user bigint, p_phone text) FROM PUBLIC;


--
-- Name: FUNCTION _expire_messages(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._expire_messages(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _fail(p_code text, p_message text, p_hint text, p_detail text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._fail(p_code text, p_message text, p_hint text, p_detail text) FROM PUBLIC;


--
-- Name: FUNCTION _fake_now(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._fake_now() FROM PUBLIC;
GRANT ALL ON FUNCTION drip._fake_now() TO drip_reader;
GRANT ALL ON FUNCTION drip._fake_now() TO drip_app;
GRANT ALL ON FUNCTION drip._fake_now() TO drip_worker;
GRANT ALL ON FUNCTION drip._fake_now() TO drip_operator;
GRANT ALL ON FUNCTION drip._fake_now() TO drip_pii;
GRANT ALL ON FUNCTION drip._fake_now() TO drip_guard;
GRANT ALL ON FUNCTION drip._fake_now() TO drip_view;


--
-- Name: FUNCTION _find_campaign(p_campaign text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._find_campaign(p_campaign text) FROM PUBLIC;


--
-- Name: TABLE user_devices; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.user_devices TO drip_view;
GRANT SELECT ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.min_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(min_delay_seconds) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.max_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(max_delay_seconds) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.burst; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(burst) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.in_pool; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(in_pool) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.daily_cap; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(daily_cap) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.ramp; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(ramp) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.ramp_started_on; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(ramp_started_on) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.active_from; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(active_from) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.active_to; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(active_to) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.unknown_policy; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(unknown_policy) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: COLUMN user_devices.failover_policy; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(failover_policy) ON TABLE drip.user_devices TO drip_operator;


--
-- Name: FUNCTION _find_device(p_device text, p_user bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._find_device(p_device text, p_user bigint) FROM PUBLIC;


--
-- Name: FUNCTION _find_lead(p_user bigint, p_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._find_lead(p_user bigint, p_phone text) FROM PUBLIC;


--
-- Name: FUNCTION _find_sequence(p_sequence text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._find_sequence(p_sequence text) FROM PUBLIC;


--
-- Name: TABLE users; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.users TO drip_view;
GRANT SELECT ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.time_zone; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(time_zone) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.default_region; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(default_region) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.language; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(language) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.send_from; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_from) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.send_to; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_to) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.send_days; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_days) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.contact_cap; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(contact_cap) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.contact_cap_period; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(contact_cap_period) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.contact_gap; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(contact_gap) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.unknown_hold; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(unknown_hold) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.breaker_rate; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(breaker_rate) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.breaker_sample; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(breaker_sample) ON TABLE drip.users TO drip_operator;


--
-- Name: COLUMN users.is_active; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(is_active) ON TABLE drip.users TO drip_operator;


--
-- Name: FUNCTION _find_user(p_user text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._find_user(p_user text) FROM PUBLIC;


--
-- Name: FUNCTION _free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip._free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) TO drip_reader;
GRANT ALL ON FUNCTION drip._free_at(p_finished_at timestamp with time zone, p_scheduled_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) TO drip_view;


--
-- Name: FUNCTION _get_or_create_leads(p_user bigint, p_phones text[], p_names text[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._get_or_create_leads(p_user bigint, p_phones text[], p_names text[]) FROM PUBLIC;


--
-- Name: FUNCTION _greeting(p_user_id bigint, p_language text, p_zone text, p_at timestamp with time zone, p_name text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._greeting(p_user_id bigint, p_language text, p_zone text, p_at timestamp with time zone, p_name text) FROM PUBLIC;


--
-- Name: FUNCTION _guard_leads(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._guard_leads() FROM PUBLIC;


--
-- Name: FUNCTION _guard_users(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._guard_users() FROM PUBLIC;


--
-- Name: FUNCTION _has_token(p_list text, p_token text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._has_token(p_list text, p_token text) FROM PUBLIC;


--
-- Name: FUNCTION _hashed_device(p_places bigint[], p_lead bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._hashed_device(p_places bigint[], p_lead bigint) FROM PUBLIC;


--
-- Name: FUNCTION _hold_messages(p_ids bigint[], p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._hold_messages(p_ids bigint[], p_reason text) FROM PUBLIC;


--
-- Name: FUNCTION _import_leads(p_user bigint, p_leads jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._import_leads(p_user bigint, p_leads jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _in_audience(p_audience text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._in_audience(p_audience text) FROM PUBLIC;


--
-- Name: FUNCTION _insert_campaign(p_user bigint, p_definition jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._insert_campaign(p_user bigint, p_definition jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _insert_sequence(p_user bigint, p_definition jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._insert_sequence(p_user bigint, p_definition jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _insert_steps(p_sequence_id bigint, p_steps jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._insert_steps(p_sequence_id bigint, p_steps jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _is_barred(p_lead bigint, p_phone text, p_sequence drip.sequences); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._is_barred(p_lead bigint, p_phone text, p_sequence drip.sequences) FROM PUBLIC;


--
-- Name: FUNCTION _is_expansion_due(p_campaign drip.campaigns, p_now timestamp with time zone); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._is_expansion_due(p_campaign drip.campaigns, p_now timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION _is_new_to_sequence(p_lead bigint, p_sequence bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._is_new_to_sequence(p_lead bigint, p_sequence bigint) FROM PUBLIC;


--
-- Name: FUNCTION _is_time_zone(p_zone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._is_time_zone(p_zone text) FROM PUBLIC;


--
-- Name: FUNCTION _judge_messages(p_ids bigint[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._judge_messages(p_ids bigint[]) FROM PUBLIC;


--
-- Name: TABLE regions; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.regions TO drip_view;
GRANT SELECT ON TABLE drip.regions TO drip_operator;


--
-- Name: FUNCTION _length_problem(p_text text, p_region drip.regions); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._length_problem(p_text text, p_region drip.regions) FROM PUBLIC;


--
-- Name: FUNCTION _local_instant(p_local timestamp without time zone, p_zone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._local_instant(p_local timestamp without time zone, p_zone text) FROM PUBLIC;


--
-- Name: FUNCTION _mapped_users(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._mapped_users() FROM PUBLIC;


--
-- Name: FUNCTION _mark_matching_leads(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._mark_matching_leads(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _matches_sequence(p_lead drip.leads, p_sequence drip.sequences, p_token text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._matches_sequence(p_lead drip.leads, p_sequence drip.sequences, p_token text) FROM PUBLIC;


--
-- Name: FUNCTION _move_failed_over(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._move_failed_over(p_limit integer) FROM PUBLIC;


--
-- Name: FUNCTION _nearest(p_word text, p_words text[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._nearest(p_word text, p_words text[]) FROM PUBLIC;


--
-- Name: FUNCTION _new_device(p_user bigint, p_name text, p_now timestamp with time zone); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._new_device(p_user bigint, p_name text, p_now timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION _next_local_time(p_at timestamp with time zone, p_zone text, p_time time without time zone); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._next_local_time(p_at timestamp with time zone, p_zone text, p_time time without time zone) FROM PUBLIC;


--
-- Name: FUNCTION _next_step_at(p_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._next_step_at(p_at timestamp with time zone, p_delay_hours numeric, p_send_time time without time zone, p_zone text) FROM PUBLIC;


--
-- Name: FUNCTION _normalize_phone(p_phone text, p_region text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._normalize_phone(p_phone text, p_region text) FROM PUBLIC;


--
-- Name: FUNCTION _notify_wake(p_devices bigint[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._notify_wake(p_devices bigint[]) FROM PUBLIC;


--
-- Name: FUNCTION _opt_out(p_user bigint, p_phone text, p_category text, p_reason text, p_source text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._opt_out(p_user bigint, p_phone text, p_category text, p_reason text, p_source text) FROM PUBLIC;


--
-- Name: FUNCTION _pace_results(p_devices jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._pace_results(p_devices jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _patch_lead(p_lead drip.leads, p_patch jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._patch_lead(p_lead drip.leads, p_patch jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _phone_problem(p_phone text, p_region text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._phone_problem(p_phone text, p_region text) FROM PUBLIC;


--
-- Name: FUNCTION _pool_device(p_user bigint, p_lead bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._pool_device(p_user bigint, p_lead bigint) FROM PUBLIC;


--
-- Name: FUNCTION _pool_devices(p_user bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._pool_devices(p_user bigint) FROM PUBLIC;


--
-- Name: FUNCTION _prepare_campaign(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._prepare_campaign() FROM PUBLIC;


--
-- Name: FUNCTION _prepare_sequence(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._prepare_sequence() FROM PUBLIC;


--
-- Name: FUNCTION _prepare_step(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._prepare_step() FROM PUBLIC;


--
-- Name: FUNCTION _read_definition(p_definition jsonb, p_kinds jsonb, p_path text, p_user bigint, p_is_change boolean); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._read_definition(p_definition jsonb, p_kinds jsonb, p_path text, p_user bigint, p_is_change boolean) FROM PUBLIC;


--
-- Name: FUNCTION _read_instant(p_text text, p_user bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._read_instant(p_text text, p_user bigint) FROM PUBLIC;


--
-- Name: FUNCTION _read_international_phone(p_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._read_international_phone(p_phone text) FROM PUBLIC;


--
-- Name: FUNCTION _read_leads(p_user bigint, p_leads jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._read_leads(p_user bigint, p_leads jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _read_national_phone(p_digits text, p_region drip.regions); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._read_national_phone(p_digits text, p_region drip.regions) FROM PUBLIC;


--
-- Name: FUNCTION _read_phone(p_phone text, p_region text, OUT phone text, OUT problem text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._read_phone(p_phone text, p_region text, OUT phone text, OUT problem text) FROM PUBLIC;


--
-- Name: FUNCTION _remove_token(p_list text, p_token text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._remove_token(p_list text, p_token text) FROM PUBLIC;


--
-- Name: FUNCTION _render(p_text text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb, p_seed bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._render(p_text text, p_name text, p_phone text, p_lead_attributes jsonb, p_enrollment_attributes jsonb, p_seed bigint) FROM PUBLIC;


--
-- Name: FUNCTION _resume_messages(p_enrollments bigint[], p_paused_at timestamp with time zone, p_policy text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._resume_messages(p_enrollments bigint[], p_paused_at timestamp with time zone, p_policy text) FROM PUBLIC;


--
-- Name: FUNCTION _seeded_fraction(p_id bigint, p_salt bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._seeded_fraction(p_id bigint, p_salt bigint) FROM PUBLIC;


--
-- Name: FUNCTION _sequence_definition(p_sequence_id bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._sequence_definition(p_sequence_id bigint) FROM PUBLIC;


--
-- Name: FUNCTION _sequence_keys(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._sequence_keys() FROM PUBLIC;


--
-- Name: FUNCTION _sequence_values(p_user bigint, p_definition jsonb, p_is_change boolean); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._sequence_values(p_user bigint, p_definition jsonb, p_is_change boolean) FROM PUBLIC;


--
-- Name: FUNCTION _settings_of(p_table regclass); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._settings_of(p_table regclass) FROM PUBLIC;


--
-- Name: FUNCTION _step_keys(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._step_keys() FROM PUBLIC;


--
-- Name: FUNCTION _stop_devices(p_devices jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._stop_devices(p_devices jsonb) FROM PUBLIC;


--
-- Name: FUNCTION _sync_enrollments(p_ids bigint[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._sync_enrollments(p_ids bigint[]) FROM PUBLIC;


--
-- Name: FUNCTION _tenant(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._tenant() FROM PUBLIC;


--
-- Name: FUNCTION _timeline(p_sequence_id bigint, p_start timestamp with time zone, p_zone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._timeline(p_sequence_id bigint, p_start timestamp with time zone, p_zone text) FROM PUBLIC;


--
-- Name: FUNCTION _verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION drip._verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone) TO drip_reader;
GRANT ALL ON FUNCTION drip._verdict(p_now timestamp with time zone, p_scheduled_at timestamp with time zone, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_user_active boolean, p_campaign_status text, p_sequence_status text, p_enrollment_status text, p_lead_paused_until timestamp with time zone, p_suppressed boolean, p_predecessor_due_at timestamp with time zone, p_predecessor_hold_at timestamp with time zone, p_predecessor_free_at timestamp with time zone, p_device_id bigint, p_device_status text, p_account_status text, p_account_blocked_until timestamp with time zone, p_account_cap_until timestamp with time zone, p_service_window_closed boolean, p_breaker_until timestamp with time zone, p_window_opens_at timestamp with time zone, p_window_is_weekend boolean, p_gap_until timestamp with time zone, p_cap_until timestamp with time zone, p_device_opens_at timestamp with time zone, p_next_day_at timestamp with time zone, p_used_today integer, p_daily_cap integer, p_ramp_cap integer, p_next_send_at timestamp with time zone) TO drip_view;


--
-- Name: FUNCTION _wall_clock(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._wall_clock() FROM PUBLIC;


--
-- Name: FUNCTION _window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION drip._window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean) TO drip_reader;
GRANT ALL ON FUNCTION drip._window_opens_at(p_at timestamp with time zone, p_zone text, p_from time without time zone, p_to time without time zone, p_days smallint[], p_skip_weekends boolean) TO drip_view;


--
-- Name: FUNCTION _write_leads(p_user bigint, p_phones text[], p_patches jsonb[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip._write_leads(p_user bigint, p_phones text[], p_patches jsonb[]) FROM PUBLIC;


--
-- Name: FUNCTION archive_sequence(p_sequence text, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.archive_sequence(p_sequence text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.archive_sequence(p_sequence text, p_reason text) TO drip_app;


--
-- Name: FUNCTION assign_role(p_role text, p_user text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.assign_role(p_role text, p_user text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.assign_role(p_role text, p_user text) TO drip_operator;


--
-- Name: FUNCTION can_see_phones(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.can_see_phones() FROM PUBLIC;
GRANT ALL ON FUNCTION drip.can_see_phones() TO drip_reader;
GRANT ALL ON FUNCTION drip.can_see_phones() TO drip_view;


--
-- Name: FUNCTION cancel_campaign(p_campaign text, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.cancel_campaign(p_campaign text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.cancel_campaign(p_campaign text, p_reason text) TO drip_app;


--
-- Name: FUNCTION change_phone(p_phone text, p_new_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.change_phone(p_phone text, p_new_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.change_phone(p_phone text, p_new_phone text) TO drip_app;


--
-- Name: FUNCTION claim_messages(p_worker text, p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.claim_messages(p_worker text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.claim_messages(p_worker text, p_limit integer) TO drip_worker;


--
-- Name: FUNCTION create_campaign(p_definition jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.create_campaign(p_definition jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.create_campaign(p_definition jsonb) TO drip_app;


--
-- Name: FUNCTION create_sequence(p_definition jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.create_sequence(p_definition jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.create_sequence(p_definition jsonb) TO drip_app;


--
-- Name: FUNCTION create_user(p_name text, p_email text, p_time_zone text, p_default_region text, p_settings jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.create_user(p_name text, p_email text, p_time_zone text, p_default_region text, p_settings jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.create_user(p_name text, p_email text, p_time_zone text, p_default_region text, p_settings jsonb) TO drip_operator;


--
-- Name: FUNCTION delete_sequence(p_sequence text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.delete_sequence(p_sequence text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.delete_sequence(p_sequence text) TO drip_app;


--
-- Name: FUNCTION enroll_lead(p_sequence text, p_phone text, p_at timestamp with time zone, p_name text, p_attributes jsonb, p_key text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.enroll_lead(p_sequence text, p_phone text, p_at timestamp with time zone, p_name text, p_attributes jsonb, p_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.enroll_lead(p_sequence text, p_phone text, p_at timestamp with time zone, p_name text, p_attributes jsonb, p_key text) TO drip_app;


--
-- Name: FUNCTION enroll_leads(p_sequence text, p_phones text[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.enroll_leads(p_sequence text, p_phones text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.enroll_leads(p_sequence text, p_phones text[]) TO drip_app;


--
-- Name: FUNCTION enroll_matching_leads(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.enroll_matching_leads(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.enroll_matching_leads(p_limit integer) TO drip_worker;


--
-- Name: FUNCTION erase_lead(p_phone text, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.erase_lead(p_phone text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.erase_lead(p_phone text, p_reason text) TO drip_app;


--
-- Name: FUNCTION exit_lead(p_sequence text, p_phone text, p_reason text, p_key text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.exit_lead(p_sequence text, p_phone text, p_reason text, p_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.exit_lead(p_sequence text, p_phone text, p_reason text, p_key text) TO drip_app;


--
-- Name: FUNCTION expand_campaigns(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.expand_campaigns(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.expand_campaigns(p_limit integer) TO drip_worker;


--
-- Name: FUNCTION expire_leases(p_limit integer); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.expire_leases(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.expire_leases(p_limit integer) TO drip_worker;


--
-- Name: FUNCTION explain_message(p_message bigint); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.explain_message(p_message bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.explain_message(p_message bigint) TO drip_app;


--
-- Name: FUNCTION find_lead(p_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.find_lead(p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.find_lead(p_phone text) TO drip_reader;


--
-- Name: FUNCTION get_campaign(p_campaign text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.get_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.get_campaign(p_campaign text) TO drip_app;


--
-- Name: FUNCTION get_sequence(p_sequence text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.get_sequence(p_sequence text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.get_sequence(p_sequence text) TO drip_app;


--
-- Name: FUNCTION import_leads(p_leads jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.import_leads(p_leads jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.import_leads(p_leads jsonb) TO drip_app;


--
-- Name: FUNCTION list_devices_to_check(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.list_devices_to_check() FROM PUBLIC;
GRANT ALL ON FUNCTION drip.list_devices_to_check() TO drip_worker;


--
-- Name: FUNCTION mask_phone(p_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.mask_phone(p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.mask_phone(p_phone text) TO drip_reader;
GRANT ALL ON FUNCTION drip.mask_phone(p_phone text) TO drip_view;


--
-- Name: FUNCTION mask_phone_in(p_text text, p_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.mask_phone_in(p_text text, p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.mask_phone_in(p_text text, p_phone text) TO drip_reader;
GRANT ALL ON FUNCTION drip.mask_phone_in(p_text text, p_phone text) TO drip_view;


--
-- Name: FUNCTION next_wakeup(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.next_wakeup() FROM PUBLIC;
GRANT ALL ON FUNCTION drip.next_wakeup() TO drip_worker;


--
-- Name: FUNCTION now(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.now() FROM PUBLIC;
GRANT ALL ON FUNCTION drip.now() TO drip_reader;
GRANT ALL ON FUNCTION drip.now() TO drip_worker;
GRANT ALL ON FUNCTION drip.now() TO drip_view;
GRANT ALL ON FUNCTION drip.now() TO drip_guard;


--
-- Name: FUNCTION opt_in(p_phone text, p_category text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.opt_in(p_phone text, p_category text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.opt_in(p_phone text, p_category text) TO drip_app;


--
-- Name: FUNCTION opt_out(p_phone text, p_reason text, p_category text, p_source text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.opt_out(p_phone text, p_reason text, p_category text, p_source text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.opt_out(p_phone text, p_reason text, p_category text, p_source text) TO drip_app;


--
-- Name: FUNCTION pause_campaign(p_campaign text, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.pause_campaign(p_campaign text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.pause_campaign(p_campaign text, p_reason text) TO drip_app;


--
-- Name: FUNCTION pause_lead(p_phone text, p_until timestamp with time zone, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.pause_lead(p_phone text, p_until timestamp with time zone, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.pause_lead(p_phone text, p_until timestamp with time zone, p_reason text) TO drip_app;


--
-- Name: FUNCTION pause_sequence(p_sequence text, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.pause_sequence(p_sequence text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.pause_sequence(p_sequence text, p_reason text) TO drip_app;


--
-- Name: FUNCTION reason_sentence(p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.reason_sentence(p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.reason_sentence(p_reason text) TO drip_reader;
GRANT ALL ON FUNCTION drip.reason_sentence(p_reason text) TO drip_worker;
GRANT ALL ON FUNCTION drip.reason_sentence(p_reason text) TO drip_view;


--
-- Name: FUNCTION record_results(p_worker text, p_results jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.record_results(p_worker text, p_results jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.record_results(p_worker text, p_results jsonb) TO drip_worker;


--
-- Name: FUNCTION release_messages(p_worker text, p_messages jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.release_messages(p_worker text, p_messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.release_messages(p_worker text, p_messages jsonb) TO drip_worker;


--
-- Name: FUNCTION report_device(p_device bigint, p_status text, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.report_device(p_device bigint, p_status text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.report_device(p_device bigint, p_status text, p_reason text) TO drip_worker;


--
-- Name: FUNCTION report_worker(p_worker text, p_version text, p_concurrency integer, p_stopping boolean); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.report_worker(p_worker text, p_version text, p_concurrency integer, p_stopping boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.report_worker(p_worker text, p_version text, p_concurrency integer, p_stopping boolean) TO drip_worker;


--
-- Name: FUNCTION resume_campaign(p_campaign text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.resume_campaign(p_campaign text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.resume_campaign(p_campaign text) TO drip_app;


--
-- Name: FUNCTION resume_lead(p_phone text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.resume_lead(p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.resume_lead(p_phone text) TO drip_app;


--
-- Name: FUNCTION resume_sequence(p_sequence text, p_policy text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.resume_sequence(p_sequence text, p_policy text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.resume_sequence(p_sequence text, p_policy text) TO drip_app;


--
-- Name: FUNCTION schedule_campaign(p_campaign text, p_at timestamp with time zone, p_local timestamp without time zone); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.schedule_campaign(p_campaign text, p_at timestamp with time zone, p_local timestamp without time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.schedule_campaign(p_campaign text, p_at timestamp with time zone, p_local timestamp without time zone) TO drip_app;


--
-- Name: FUNCTION send_message(p_phone text, p_content text, p_category text, p_message_type text, p_media_url text, p_caption text, p_template jsonb, p_device text, p_at timestamp with time zone, p_name text, p_valid_for interval, p_idempotency_key text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.send_message(p_phone text, p_content text, p_category text, p_message_type text, p_media_url text, p_caption text, p_template jsonb, p_device text, p_at timestamp with time zone, p_name text, p_valid_for interval, p_idempotency_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.send_message(p_phone text, p_content text, p_category text, p_message_type text, p_media_url text, p_caption text, p_template jsonb, p_device text, p_at timestamp with time zone, p_name text, p_valid_for interval, p_idempotency_key text) TO drip_app;


--
-- Name: FUNCTION set_device_status(p_device text, p_status text, p_reason text); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.set_device_status(p_device text, p_status text, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.set_device_status(p_device text, p_status text, p_reason text) TO drip_operator;


--
-- Name: FUNCTION start_sequence(p_sequence text, p_include_existing boolean); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.start_sequence(p_sequence text, p_include_existing boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.start_sequence(p_sequence text, p_include_existing boolean) TO drip_app;


--
-- Name: FUNCTION tick(); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.tick() FROM PUBLIC;
GRANT ALL ON FUNCTION drip.tick() TO drip_worker;


--
-- Name: FUNCTION update_campaign(p_campaign text, p_changes jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.update_campaign(p_campaign text, p_changes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.update_campaign(p_campaign text, p_changes jsonb) TO drip_app;


--
-- Name: FUNCTION update_sequence(p_sequence text, p_changes jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.update_sequence(p_sequence text, p_changes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.update_sequence(p_sequence text, p_changes jsonb) TO drip_app;


--
-- Name: FUNCTION upsert_device(p_name text, p_platform text, p_phone text, p_endpoint text, p_instance text, p_secret_name text, p_settings jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.upsert_device(p_name text, p_platform text, p_phone text, p_endpoint text, p_instance text, p_secret_name text, p_settings jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.upsert_device(p_name text, p_platform text, p_phone text, p_endpoint text, p_instance text, p_secret_name text, p_settings jsonb) TO drip_operator;


--
-- Name: FUNCTION upsert_lead(p_phone text, p_name text, p_niche text, p_target_status text, p_trigger text, p_device text, p_time_zone text, p_language text, p_external_id text, p_attributes jsonb); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.upsert_lead(p_phone text, p_name text, p_niche text, p_target_status text, p_trigger text, p_device text, p_time_zone text, p_language text, p_external_id text, p_attributes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.upsert_lead(p_phone text, p_name text, p_niche text, p_target_status text, p_trigger text, p_device text, p_time_zone text, p_language text, p_external_id text, p_attributes jsonb) TO drip_app;


--
-- Name: FUNCTION wake_devices(p_devices bigint[]); Type: ACL; Schema: drip; Owner: postgres
--

REVOKE ALL ON FUNCTION drip.wake_devices(p_devices bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION drip.wake_devices(p_devices bigint[]) TO drip_worker;


--
-- Name: FUNCTION _belongs_to_pgmq(table_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._belongs_to_pgmq(table_name text) FROM PUBLIC;


--
-- Name: FUNCTION _create_fifo_index_if_not_exists(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._create_fifo_index_if_not_exists(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION _ensure_pg_partman_installed(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._ensure_pg_partman_installed() FROM PUBLIC;


--
-- Name: FUNCTION _extension_exists(extension_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._extension_exists(extension_name text) FROM PUBLIC;


--
-- Name: FUNCTION _get_partition_col(partition_interval text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._get_partition_col(partition_interval text) FROM PUBLIC;


--
-- Name: FUNCTION _get_pg_partman_major_version(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._get_pg_partman_major_version() FROM PUBLIC;


--
-- Name: FUNCTION _get_pg_partman_schema(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._get_pg_partman_schema() FROM PUBLIC;


--
-- Name: FUNCTION _send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION _validate_batch_params(msgs jsonb[], headers jsonb[]); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq._validate_batch_params(msgs jsonb[], headers jsonb[]) FROM PUBLIC;


--
-- Name: FUNCTION acquire_queue_lock(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.acquire_queue_lock(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION archive(queue_name text, msg_ids bigint[]); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.archive(queue_name text, msg_ids bigint[]) FROM PUBLIC;


--
-- Name: FUNCTION archive(queue_name text, msg_id bigint); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.archive(queue_name text, msg_id bigint) FROM PUBLIC;


--
-- Name: FUNCTION bind_topic(pattern text, queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.bind_topic(pattern text, queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION convert_archive_partitioned(table_name text, partition_interval text, retention_interval text, leading_partition integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.convert_archive_partitioned(table_name text, partition_interval text, retention_interval text, leading_partition integer) FROM PUBLIC;


--
-- Name: FUNCTION "create"(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq."create"(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION create_fifo_index(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.create_fifo_index(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION create_fifo_indexes_all(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.create_fifo_indexes_all() FROM PUBLIC;


--
-- Name: FUNCTION create_non_partitioned(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.create_non_partitioned(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION create_partitioned(queue_name text, partition_interval text, retention_interval text, premake integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.create_partitioned(queue_name text, partition_interval text, retention_interval text, premake integer) FROM PUBLIC;


--
-- Name: FUNCTION create_unlogged(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.create_unlogged(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION delete(queue_name text, msg_ids bigint[]); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.delete(queue_name text, msg_ids bigint[]) FROM PUBLIC;


--
-- Name: FUNCTION delete(queue_name text, msg_id bigint); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.delete(queue_name text, msg_id bigint) FROM PUBLIC;


--
-- Name: FUNCTION detach_archive(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.detach_archive(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION disable_notify_insert(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.disable_notify_insert(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION drop_queue(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.drop_queue(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION drop_queue(queue_name text, partitioned boolean); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.drop_queue(queue_name text, partitioned boolean) FROM PUBLIC;


--
-- Name: FUNCTION enable_notify_insert(queue_name text, throttle_interval_ms integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.enable_notify_insert(queue_name text, throttle_interval_ms integer) FROM PUBLIC;


--
-- Name: FUNCTION format_table_name(queue_name text, prefix text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.format_table_name(queue_name text, prefix text) FROM PUBLIC;


--
-- Name: FUNCTION list_notify_insert_throttles(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.list_notify_insert_throttles() FROM PUBLIC;


--
-- Name: FUNCTION list_queues(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.list_queues() FROM PUBLIC;


--
-- Name: FUNCTION list_topic_bindings(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.list_topic_bindings() FROM PUBLIC;


--
-- Name: FUNCTION list_topic_bindings(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.list_topic_bindings(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION metrics(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.metrics(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION metrics_all(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.metrics_all() FROM PUBLIC;


--
-- Name: FUNCTION notify_queue_listeners(); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.notify_queue_listeners() FROM PUBLIC;


--
-- Name: FUNCTION pop(queue_name text, qty integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.pop(queue_name text, qty integer) FROM PUBLIC;


--
-- Name: FUNCTION purge_queue(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.purge_queue(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION read(queue_name text, vt integer, qty integer, conditional jsonb); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read(queue_name text, vt integer, qty integer, conditional jsonb) FROM PUBLIC;


--
-- Name: FUNCTION read_grouped(queue_name text, vt integer, qty integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read_grouped(queue_name text, vt integer, qty integer) FROM PUBLIC;


--
-- Name: FUNCTION read_grouped_head(queue_name text, vt integer, qty integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read_grouped_head(queue_name text, vt integer, qty integer) FROM PUBLIC;


--
-- Name: FUNCTION read_grouped_head_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read_grouped_head_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer) FROM PUBLIC;


--
-- Name: FUNCTION read_grouped_rr(queue_name text, vt integer, qty integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read_grouped_rr(queue_name text, vt integer, qty integer) FROM PUBLIC;


--
-- Name: FUNCTION read_grouped_rr_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read_grouped_rr_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer) FROM PUBLIC;


--
-- Name: FUNCTION read_grouped_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read_grouped_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer) FROM PUBLIC;


--
-- Name: FUNCTION read_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer, conditional jsonb); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.read_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer, poll_interval_ms integer, conditional jsonb) FROM PUBLIC;


--
-- Name: FUNCTION send(queue_name text, msg jsonb); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send(queue_name text, msg jsonb) FROM PUBLIC;


--
-- Name: FUNCTION send(queue_name text, msg jsonb, delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send(queue_name text, msg jsonb, delay integer) FROM PUBLIC;


--
-- Name: FUNCTION send(queue_name text, msg jsonb, headers jsonb); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb) FROM PUBLIC;


--
-- Name: FUNCTION send(queue_name text, msg jsonb, delay timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send(queue_name text, msg jsonb, delay timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION send(queue_name text, msg jsonb, headers jsonb, delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb, delay integer) FROM PUBLIC;


--
-- Name: FUNCTION send(queue_name text, msg jsonb, headers jsonb, delay timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send(queue_name text, msg jsonb, headers jsonb, delay timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION send_batch(queue_name text, msgs jsonb[]); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[]) FROM PUBLIC;


--
-- Name: FUNCTION send_batch(queue_name text, msgs jsonb[], headers jsonb[]); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[]) FROM PUBLIC;


--
-- Name: FUNCTION send_batch(queue_name text, msgs jsonb[], delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], delay integer) FROM PUBLIC;


--
-- Name: FUNCTION send_batch(queue_name text, msgs jsonb[], delay timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], delay timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay integer) FROM PUBLIC;


--
-- Name: FUNCTION send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION send_batch_topic(routing_key text, msgs jsonb[]); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[]) FROM PUBLIC;


--
-- Name: FUNCTION send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[]); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[]) FROM PUBLIC;


--
-- Name: FUNCTION send_batch_topic(routing_key text, msgs jsonb[], delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], delay integer) FROM PUBLIC;


--
-- Name: FUNCTION send_batch_topic(routing_key text, msgs jsonb[], delay timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], delay timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay integer) FROM PUBLIC;


--
-- Name: FUNCTION send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_batch_topic(routing_key text, msgs jsonb[], headers jsonb[], delay timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION send_topic(routing_key text, msg jsonb); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_topic(routing_key text, msg jsonb) FROM PUBLIC;


--
-- Name: FUNCTION send_topic(routing_key text, msg jsonb, delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_topic(routing_key text, msg jsonb, delay integer) FROM PUBLIC;


--
-- Name: FUNCTION send_topic(routing_key text, msg jsonb, headers jsonb, delay integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.send_topic(routing_key text, msg jsonb, headers jsonb, delay integer) FROM PUBLIC;


--
-- Name: FUNCTION set_vt(queue_name text, msg_ids bigint[], vt integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.set_vt(queue_name text, msg_ids bigint[], vt integer) FROM PUBLIC;


--
-- Name: FUNCTION set_vt(queue_name text, msg_ids bigint[], vt timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.set_vt(queue_name text, msg_ids bigint[], vt timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION set_vt(queue_name text, msg_id bigint, vt integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.set_vt(queue_name text, msg_id bigint, vt integer) FROM PUBLIC;


--
-- Name: FUNCTION set_vt(queue_name text, msg_id bigint, vt timestamp with time zone); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.set_vt(queue_name text, msg_id bigint, vt timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION test_routing(routing_key text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.test_routing(routing_key text) FROM PUBLIC;


--
-- Name: FUNCTION unbind_topic(pattern text, queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.unbind_topic(pattern text, queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION update_notify_insert(queue_name text, throttle_interval_ms integer); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.update_notify_insert(queue_name text, throttle_interval_ms integer) FROM PUBLIC;


--
-- Name: FUNCTION validate_queue_name(queue_name text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.validate_queue_name(queue_name text) FROM PUBLIC;


--
-- Name: FUNCTION validate_routing_key(routing_key text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.validate_routing_key(routing_key text) FROM PUBLIC;


--
-- Name: FUNCTION validate_topic_pattern(pattern text); Type: ACL; Schema: pgmq; Owner: postgres
--

REVOKE ALL ON FUNCTION pgmq.validate_topic_pattern(pattern text) FROM PUBLIC;


--
-- Name: FUNCTION procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) TO drip_worker;


--
-- Name: FUNCTION procrastinate_defer_jobs_v1(jobs procrastinate.procrastinate_job_to_defer_v1[]); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_defer_jobs_v1(jobs procrastinate.procrastinate_job_to_defer_v1[]) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_defer_jobs_v1(jobs procrastinate.procrastinate_job_to_defer_v1[]) TO drip_worker;


--
-- Name: FUNCTION procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) TO drip_worker;


--
-- Name: TABLE procrastinate_jobs; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE procrastinate.procrastinate_jobs TO drip_worker;


--
-- Name: FUNCTION procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) TO drip_worker;


--
-- Name: FUNCTION procrastinate_finish_job_v1(job_id bigint, end_status procrastinate.procrastinate_job_status, delete_job boolean); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_finish_job_v1(job_id bigint, end_status procrastinate.procrastinate_job_status, delete_job boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_finish_job_v1(job_id bigint, end_status procrastinate.procrastinate_job_status, delete_job boolean) TO drip_worker;


--
-- Name: FUNCTION procrastinate_notify_queue_abort_job_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_notify_queue_abort_job_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_notify_queue_abort_job_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_notify_queue_job_inserted_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_notify_queue_job_inserted_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_notify_queue_job_inserted_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) TO drip_worker;


--
-- Name: FUNCTION procrastinate_register_worker_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_register_worker_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_register_worker_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) TO drip_worker;


--
-- Name: FUNCTION procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) TO drip_worker;


--
-- Name: FUNCTION procrastinate_trigger_abort_requested_events_procedure_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_trigger_abort_requested_events_procedure_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_trigger_abort_requested_events_procedure_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_trigger_function_scheduled_events_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_trigger_function_scheduled_events_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_trigger_function_scheduled_events_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_trigger_function_status_events_insert_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_trigger_function_status_events_insert_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_trigger_function_status_events_insert_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_trigger_function_status_events_update_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_trigger_function_status_events_update_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_trigger_function_status_events_update_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_unlink_periodic_defers_v1(); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_unlink_periodic_defers_v1() FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_unlink_periodic_defers_v1() TO drip_worker;


--
-- Name: FUNCTION procrastinate_unregister_worker_v1(worker_id bigint); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_unregister_worker_v1(worker_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_unregister_worker_v1(worker_id bigint) TO drip_worker;


--
-- Name: FUNCTION procrastinate_update_heartbeat_v1(worker_id bigint); Type: ACL; Schema: procrastinate; Owner: postgres
--

REVOKE ALL ON FUNCTION procrastinate.procrastinate_update_heartbeat_v1(worker_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION procrastinate.procrastinate_update_heartbeat_v1(worker_id bigint) TO drip_worker;


--
-- Name: TABLE broadcast_messages; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.broadcast_messages TO drip_view;
GRANT SELECT ON TABLE drip.broadcast_messages TO drip_operator;


--
-- Name: TABLE sequence_contacts; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.sequence_contacts TO drip_view;
GRANT SELECT ON TABLE drip.sequence_contacts TO drip_operator;


--
-- Name: TABLE sequence_steps; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.sequence_steps TO drip_view;
GRANT SELECT ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.trigger; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(trigger) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.next_trigger; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(next_trigger) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.trigger_delay_hours; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(trigger_delay_hours) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.send_time; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(send_time) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.content; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(content) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.media_url; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(media_url) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.caption; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(caption) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.min_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(min_delay_seconds) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.max_delay_seconds; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(max_delay_seconds) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.valid_for; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(valid_for) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: COLUMN sequence_steps.only_if; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(only_if) ON TABLE drip.sequence_steps TO drip_operator;


--
-- Name: TABLE _enrollment_facts; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip._enrollment_facts TO drip_view;


--
-- Name: TABLE sync_backlog; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.sync_backlog TO drip_view;
GRANT SELECT ON TABLE drip.sync_backlog TO drip_operator;


--
-- Name: TABLE account_reach; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.account_reach TO drip_view;
GRANT SELECT ON TABLE drip.account_reach TO drip_operator;


--
-- Name: TABLE device_pacing; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.device_pacing TO drip_view;
GRANT SELECT ON TABLE drip.device_pacing TO drip_operator;


--
-- Name: TABLE sender_accounts; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.sender_accounts TO drip_view;
GRANT SELECT ON TABLE drip.sender_accounts TO drip_operator;


--
-- Name: COLUMN sender_accounts.reach_cap; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(reach_cap) ON TABLE drip.sender_accounts TO drip_operator;


--
-- Name: TABLE suppressions; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.suppressions TO drip_view;
GRANT SELECT ON TABLE drip.suppressions TO drip_operator;


--
-- Name: TABLE _message_facts; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip._message_facts TO drip_view;


--
-- Name: TABLE alembic_version; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.alembic_version TO drip_view;
GRANT SELECT ON TABLE drip.alembic_version TO drip_operator;


--
-- Name: TABLE audiences; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.audiences TO drip_view;
GRANT SELECT ON TABLE drip.audiences TO drip_operator;


--
-- Name: TABLE audit_log; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.audit_log TO drip_view;
GRANT SELECT ON TABLE drip.audit_log TO drip_operator;


--
-- Name: TABLE campaign_overview; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.campaign_overview TO drip_reader;


--
-- Name: TABLE code_objects; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.code_objects TO drip_view;
GRANT SELECT ON TABLE drip.code_objects TO drip_operator;


--
-- Name: TABLE device_overview; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.device_overview TO drip_reader;


--
-- Name: TABLE error_codes; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.error_codes TO drip_view;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE drip.error_codes TO drip_operator;


--
-- Name: COLUMN error_codes.scope; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(scope) ON TABLE drip.error_codes TO drip_operator;


--
-- Name: COLUMN error_codes.action; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(action) ON TABLE drip.error_codes TO drip_operator;


--
-- Name: COLUMN error_codes.wait; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(wait) ON TABLE drip.error_codes TO drip_operator;


--
-- Name: COLUMN error_codes.auto_resume; Type: ACL; Schema: drip; Owner: postgres
--

GRANT UPDATE(auto_resume) ON TABLE drip.error_codes TO drip_operator;


--
-- Name: TABLE greetings; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.greetings TO drip_view;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE drip.greetings TO drip_operator;


--
-- Name: TABLE guards; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.guards TO drip_view;
GRANT SELECT ON TABLE drip.guards TO drip_operator;


--
-- Name: TABLE inbound_messages; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.inbound_messages TO drip_view;
GRANT SELECT ON TABLE drip.inbound_messages TO drip_operator;


--
-- Name: TABLE installed_parts; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.installed_parts TO drip_view;
GRANT SELECT ON TABLE drip.installed_parts TO drip_operator;


--
-- Name: TABLE lead_aliases; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.lead_aliases TO drip_view;
GRANT SELECT ON TABLE drip.lead_aliases TO drip_operator;


--
-- Name: TABLE message_attempts; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.message_attempts TO drip_view;
GRANT SELECT ON TABLE drip.message_attempts TO drip_operator;


--
-- Name: TABLE message_log; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.message_log TO drip_reader;


--
-- Name: TABLE message_outlook; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.message_outlook TO drip_reader;


--
-- Name: TABLE queue_overview; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.queue_overview TO drip_reader;


--
-- Name: TABLE receipts; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.receipts TO drip_view;
GRANT SELECT ON TABLE drip.receipts TO drip_operator;


--
-- Name: TABLE sequence_funnel; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.sequence_funnel TO drip_reader;


--
-- Name: TABLE sequence_overview; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.sequence_overview TO drip_reader;


--
-- Name: TABLE sequence_progress_monitor; Type: ACL; Schema: drip; Owner: drip_view
--

GRANT SELECT ON TABLE drip.sequence_progress_monitor TO drip_reader;


--
-- Name: TABLE stop_words; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.stop_words TO drip_view;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE drip.stop_words TO drip_operator;


--
-- Name: TABLE task_runs; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.task_runs TO drip_view;
GRANT SELECT ON TABLE drip.task_runs TO drip_operator;


--
-- Name: TABLE user_roles; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.user_roles TO drip_view;
GRANT SELECT ON TABLE drip.user_roles TO drip_operator;


--
-- Name: TABLE workers; Type: ACL; Schema: drip; Owner: postgres
--

GRANT SELECT ON TABLE drip.workers TO drip_view;
GRANT SELECT ON TABLE drip.workers TO drip_operator;


--
-- Name: TABLE meta; Type: ACL; Schema: pgmq; Owner: postgres
--

GRANT SELECT ON TABLE pgmq.meta TO pg_monitor;


--
-- Name: TABLE notify_insert_throttle; Type: ACL; Schema: pgmq; Owner: postgres
--

GRANT SELECT ON TABLE pgmq.notify_insert_throttle TO pg_monitor;


--
-- Name: TABLE topic_bindings; Type: ACL; Schema: pgmq; Owner: postgres
--

GRANT SELECT ON TABLE pgmq.topic_bindings TO pg_monitor;


--
-- Name: TABLE procrastinate_events; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE procrastinate.procrastinate_events TO drip_worker;


--
-- Name: SEQUENCE procrastinate_events_id_seq; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT USAGE ON SEQUENCE procrastinate.procrastinate_events_id_seq TO drip_worker;


--
-- Name: SEQUENCE procrastinate_jobs_id_seq; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT USAGE ON SEQUENCE procrastinate.procrastinate_jobs_id_seq TO drip_worker;


--
-- Name: TABLE procrastinate_periodic_defers; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE procrastinate.procrastinate_periodic_defers TO drip_worker;


--
-- Name: SEQUENCE procrastinate_periodic_defers_id_seq; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT USAGE ON SEQUENCE procrastinate.procrastinate_periodic_defers_id_seq TO drip_worker;


--
-- Name: TABLE procrastinate_workers; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE procrastinate.procrastinate_workers TO drip_worker;


--
-- Name: SEQUENCE procrastinate_workers_id_seq; Type: ACL; Schema: procrastinate; Owner: postgres
--

GRANT USAGE ON SEQUENCE procrastinate.procrastinate_workers_id_seq TO drip_worker;


--
-- Name: DEFAULT PRIVILEGES FOR SEQUENCES; Type: DEFAULT ACL; Schema: pgmq; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA pgmq GRANT SELECT ON SEQUENCES  TO pg_monitor;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: pgmq; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA pgmq GRANT SELECT ON TABLES  TO pg_monitor;


--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres REVOKE ALL ON FUNCTIONS  FROM PUBLIC;


--
-- PostgreSQL database dump complete
--


