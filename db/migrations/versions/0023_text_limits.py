"""How long a text or a caption may be on each platform.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Meta: developers' reference of the messages endpoint. Wablas: its documentation. WhatsApp itself
# takes 65,536 characters of text.
LIMITS = """
create table drip.text_limits (
  platform    text not null,
  field       text not null,
  characters  bigint not null,
  primary key (platform, field),
  constraint text_limits_field_known check (field in ('text', 'caption')),
  constraint text_limits_characters_positive check (characters > 0)
);
comment on table drip.text_limits is 'The longest text and caption that each platform takes.';
comment on column drip.text_limits.platform is 'As in user_devices.';
comment on column drip.text_limits.field is 'text of a text message, or caption of media.';
comment on column drip.text_limits.characters is 'Characters, with placeholders filled.';
insert into drip.text_limits (platform, field, characters)
values
  ('cloud_api', 'text', 4096), ('cloud_api', 'caption', 1024),
  ('gowa', 'text', 65536),
  ('wablas', 'text', 1024), ('wablas', 'caption', 1024);
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(LIMITS)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
