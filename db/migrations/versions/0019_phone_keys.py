"""One subscriber, several spellings of the number: leads and opt-outs carry a key for all of them.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# region, pattern, key, meaning. Each pattern is a spelling that cannot be another subscriber's.
# Mexico: the 1 for mobiles went in August 2019 (numbering plan of the IFT). Brazil: mobiles got a
# ninth digit until November 2016 (Anatel, resolution 553/2010); eight digits from 2 to 5 are
# landlines. Argentina: a block of numbers is either mobile, dialled with 9 from abroad, or fixed.
# Benin: 01 before all numbers on 30 November 2024; Ivory Coast: by operator on 31 January 2021
# (operational bulletins of the ITU). WhatsApp keeps ids in the older form.
SPELLINGS = (
    ("MX", r"^\+521(\d{10})$", r"+52\1", "mobile with the former 1 after the country code"),
    ("BR", r"^\+55([1-9]\d)9([6-9]\d{7})$", r"+55\1\2", "mobile with the ninth digit"),
    ("AR", r"^\+549(\d{10})$", r"+54\1", "mobile with the 9 after the country code"),
    ("BJ", r"^\+22901(\d{8})$", r"+229\1", "with the 01 of 2024"),
    ("CI", r"^\+22501(\d[0-3]\d{6})$", r"+225\1", "Moov mobile with the 01 of 2021"),
    ("CI", r"^\+22505(\d[4-6]\d{6})$", r"+225\1", "MTN mobile with the 05 of 2021"),
    ("CI", r"^\+22507(\d[7-9]\d{6})$", r"+225\1", "Orange mobile with the 07 of 2021"),
)

TABLE = r"""
create table drip.phone_spellings (
  id       bigint generated always as identity primary key,
  region   text not null references drip.regions (region),
  pattern  text not null,
  key      text not null,
  meaning  text not null,
  constraint phone_spellings_pattern_unique unique (pattern)
);
comment on table drip.phone_spellings is
  'Other spellings of one subscriber''s number: what fits the pattern (a regular expression over
   E.164) has the key that regexp_replace() makes of it.';
"""

KEYS = r"""
-- Filled just below, and by triggers from then on.
alter table drip.leads add column phone_key text;
alter table drip.suppressions add column phone_key text;

-- Nothing but the key changes: no lead is to be matched or told of again.
alter table drip.leads disable trigger user;
alter table drip.suppressions disable trigger user;
update drip.leads l
set phone_key = coalesce(
  (select regexp_replace(l.phone, s.pattern, s.key)
   from drip.phone_spellings s
   where l.phone ~ s.pattern
   order by s.id
   limit 1),
  l.phone);
update drip.suppressions k
set phone_key = coalesce(
  (select regexp_replace(k.phone, s.pattern, s.key)
   from drip.phone_spellings s
   where k.phone ~ s.pattern
   order by s.id
   limit 1),
  k.phone);
alter table drip.leads enable trigger user;
alter table drip.suppressions enable trigger user;

-- squawk-ignore adding-not-nullable-field
alter table drip.leads alter column phone_key set not null;
-- squawk-ignore adding-not-nullable-field
alter table drip.suppressions alter column phone_key set not null;
create index leads_phone_key_idx on drip.leads (user_id, phone_key);
create index suppressions_phone_key_idx on drip.suppressions (user_id, phone_key);
comment on column drip.leads.phone_key is
  'The same for all spellings of one subscriber''s number; a trigger sets it.';
comment on column drip.suppressions.phone_key is
  'The same for all spellings of one subscriber''s number; a trigger sets it.';
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    driver.execute(TABLE)
    with driver.cursor() as cursor:
        cursor.executemany(
            "insert into drip.phone_spellings (region, pattern, key, meaning)"
            " values (%s, %s, %s, %s)",
            SPELLINGS,
        )
    driver.execute(KEYS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
