"""What the rules at the claim need besides: guards, the ramp's own day, results per program.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

GUARDS = r"""
alter table drip.guards
  add column function_name text,
  add column suspended_until timestamptz,
  -- squawk-ignore prefer-bigint-over-int
  add column errors integer not null default 0,
  add column last_error text,
  add column last_error_at timestamptz,
  add constraint guards_name_form
    check (name = btrim(name) and name <> '' and name !~ '^\d+$') not valid;
comment on column drip.guards.function_name is
  'The function, schema-qualified; it takes (lead id, enrollment id) and returns boolean.';
comment on column drip.guards.suspended_until is
  'After an error it is not asked until then; its messages wait as guard_error.';
comment on column drip.guards.errors is 'Errors in a row; the wait after one grows with them.';
comment on column drip.guards.last_error is 'What the last error said.';
comment on column drip.guards.last_error_at is 'When that was.';
"""

# A guard is given two ids: with these it finds the contact in the application's own tables. The
# policies of both tables read users and user_roles with the rights of whoever reads the tables.
GUARD_RIGHTS = r"""
grant select (id, name) on drip.users to drip_guard;
grant select (role_name, user_id) on drip.user_roles to drip_guard;
grant select (
    id, user_id, external_id, phone, name, niche, trigger, target_status, time_zone, language,
    attributes, last_inbound_at, created_at)
  on drip.leads to drip_guard;
grant select (id, user_id, sequence_id, lead_id, key, attributes, status, enrolled_at)
  on drip.sequence_contacts to drip_guard;
"""

PACING = r"""
alter table drip.device_pacing
  add column last_sent_at timestamptz,
  add column ramp_from date,
  add column ramp_of date,
  add column breaker_since date;
comment on column drip.device_pacing.last_sent_at is
  'The last real send, for the ramp''s rest of 72 h.';
comment on column drip.device_pacing.ramp_from is
  'Local date that counts as day 1 of the ramp; null = ramp_started_on of the device.';
comment on column drip.device_pacing.ramp_of is
  'The ramp_started_on that ramp_from goes by: once the device has another, ramp_from is void.';
comment on column drip.device_pacing.breaker_since is
  'Local date since which the breaker is not closed; the ramp stands still from there.';
-- what was sent before this column was there counts until the end of its day
update drip.device_pacing p
set last_sent_at = (p.local_day + 1)::timestamp at time zone u.time_zone
from drip.users u
where u.id = p.user_id and p.local_day is not null and p.sent_today > 0;
update drip.device_pacing p
set breaker_since = p.local_day
where p.breaker_level > 0;
comment on column drip.user_devices.in_pool is
  '[setting] True: leads without a device of their own may be given to this one; new ones only while
   it is online, unless none of the pool is.';
"""

# 244 bits of the server's strong generator.
CLOCK = r"""
insert into drip.private_settings (name, value)
values ('clock_secret', gen_random_uuid()::text || gen_random_uuid()::text);
"""

QUEUE = r"""
-- A pause of 100,000 messages leaves as many dead entries at the head of a device's queue: a claim
-- that walks over them takes 1.8 times as long, and vacuum by a fifth of the table comes late.
alter table drip.broadcast_messages
  set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 10000);
"""

PROGRAMS = r"""
create table drip.program_results (
  user_id      bigint not null,
  campaign_id  bigint,
  sequence_id  bigint,
  on_day       date not null,
  -- squawk-ignore prefer-bigint-over-smallint
  slot         smallint not null,
  results      bigint not null default 0,
  failures     bigint not null default 0,
  constraint program_results_unique
    unique nulls not distinct (campaign_id, sequence_id, on_day, slot),
  constraint program_results_one_program check (num_nonnulls(campaign_id, sequence_id) = 1)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
comment on table drip.program_results is
  'Results of campaigns and sequences by UTC day, for their circuit breaker; several rows a day, so
   that sessions that record at once do not wait for each other.';
comment on column drip.program_results.slot is
  'Whoever records has one of 0 … 63 for itself; -1 takes back what was before the last resume.';
comment on column drip.program_results.failures is 'Failures that were the contact''s own.';

alter table drip.program_results enable row level security;
create policy program_results_of_caller on drip.program_results using (
  user_id = any (array(select u.id from drip.users u)));
grant select on drip.program_results to drip_view, drip_operator;
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    for part in (GUARDS, GUARD_RIGHTS, PACING, CLOCK, QUEUE, PROGRAMS):
        driver.execute(part)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
