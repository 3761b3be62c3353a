"""Code of others, in guards and audiences, is bound to one tenant; guards may belong to one.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A row is only ever seen by the transaction that inserted it, which rolls it back: so it needs no
# process number, holds in parallel workers too, and none can be left behind. No unique key on
# only_user: a second session would wait for the first.
BOUND_TENANTS = r"""
create table drip.bound_tenants (
  id         bigint generated always as identity primary key,
  only_user  bigint not null
);
comment on table drip.bound_tenants is
  'The only tenant that this transaction sees while a guard or an audience runs in it. Every row is
   rolled back, so that others never see one.';
comment on column drip.bound_tenants.only_user is 'Id of that tenant; 0 = none.';
grant select on drip.bound_tenants to drip_view, drip_operator;
grant select (only_user) on drip.bound_tenants to drip_guard;

create policy users_of_bound_tenant on drip.users as restrictive using (
  id = all (array(select b.only_user from drip.bound_tenants b)));
alter table drip.user_roles enable row level security;
create policy user_roles_of_bound_tenant on drip.user_roles using (
  user_id = all (array(select b.only_user from drip.bound_tenants b)));
"""

GUARDS = r"""
alter table drip.guards add column user_id bigint;
alter table drip.guards
  add constraint guards_user_fkey foreign key (user_id) references drip.users (id) not valid;
comment on column drip.guards.user_id is
  'The only tenant whose sequences may name it; null = all.';
alter table drip.guards enable row level security;
create policy guards_of_caller on drip.guards using (
  user_id is null or user_id = any (array(select u.id from drip.users u)));
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    driver.execute(BOUND_TENANTS)
    driver.execute(GUARDS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
