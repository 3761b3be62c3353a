"""Lock rows: what may block or skip is locked on rows that nobody but the owner can lock.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

LOCK_ROWS = r"""
create table drip.lock_rows (
  kind       text not null,
  object_id  bigint not null,
  -- squawk-ignore prefer-bigint-over-smallint
  slot       smallint not null,
  primary key (kind, object_id, slot),
  constraint lock_rows_kind_known check (
    kind in ('account', 'campaign', 'chains', 'contacts', 'planning', 'queues', 'results'))
);
comment on table drip.lock_rows is
  'Rows that are only locked, never changed. No role has a right on them: any login may take an
   advisory lock, and only the owner may lock these.';
comment on column drip.lock_rows.kind is
  'What is locked: an account whose reach is judged, a campaign that claims look at or that stops,
   the chains of a tenant, contacts of a tenant whose gap or cap is judged, a campaign that is being
   planned, the queues of a tenant, the slots that results are counted in.';
comment on column drip.lock_rows.object_id is
  'Id of the account, the campaign or the tenant; 0 for results.';
comment on column drip.lock_rows.slot is
  'Of several rows a transaction locks one, or, to shut out all others, each.';

insert into drip.lock_rows (kind, object_id, slot)
select 'results', 0, s.slot from generate_series(0, 63) as s (slot)
union all
select k.kind, u.id, 0 from drip.users u cross join (values ('chains'), ('queues')) as k (kind)
union all
select 'contacts', u.id, s.slot
from drip.users u
cross join generate_series(0, 1023) as s (slot)
where u.contact_gap is not null or u.contact_cap is not null
union all
select 'account', a.id, 0 from drip.sender_accounts a
union all
select 'planning', c.id, 0 from drip.campaigns c
union all
select 'campaign', c.id, s.slot from drip.campaigns c cross join generate_series(0, 7) as s (slot);
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(LOCK_ROWS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
