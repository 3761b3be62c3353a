"""The tables of schema drip: tenants, devices, leads, sequences, campaigns and the queue.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ACCOUNTS = r"""
create table drip.users (
  id                  bigint generated always as identity primary key,
  name                text not null,
  email               text,
  time_zone           text not null default 'UTC',
  default_region      text,
  language            text not null default 'en',
  send_from           time,
  send_to             time,
  send_days           smallint[],
  contact_cap         integer,
  contact_cap_period  interval not null default '7 days',
  contact_gap         interval,
  unknown_hold        interval not null default '24 hours',
  breaker_rate        numeric not null default 0.5,
  breaker_sample      integer not null default 20,
  is_active           boolean not null default true,
  created_at          timestamptz not null,
  constraint users_name_unique unique (name),
  constraint users_name_form check (name = btrim(name) and name <> '' and name !~ '^\d+$'),
  constraint users_region_form check (default_region ~ '^[A-Z]{2}$'),
  constraint users_window_pair check ((send_from is null) = (send_to is null)),
  constraint users_window_open check (send_from <> send_to),
  constraint users_days_iso
    check (send_days <@ array[1,2,3,4,5,6,7]::smallint[] and cardinality(send_days) > 0),
  constraint users_cap_positive check (contact_cap > 0),
  constraint users_cap_period_positive check (contact_cap_period > interval '0'),
  constraint users_gap_positive check (contact_gap > interval '0'),
  constraint users_hold_not_negative check (unknown_hold >= interval '0'),
  constraint users_breaker_rate_share check (breaker_rate > 0 and breaker_rate <= 1),
  constraint users_breaker_sample_floor check (breaker_sample >= 5)
);
comment on table drip.users is 'Tenants. One row per customer of this installation.';
comment on column drip.users.time_zone is
  '[setting] IANA zone in which local times without a zone of their own are read.';
comment on column drip.users.default_region is
  '[setting] ISO 3166 region by which phones without + are read; null accepts only +….';
comment on column drip.users.language is
  '[setting] Language of greetings for leads that name none.';
comment on column drip.users.send_from is
  '[setting] Local start of the sending window for programs that set none.';
comment on column drip.users.send_to is
  '[setting] Local end of the sending window (exclusive); below send_from it wraps midnight.';
comment on column drip.users.send_days is
  '[setting] ISO days (1 = Monday) on which programs that set none may send; null = all.';
comment on column drip.users.contact_cap is
  '[setting] Most marketing messages one contact gets per contact_cap_period; null = no cap.';
comment on column drip.users.contact_cap_period is
  '[setting] Moving period over which contact_cap counts.';
comment on column drip.users.contact_gap is
  '[setting] Least time between two marketing messages to one contact; null = off.';
comment on column drip.users.unknown_hold is
  '[setting] After this time a held unknown counts as finished for order and completion.';
comment on column drip.users.breaker_rate is
  '[setting] Share of failures (0 to 1) at which a device''s circuit breaker opens.';
comment on column drip.users.breaker_sample is
  '[setting] Results a device must have before its circuit breaker may open.';
comment on column drip.users.is_active is
  '[setting] False stops all sending of the tenant at the next claim.';

create table drip.user_roles (
  role_name  text not null,
  user_id    bigint not null references drip.users (id),
  created_at timestamptz not null,
  primary key (role_name, user_id)
);
comment on table drip.user_roles is
  'Which database role may act for which users; members of the role inherit it.';

create table drip.sender_accounts (
  id                        bigint generated always as identity primary key,
  user_id                   bigint not null references drip.users (id),
  name                      text not null,
  platform                  text not null,
  reach_cap                 integer,
  status                    text not null default 'online',
  status_reason             text,
  blocked_until             timestamptz,
  webhook_secret_name       text,
  verify_token_secret_name  text,
  created_at                timestamptz not null,
  constraint sender_accounts_tenant unique (id, user_id),
  constraint sender_accounts_name_unique unique (user_id, name),
  constraint sender_accounts_name_form
    check (name = btrim(name) and name <> '' and name !~ '^\d+$'),
  constraint sender_accounts_platform_known check (
    platform in ('gowa', 'cloud_api', 'waha', 'evolution', 'wablas', 'whacenter')),
  constraint sender_accounts_status_known
    check (status in ('online', 'offline', 'needs_attention', 'disabled')),
  constraint sender_accounts_reach_positive check (reach_cap > 0)
);
comment on table drip.sender_accounts is
  'What several devices share: a Meta business portfolio or a gateway.';
comment on column drip.sender_accounts.reach_cap is
  '[setting] Unique leads per moving 24 h over all devices of the account; null = no cap.';

create table drip.user_devices (
  id                        bigint generated always as identity primary key,
  user_id                   bigint not null references drip.users (id),
  account_id                bigint,
  name                      text not null,
  phone                     text,
  platform                  text not null,
  endpoint                  text,
  instance                  text,
  secret_name               text,
  webhook_secret_name       text,
  verify_token_secret_name  text,
  status                    text not null default 'online',
  status_reason             text,
  status_since              timestamptz not null,
  last_seen                 timestamptz,
  min_delay_seconds         integer not null default 10,
  max_delay_seconds         integer not null default 30,
  burst                     integer not null default 1,
  in_pool                   boolean not null default true,
  daily_cap                 integer,
  ramp                      integer[],
  ramp_started_on           date,
  active_from               time,
  active_to                 time,
  unknown_policy            text not null default 'hold',
  failover_policy           text not null default 'wait',
  created_at                timestamptz not null,
  constraint user_devices_tenant unique (id, user_id),
  constraint user_devices_name_unique unique (user_id, name),
  constraint user_devices_account_tenant
    foreign key (user_id, account_id) references drip.sender_accounts (user_id, id),
  constraint user_devices_name_form check (name = btrim(name) and name <> '' and name !~ '^\d+$'),
  constraint user_devices_phone_e164 check (phone ~ '^\+[1-9][0-9]{6,14}$'),
  constraint user_devices_platform_known check (
    platform in ('gowa', 'cloud_api', 'waha', 'evolution', 'wablas', 'whacenter')),
  constraint user_devices_endpoint_http check (endpoint ~ '^https?://[^\s]+$'),
  constraint user_devices_status_known
    check (status in ('online', 'offline', 'needs_attention', 'disabled')),
  constraint user_devices_delay_order
    check (min_delay_seconds >= 0 and min_delay_seconds <= max_delay_seconds
           and max_delay_seconds <= 86400),
  constraint user_devices_burst_positive check (burst between 1 and 1000),
  constraint user_devices_cap_positive check (daily_cap > 0),
  constraint user_devices_ramp_positive check (0 < all (ramp) and cardinality(ramp) > 0),
  constraint user_devices_ramp_start check (ramp is null or ramp_started_on is not null),
  constraint user_devices_hours_pair check ((active_from is null) = (active_to is null)),
  constraint user_devices_hours_open check (active_from <> active_to),
  constraint user_devices_unknown_known check (unknown_policy in ('hold', 'retry')),
  constraint user_devices_failover_known
    check (failover_policy in ('wait', 'failover', 'rebind'))
);
comment on table drip.user_devices is 'WhatsApp senders: one row per number or session.';
comment on column drip.user_devices.min_delay_seconds is
  '[setting] Shortest pause after a claim of this device, in seconds; a floor for all programs.';
comment on column drip.user_devices.max_delay_seconds is
  '[setting] Longest pause after a claim of this device, in seconds.';
comment on column drip.user_devices.burst is
  '[setting] Most messages of this device in flight at once.';
comment on column drip.user_devices.in_pool is
  '[setting] True: leads without a device of their own may be given to this one.';
comment on column drip.user_devices.daily_cap is
  '[setting] Most sends per local calendar day of the tenant; null = no cap.';
comment on column drip.user_devices.ramp is
  '[setting] Warm-up: most sends on day 1, 2, … since ramp_started_on; null = off.';
comment on column drip.user_devices.ramp_started_on is
  '[setting] Local date of day 1 of the ramp.';
comment on column drip.user_devices.active_from is
  '[setting] Local start of the hours in which this device sends; null = always.';
comment on column drip.user_devices.active_to is
  '[setting] Local end of the device''s hours (exclusive); below active_from it wraps midnight.';
comment on column drip.user_devices.unknown_policy is
  '[setting] hold: an unknown outcome waits for a receipt or a person; retry: it is sent again.';
comment on column drip.user_devices.failover_policy is
  '[setting] wait: messages stay with the device; failover: due ones move to another pool device
   while it cannot send; rebind: the lead moves too.';

create table drip.device_pacing (
  device_id           bigint primary key,
  user_id             bigint not null,
  next_look_at        timestamptz not null,
  next_send_at        timestamptz not null,
  local_day           date,
  sent_today          integer not null default 0,
  window_started_at   timestamptz,
  window_results      integer not null default 0,
  window_failures     integer not null default 0,
  breaker_open_until  timestamptz,
  breaker_level       integer not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
comment on table drip.device_pacing is
  'One narrow hot row per device: when to look, when it may send, the day''s count, the breaker.';
"""

LEADS = r"""
create table drip.leads (
  id              bigint generated always as identity primary key,
  user_id         bigint not null references drip.users (id),
  external_id     text,
  phone           text not null,
  name            text,
  niche           text,
  trigger         text,
  target_status   text not null default 'prospect',
  device_id       bigint,
  time_zone       text,
  language        text,
  attributes      jsonb not null default '{}',
  paused_until    timestamptz,
  pause_reason    text,
  last_inbound_at timestamptz,
  enroll_check    boolean not null default true,
  chained         jsonb not null default '{}',
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  constraint leads_tenant unique (id, user_id),
  constraint leads_phone_unique unique (user_id, phone),
  constraint leads_external_unique unique (user_id, external_id),
  constraint leads_device_tenant
    foreign key (user_id, device_id) references drip.user_devices (user_id, id),
  constraint leads_phone_e164 check (phone ~ '^\+[1-9][0-9]{6,14}$'),
  constraint leads_target_known check (target_status in ('prospect', 'customer')),
  constraint leads_attributes_object check (jsonb_typeof(attributes) = 'object'),
  constraint leads_chained_object check (jsonb_typeof(chained) = 'object')
);
create index leads_enroll_check_idx on drip.leads (id) where enroll_check;
create index leads_trigger_idx on drip.leads (user_id) where trigger is not null;
create index leads_paused_idx on drip.leads (paused_until) where paused_until is not null;
create index leads_device_idx on drip.leads (device_id) where device_id is not null;
comment on table drip.leads is 'Contacts of a tenant: one row per phone.';
comment on column drip.leads.name is '[setting] Name, for {name} in texts.';
comment on column drip.leads.niche is '[setting] Comma list of niche tokens.';
comment on column drip.leads.trigger is
  '[setting] Comma list of trigger tokens that no sequence has consumed yet.';
comment on column drip.leads.target_status is '[setting] prospect or customer.';
comment on column drip.leads.device_id is
  '[setting] The device that writes to this lead; null = one of the pool.';
comment on column drip.leads.time_zone is
  '[setting] IANA zone in which the lead''s local times are read; null = the tenant''s.';
comment on column drip.leads.language is
  '[setting] Language of greetings, such as en or ms; null = the tenant''s.';
comment on column drip.leads.attributes is
  '[setting] Whatever the tenant knows of the lead, for {attributes.…} in texts.';
comment on column drip.leads.enroll_check is
  'True while automatic enrollment has still to look at the row as it is now.';
comment on column drip.leads.chained is
  'Trigger tokens (lower case) that a completed journey gave, with the time of its last send.';

create table drip.suppressions (
  id         bigint generated always as identity primary key,
  user_id    bigint not null references drip.users (id),
  phone      text not null,
  category   text not null default 'all',
  reason     text,
  source     text not null default 'application',
  created_at timestamptz not null,
  constraint suppressions_unique unique (user_id, phone, category),
  constraint suppressions_phone_e164 check (phone ~ '^\+[1-9][0-9]{6,14}$'),
  constraint suppressions_category_known check (category in ('all', 'marketing'))
);
comment on table drip.suppressions is
  'Opt-outs: phones that get nothing (all) or no marketing (marketing).';

create table drip.lead_aliases (
  user_id      bigint not null references drip.users (id),
  platform     text not null,
  provider_id  text not null,
  lead_id      bigint not null,
  created_at   timestamptz not null,
  primary key (user_id, platform, provider_id),
  constraint lead_aliases_lead_tenant
    foreign key (user_id, lead_id) references drip.leads (user_id, id)
);
comment on table drip.lead_aliases is
  'Ids under which providers know a lead, so that a second number format still matches.';
"""

PROGRAMS = r"""
create table drip.guards (
  name        text primary key,
  description text,
  created_at  timestamptz not null
);
comment on table drip.guards is 'Registered guards: boolean functions of a lead and an enrollment.';

create table drip.audiences (
  name        text primary key,
  key_column  text not null,
  user_id     bigint references drip.users (id),
  description text,
  created_at  timestamptz not null,
  constraint audiences_key_known check (key_column in ('lead_id', 'external_id', 'phone'))
);
comment on table drip.audiences is 'Registered audience views: who a campaign may name.';

create table drip.sequences (
  id                 bigint generated always as identity primary key,
  user_id            bigint not null references drip.users (id),
  name               text not null,
  description        text,
  trigger            text,
  niche              text,
  target_status      text,
  auto_enroll        text not null default 'trigger',
  status             text not null default 'draft',
  is_active          boolean generated always as (status = 'active') stored,
  status_reason      text,
  paused_at          timestamptz,
  started_at         timestamptz,
  include_existing   boolean not null default false,
  swept_at           timestamptz,
  swept_to_lead_id   bigint not null default 0,
  device_id          bigint,
  start_delay        interval not null default '5 minutes',
  send_from          time,
  send_to            time,
  send_days          smallint[],
  skip_weekends      boolean not null default false,
  min_delay_seconds  integer,
  max_delay_seconds  integer,
  category           text not null default 'marketing',
  greeting           boolean not null default false,
  stop_on_reply      boolean not null default true,
  exit_if            text references drip.guards (name),
  exclusive_group    text,
  reenroll_after     interval,
  on_step_failure    text not null default 'continue',
  priority           smallint not null default 2,
  created_at         timestamptz not null,
  updated_at         timestamptz not null,
  constraint sequences_tenant unique (id, user_id),
  constraint sequences_name_unique unique (user_id, name),
  constraint sequences_device_tenant
    foreign key (user_id, device_id) references drip.user_devices (user_id, id),
  constraint sequences_name_form check (name = btrim(name) and name <> '' and name !~ '^\d+$'),
  constraint sequences_trigger_token check (trigger !~ ','),
  constraint sequences_niche_token check (niche !~ ','),
  constraint sequences_target_known check (target_status in ('prospect', 'customer', 'all')),
  constraint sequences_auto_enroll_known check (auto_enroll in ('trigger', 'niche', 'manual')),
  constraint sequences_status_known check (status in ('draft', 'active', 'paused', 'archived')),
  constraint sequences_start_delay_not_negative check (start_delay >= interval '0'),
  constraint sequences_window_pair check ((send_from is null) = (send_to is null)),
  constraint sequences_window_open check (send_from <> send_to),
  constraint sequences_days_iso
    check (send_days <@ array[1,2,3,4,5,6,7]::smallint[] and cardinality(send_days) > 0),
  constraint sequences_days_left check (
    not skip_weekends or send_days is null or send_days && array[1,2,3,4,5]::smallint[]),
  constraint sequences_delay_order
    check (min_delay_seconds >= 0 and min_delay_seconds <= max_delay_seconds),
  constraint sequences_category_known check (category in ('marketing', 'utility')),
  constraint sequences_failure_known check (on_step_failure in ('continue', 'stop')),
  constraint sequences_reenroll_positive check (reenroll_after >= interval '0'),
  constraint sequences_priority_known check (priority between 1 and 3),
  constraint sequences_niche_named
    check (status not in ('active', 'paused') or auto_enroll <> 'niche'
           or btrim(coalesce(niche, '')) <> '')
);
comment on table drip.sequences is 'Drip sequences: one row per program, its steps beside it.';
comment on column drip.sequences.trigger is
  '[setting] Token of a lead that enters it; null = the entry step''s trigger.';
comment on column drip.sequences.niche is
  '[setting] Only leads with this niche token are enrolled by themselves.';
comment on column drip.sequences.target_status is
  '[setting] Only leads of this status are enrolled by themselves; null or all = any.';
comment on column drip.sequences.auto_enroll is
  '[setting] trigger: by token; niche: leads of the niche, new or changed; manual: only by call.';
comment on column drip.sequences.include_existing is
  'True: auto_enroll niche takes leads that are older than the start as well.';
comment on column drip.sequences.swept_at is
  'When the sweep last looked for matching leads; null = it looks at once.';
comment on column drip.sequences.swept_to_lead_id is
  'How far a look of the sweep that is under way has come; 0 = none is.';
comment on column drip.sequences.device_id is
  '[setting] Sending device; null = the lead''s device, else one of the pool.';
comment on column drip.sequences.start_delay is '[setting] Wait from enrollment to the first step.';
comment on column drip.sequences.send_from is
  '[setting] Local start of the sending window; null = the tenant''s.';
comment on column drip.sequences.send_to is
  '[setting] Local end of the sending window (exclusive); below send_from it wraps midnight.';
comment on column drip.sequences.send_days is '[setting] ISO days (1 = Monday) for sending.';
comment on column drip.sequences.skip_weekends is '[setting] True: nothing on Saturday and Sunday.';
comment on column drip.sequences.min_delay_seconds is
  '[setting] Least pause after a message of this sequence, in seconds; the device is the floor.';
comment on column drip.sequences.max_delay_seconds is
  '[setting] Longest pause after a message of this sequence, in seconds.';
comment on column drip.sequences.category is
  '[setting] marketing: held by marketing opt-outs and contact caps; utility: only by full ones.';
comment on column drip.sequences.greeting is
  '[setting] True: a greeting by the lead''s local hour and language stands first in each text.';
comment on column drip.sequences.stop_on_reply is
  '[setting] True: a reply of the lead ends the journey.';
comment on column drip.sequences.exit_if is '[setting] Guard that ends the journey when true.';
comment on column drip.sequences.exclusive_group is
  '[setting] A lead is in one live sequence of a group at a time.';
comment on column drip.sequences.reenroll_after is
  '[setting] A finished lead may enter again after this time; null = never.';
comment on column drip.sequences.on_step_failure is
  '[setting] continue: the next step goes on after a failed one; stop: the journey ends.';
comment on column drip.sequences.priority is
  '[setting] Class in the device''s queue: 1 first (single, utility), 2 drip steps, 3 campaigns.';

create table drip.sequence_steps (
  id                   bigint generated always as identity primary key,
  user_id              bigint not null,
  sequence_id          bigint not null,
  day_number           integer not null,
  name                 text,
  trigger              text,
  next_trigger         text,
  is_entry_point       boolean not null default false,
  trigger_delay_hours  numeric not null default 24,
  send_time            time,
  message_type         text not null default 'text',
  content              text,
  media_url            text,
  caption              text,
  template             jsonb,
  min_delay_seconds    integer,
  max_delay_seconds    integer,
  valid_for            interval,
  only_if              text references drip.guards (name),
  created_at           timestamptz not null,
  updated_at           timestamptz not null,
  constraint sequence_steps_tenant unique (id, user_id),
  constraint sequence_steps_position_unique
    unique (sequence_id, day_number) deferrable initially immediate,
  constraint sequence_steps_name_unique unique (sequence_id, name),
  constraint sequence_steps_sequence_tenant
    foreign key (user_id, sequence_id) references drip.sequences (user_id, id) on delete cascade,
  constraint sequence_steps_position_positive check (day_number >= 1),
  constraint sequence_steps_name_form
    check (name = btrim(name) and name <> '' and name !~ '^\d+$'),
  constraint sequence_steps_trigger_token check (trigger !~ ','),
  constraint sequence_steps_next_token check (next_trigger !~ ','),
  constraint sequence_steps_delay_not_negative
    check (trigger_delay_hours >= 0 and trigger_delay_hours <= 87600),
  constraint sequence_steps_type_known
    check (message_type in ('text', 'image', 'video', 'document', 'audio', 'template')),
  constraint sequence_steps_text_content
    check (message_type <> 'text' or (btrim(coalesce(content, '')) <> '' and media_url is null)),
  constraint sequence_steps_media_url check (
    message_type not in ('image', 'video', 'document', 'audio')
    or coalesce(media_url ~ '^https?://[^\s]+$', false)),
  constraint sequence_steps_template_given
    check (message_type <> 'template' or template is not null),
  constraint sequence_steps_delay_order
    check (min_delay_seconds >= 0 and min_delay_seconds <= max_delay_seconds),
  constraint sequence_steps_valid_positive check (valid_for > interval '0')
);
comment on table drip.sequence_steps is 'The messages of a sequence, in order of day_number.';
comment on column drip.sequence_steps.trigger_delay_hours is
  '[setting] Wait since the step before, in hours; fractions allowed.';
comment on column drip.sequence_steps.trigger is
  '[setting] Token of the step; the entry step''s enrolls where the sequence names none.';
comment on column drip.sequence_steps.next_trigger is
  '[setting] Last step: token the lead gets at completion; inner step: the next step''s trigger.';
comment on column drip.sequence_steps.send_time is
  '[setting] Local time of day; the step waits for its next occurrence.';
comment on column drip.sequence_steps.content is
  '[setting] Text with {placeholders} and [[variants]]; rendered when the message is claimed.';
comment on column drip.sequence_steps.media_url is '[setting] http(s) address of the media.';
comment on column drip.sequence_steps.caption is
  '[setting] Caption of media; null = content.';
comment on column drip.sequence_steps.min_delay_seconds is
  '[setting] Least pause after this step, in seconds; null = the sequence''s.';
comment on column drip.sequence_steps.max_delay_seconds is
  '[setting] Longest pause after this step, in seconds; null = the sequence''s.';
comment on column drip.sequence_steps.valid_for is
  '[setting] A message this long past its time expires instead of going late; null = never.';
comment on column drip.sequence_steps.only_if is
  '[setting] Guard; false skips the step for this lead.';

create table drip.sequence_contacts (
  id                  bigint generated always as identity primary key,
  user_id             bigint not null,
  sequence_id         bigint not null,
  lead_id             bigint not null,
  key                 text not null default '',
  attributes          jsonb not null default '{}',
  contact_phone       text not null,
  contact_name        text,
  current_trigger     text,
  current_step        integer,
  sequence_stepid     bigint,
  next_trigger_time   timestamptz,
  assigned_device_id  bigint,
  exclusive_group     text,
  status              text not null default 'pending',
  exit_reason         text,
  enrolled_at         timestamptz not null,
  completed_at        timestamptz,
  constraint sequence_contacts_tenant unique (id, user_id),
  constraint sequence_contacts_sequence_tenant
    foreign key (user_id, sequence_id) references drip.sequences (user_id, id),
  constraint sequence_contacts_lead_tenant
    foreign key (user_id, lead_id) references drip.leads (user_id, id),
  constraint sequence_contacts_attributes_object check (jsonb_typeof(attributes) = 'object'),
  constraint sequence_contacts_status_known check (status in (
    'pending', 'active', 'sent', 'failed', 'paused', 'completed', 'sequence_failed', 'exited')),
  constraint sequence_contacts_completed_exactly check (
    (completed_at is not null) = (status in ('completed', 'sequence_failed', 'exited'))),
  constraint sequence_contacts_finished_has_no_next check (
    completed_at is null or next_trigger_time is null),
  constraint sequence_contacts_exit_reason check (status <> 'exited' or exit_reason is not null)
);
create unique index sequence_contacts_live_unique
  on drip.sequence_contacts (sequence_id, lead_id, key)
  where status in ('pending', 'active', 'sent', 'failed', 'paused');
create unique index sequence_contacts_exclusive_unique
  on drip.sequence_contacts (user_id, lead_id, exclusive_group)
  where exclusive_group is not null
    and status in ('pending', 'active', 'sent', 'failed', 'paused');
create index sequence_contacts_lead_idx on drip.sequence_contacts (lead_id, sequence_id);
comment on table drip.sequence_contacts is
  'Enrollments: one row per journey of a lead through a sequence.';

create table drip.campaigns (
  id                   bigint generated always as identity primary key,
  user_id              bigint not null references drip.users (id),
  title                text not null,
  category             text not null default 'marketing',
  greeting             boolean not null default false,
  message              text,
  message_type         text not null default 'text',
  media_url            text,
  caption              text,
  template             jsonb,
  niche                text,
  target_status        text not null default 'all',
  audience             text references drip.audiences (name),
  everyone             boolean not null default false,
  exclude              text references drip.audiences (name),
  devices              bigint[],
  scheduled_at         timestamptz,
  local_time_per_lead  boolean not null default false,
  send_from            time,
  send_to              time,
  send_days            smallint[],
  valid_for            interval,
  status               text not null default 'draft',
  min_delay_seconds    integer,
  max_delay_seconds    integer,
  per_device_limit     integer,
  priority             smallint not null default 3,
  audience_count       integer,
  expanded_to_lead_id  bigint not null default 0,
  expanded_at          timestamptz,
  expand_attempts      integer not null default 0,
  paused_at            timestamptz,
  status_reason        text,
  last_error           text,
  last_run_at          timestamptz,
  completed_at         timestamptz,
  created_at           timestamptz not null,
  updated_at           timestamptz not null,
  constraint campaigns_tenant unique (id, user_id),
  constraint campaigns_title_unique unique (user_id, title),
  constraint campaigns_title_form check (title = btrim(title) and title <> '' and title !~ '^\d+$'),
  constraint campaigns_category_known check (category in ('marketing', 'utility')),
  constraint campaigns_type_known
    check (message_type in ('text', 'image', 'video', 'document', 'audio', 'template')),
  constraint campaigns_text_content
    check (message_type <> 'text' or (btrim(coalesce(message, '')) <> '' and media_url is null)),
  constraint campaigns_media_url check (
    message_type not in ('image', 'video', 'document', 'audio')
    or coalesce(media_url ~ '^https?://[^\s]+$', false)),
  constraint campaigns_template_given check (message_type <> 'template' or template is not null),
  constraint campaigns_niche_token check (niche !~ ','),
  constraint campaigns_target_known check (target_status in ('prospect', 'customer', 'all')),
  constraint campaigns_names_somebody check (
    everyone or audience is not null or btrim(coalesce(niche, '')) <> ''),
  constraint campaigns_devices_some check (cardinality(devices) > 0),
  constraint campaigns_window_pair check ((send_from is null) = (send_to is null)),
  constraint campaigns_window_open check (send_from <> send_to),
  constraint campaigns_days_iso
    check (send_days <@ array[1,2,3,4,5,6,7]::smallint[] and cardinality(send_days) > 0),
  constraint campaigns_valid_positive check (valid_for > interval '0'),
  constraint campaigns_status_known check (status in (
    'draft', 'pending', 'triggered', 'completed', 'paused', 'cancelled', 'failed')),
  constraint campaigns_scheduled
    check (status in ('draft', 'cancelled') or scheduled_at is not null),
  constraint campaigns_delay_order
    check (min_delay_seconds >= 0 and min_delay_seconds <= max_delay_seconds),
  constraint campaigns_limit_positive check (per_device_limit > 0),
  constraint campaigns_priority_known check (priority between 1 and 3)
);
create index campaigns_open_idx on drip.campaigns (status, scheduled_at)
  where status in ('pending', 'triggered');
comment on table drip.campaigns is 'Broadcast campaigns: one message to each lead of an audience.';
comment on column drip.campaigns.message is
  '[setting] Text with {placeholders} and [[variants]]; rendered when a message is claimed.';
comment on column drip.campaigns.media_url is '[setting] http(s) address of the media.';
comment on column drip.campaigns.caption is '[setting] Caption of media; null = message.';
comment on column drip.campaigns.niche is '[setting] Leads with this niche token.';
comment on column drip.campaigns.target_status is
  '[setting] prospect, customer or all; all means all.';
comment on column drip.campaigns.audience is '[setting] Registered view that names the leads.';
comment on column drip.campaigns.everyone is '[setting] True: every lead of the tenant.';
comment on column drip.campaigns.exclude is '[setting] Registered view of leads to leave out.';
comment on column drip.campaigns.devices is
  '[setting] Ids of the sending devices; null = the lead''s device, else the pool.';
comment on column drip.campaigns.local_time_per_lead is
  '[setting] True: the wall-clock time of scheduled_at counts in each lead''s own zone.';
comment on column drip.campaigns.send_from is
  '[setting] Local start of the sending window; null = the tenant''s.';
comment on column drip.campaigns.send_to is '[setting] Local end of the sending window.';
comment on column drip.campaigns.send_days is '[setting] ISO days (1 = Monday) for sending.';
comment on column drip.campaigns.valid_for is
  '[setting] A message this long past its time expires; null = never.';
comment on column drip.campaigns.greeting is
  '[setting] True: a greeting by the lead''s local hour and language stands first.';
comment on column drip.campaigns.category is
  '[setting] marketing: held by marketing opt-outs and contact caps; utility: only by full ones.';
comment on column drip.campaigns.min_delay_seconds is
  '[setting] Least pause after a message, in seconds; the device is the floor.';
comment on column drip.campaigns.max_delay_seconds is
  '[setting] Longest pause after a message, in seconds.';
comment on column drip.campaigns.per_device_limit is
  '[setting] Most messages per device; the rest is skipped as campaign_device_limit.';
comment on column drip.campaigns.priority is
  '[setting] Class in the device''s queue: 1 first, 2 drip steps, 3 campaigns.';
"""

QUEUE = r"""
create table drip.broadcast_messages (
  id                   bigint generated always as identity primary key,
  user_id              bigint not null,
  device_id            bigint,
  lead_id              bigint not null,
  campaign_id          bigint references drip.campaigns (id),
  sequence_id          bigint,
  sequence_stepid      bigint,
  sequence_contact_id  bigint references drip.sequence_contacts (id),
  recipient_phone      text not null,
  recipient_name       text,
  category             text not null,
  message_type         text not null,
  source               jsonb,
  content              text,
  caption              text,
  media_url            text,
  template             jsonb,
  idempotency_key      text,
  priority             smallint not null,
  scheduled_at         timestamptz not null,
  planned_at           timestamptz not null,
  not_before           timestamptz,
  deferred_reason      text,
  due_at               timestamptz generated always as (greatest(scheduled_at, not_before)) stored,
  expires_at           timestamptz,
  status               text not null default 'pending',
  status_reason        text,
  attempts             integer not null default 0,
  failures             integer not null default 0,
  max_failures         integer not null default 5,
  worker_id            text,
  lease_expires_at     timestamptz,
  provider_message_id  text,
  error_code           text,
  error_message        text,
  sent_at              timestamptz,
  delivered_at         timestamptz,
  read_at              timestamptz,
  replied_at           timestamptz,
  finished_at          timestamptz,
  hold_ended_at        timestamptz,
  created_at           timestamptz not null,
  constraint broadcast_messages_category_known check (category in ('marketing', 'utility')),
  constraint broadcast_messages_type_known
    check (message_type in ('text', 'image', 'video', 'document', 'audio', 'template')),
  constraint broadcast_messages_one_source check (
    case
      when campaign_id is not null
        then num_nonnulls(sequence_id, sequence_stepid, sequence_contact_id, source) = 0
      when sequence_contact_id is not null
        then num_nonnulls(sequence_id, sequence_stepid) = 2 and source is null
      else num_nonnulls(sequence_id, sequence_stepid) = 0 and source is not null
    end),
  constraint broadcast_messages_priority_known check (priority between 1 and 3),
  constraint broadcast_messages_status_known check (status in (
    'pending', 'processing', 'sent', 'failed', 'unknown', 'cancelled', 'skipped', 'expired')),
  constraint broadcast_messages_sent_has_no_error check (
    status <> 'sent'
    or (sent_at is not null and error_code is null and error_message is null)),
  constraint broadcast_messages_lease_exactly check (
    (status = 'processing') = (lease_expires_at is not null)
    and (status <> 'processing' or worker_id is not null)),
  constraint broadcast_messages_finished_exactly check (
    (finished_at is null) = (status in ('pending', 'processing'))),
  constraint broadcast_messages_failed_says_why check (
    status not in ('failed', 'unknown', 'cancelled', 'skipped', 'expired')
    or status_reason is not null)
) with (fillfactor = 85);
create index broadcast_messages_queue_idx
  on drip.broadcast_messages (device_id, priority, due_at, id) where status = 'pending';
create index broadcast_messages_processing_idx
  on drip.broadcast_messages (device_id) where status = 'processing';
create index broadcast_messages_unknown_idx
  on drip.broadcast_messages (user_id, finished_at) where status = 'unknown';
create index broadcast_messages_expiry_idx
  on drip.broadcast_messages (expires_at) where status = 'pending' and expires_at is not null;
create index broadcast_messages_loose_idx
  on drip.broadcast_messages (id) where status = 'pending' and device_id is null;
create index broadcast_messages_campaign_open_idx
  on drip.broadcast_messages (campaign_id) where campaign_id is not null and status = 'pending';
create unique index broadcast_messages_step_unique
  on drip.broadcast_messages (sequence_contact_id, sequence_stepid)
  where sequence_contact_id is not null;
create unique index broadcast_messages_campaign_unique
  on drip.broadcast_messages (campaign_id, lead_id) where campaign_id is not null;
create unique index broadcast_messages_idempotency_unique
  on drip.broadcast_messages (user_id, idempotency_key) where idempotency_key is not null;
create index broadcast_messages_lead_idx on drip.broadcast_messages (lead_id, id);
comment on table drip.broadcast_messages is
  'The queue and the record: one row per planned message, whatever its source.';

create table drip.message_attempts (
  message_id           bigint not null,
  attempt              integer not null,
  user_id              bigint not null,
  device_id            bigint not null,
  worker_id            text not null,
  claimed_at           timestamptz not null,
  delay_seconds        numeric not null,
  finished_at          timestamptz,
  outcome              text,
  error_code           text,
  error_message        text,
  provider_message_id  text,
  primary key (message_id, attempt),
  constraint message_attempts_outcome_known check (outcome in (
    'accepted', 'retry', 'permanent', 'unknown', 'released', 'lease_expired')),
  constraint message_attempts_closed_exactly
    check ((finished_at is null) = (outcome is null))
) with (fillfactor = 85);
comment on table drip.message_attempts is
  'One row per attempt, written by the claim and closed once by its outcome.';

create table drip.account_reach (
  account_id    bigint not null,
  lead_id       bigint not null,
  last_sent_at  timestamptz not null,
  primary key (account_id, lead_id)
);
create index account_reach_time_idx on drip.account_reach (account_id, last_sent_at);
comment on table drip.account_reach is
  'When each lead was last reached through an account that has a reach_cap.';

create table drip.sync_backlog (
  id             bigint generated always as identity primary key,
  enrollment_id  bigint not null,
  noted_at       timestamptz not null
);
comment on table drip.sync_backlog is
  'Enrollments whose row was held by an application when a result came; the next tick syncs them.';

create table drip.receipts (
  id                   bigint generated always as identity primary key,
  user_id              bigint references drip.users (id),
  device_id            bigint,
  platform             text not null,
  provider_message_id  text not null,
  kind                 text not null,
  occurred_at          timestamptz,
  received_at          timestamptz not null,
  message_id           bigint,
  error_code           text,
  error_message        text,
  body                 jsonb,
  constraint receipts_kind_known check (kind in ('sent', 'delivered', 'read', 'played', 'failed'))
);
create index receipts_unmatched_idx on drip.receipts (platform, provider_message_id)
  where message_id is null;
comment on table drip.receipts is
  'Delivery receipts; those that match no message yet are parked here.';

create table drip.inbound_messages (
  id                   bigint generated always as identity primary key,
  user_id              bigint not null references drip.users (id),
  device_id            bigint,
  lead_id              bigint,
  provider_message_id  text,
  sender               text not null,
  body                 text,
  kind                 text not null default 'text',
  received_at          timestamptz not null,
  constraint inbound_messages_unique unique (user_id, device_id, provider_message_id)
);
comment on table drip.inbound_messages is 'Messages that leads sent to the devices.';
"""

RULES = r"""
create table drip.stop_words (
  id        bigint generated always as identity primary key,
  user_id   bigint references drip.users (id),
  language  text,
  word      text not null,
  category  text not null default 'all',
  constraint stop_words_unique unique nulls not distinct (user_id, language, word),
  constraint stop_words_category_known check (category in ('all', 'marketing')),
  constraint stop_words_word_form check (word = lower(btrim(word)) and word <> '')
);
comment on table drip.stop_words is
  'Words that opt a lead out; rows without user_id hold for every tenant.';

create table drip.greetings (
  id         bigint generated always as identity primary key,
  user_id    bigint references drip.users (id),
  language   text not null,
  from_hour  smallint not null,
  to_hour    smallint not null,
  text       text not null,
  constraint greetings_unique unique nulls not distinct (user_id, language, from_hour),
  constraint greetings_hours check (from_hour between 0 and 23 and to_hour between 1 and 24
                                    and from_hour < to_hour)
);
comment on table drip.greetings is
  'Greetings by language and local hour; a tenant''s own rows go before the common ones.';

create table drip.error_codes (
  platform     text not null,
  code         text not null,
  scope        text not null,
  action       text not null,
  wait         interval,
  auto_resume  boolean not null default true,
  meaning      text not null,
  primary key (platform, code),
  constraint error_codes_scope_known check (scope in ('recipient', 'device', 'account')),
  constraint error_codes_action_known
    check (action in ('retry', 'fail', 'unknown', 'stop', 'opt_out')),
  constraint error_codes_wait_not_negative check (wait >= interval '0')
);
comment on table drip.error_codes is
  'What a provider''s error code means for the message and its device; operators may edit it.';
comment on column drip.error_codes.scope is '[setting] Whom the error concerns.';
comment on column drip.error_codes.action is
  '[setting] retry after wait; fail the message; unknown; stop the device or account; opt_out.';
comment on column drip.error_codes.wait is '[setting] How long before the next try.';
comment on column drip.error_codes.auto_resume is
  '[setting] After a stop: true resumes by itself after wait, false waits for a person.';

create table drip.regions (
  region         text primary key,
  calling_code   text not null,
  trunk_prefix   text,
  dial_out       text,
  lengths        smallint[] not null,
  mobile_lengths smallint[] not null,
  constraint regions_region_form check (region ~ '^[A-Z]{2}$')
);
create index regions_calling_code_idx on drip.regions (calling_code);
comment on table drip.regions is
  'Numbering facts per region: calling code, trunk and dial-out prefix, lengths of numbers.';

create table drip.workers (
  name         text primary key,
  version      text,
  concurrency  integer,
  started_at   timestamptz not null,
  last_seen    timestamptz not null,
  stopped_at   timestamptz
);
comment on table drip.workers is 'Worker processes that reported, newest report in last_seen.';

create table drip.task_runs (
  name         text primary key,
  last_run_at  timestamptz not null,
  duration_ms  numeric,
  rows         bigint,
  last_error   text,
  last_error_at timestamptz
);
comment on table drip.task_runs is 'The last run of each sweep, and its last error.';

create table drip.audit_log (
  id            bigint generated always as identity primary key,
  at            timestamptz not null,
  user_id       bigint,
  session_user_name text not null,
  action        text not null,
  subject_kind  text not null,
  subject_id    bigint,
  reason        text,
  details       jsonb
);
create index audit_log_subject_idx on drip.audit_log (subject_kind, subject_id);
comment on table drip.audit_log is 'Who changed what by a verb, when and why.';

create table drip.private_settings (
  name   text primary key,
  value  text not null
);
comment on table drip.private_settings is
  'Settings of this database that no role but its owner may read, such as test_database.';
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    for part in (ACCOUNTS, LEADS, PROGRAMS, QUEUE, RULES):
        driver.execute(part)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
