"""Error codes that tell what came before the send from what came after it, and Meta's newer ones.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CODES = r"""
alter table drip.error_codes add column suppress_gap interval;
-- A handful of rows, and all of them obey.
-- squawk-ignore constraint-missing-not-valid
alter table drip.error_codes add constraint error_codes_suppress_gap_positive
  check (suppress_gap > interval '0');
comment on column drip.error_codes.suppress_gap is
  '[setting] Failures that suppress_after counts are at least so far apart; null = each counts.';
grant update (suppress_gap) on drip.error_codes to drip_operator;

-- the audit is of what people change
alter table drip.error_codes disable trigger user;

-- GOWA says so too when its own look-up fails: three campaigns of one bad hour prove nothing.
update drip.error_codes set suppress_gap = interval '1 day'
where (platform, code) = ('gowa', 'INVALID_JID') and suppress_after is not null;

insert into drip.error_codes
  (platform, code, scope, action, wait, auto_resume, backoff, max_failures, meaning)
values
  ('gowa', 'INVALID_WA_CLI', 'device', 'stop', null, false, null, null,
   'logged out of WhatsApp: log in again'),
  ('gowa', 'NOT_PAIRED', 'device', 'stop', null, false, null, null,
   'logged out of WhatsApp: log in again'),
  ('gowa', 'NOT_CONNECTED', 'device', 'retry', '30 seconds', true, null, null,
   'disconnected from WhatsApp for the moment'),
  ('gowa', 'NOT_LOGGED_IN', 'device', 'retry', '30 seconds', true, null, null,
   'not logged in; the check of devices tells whether that lasts'),
  ('gowa', 'DEVICE_MANAGER_UNAVAILABLE', 'device', 'retry', '30 seconds', true, null, null,
   'the gateway is starting'),
  ('gowa', 'LOOKUP_LIMITED', 'device', 'retry', '2 minutes', true, null, null,
   'WhatsApp limits how often the number looks up others'),
  ('gowa', 'LOOKUP_FAILED', 'recipient', 'retry', '1 minute', true, null, null,
   'a look-up in WhatsApp failed before the send'),
  ('gowa', 'NO_LID', 'recipient', 'retry', '10 minutes', true, null, 3,
   'WhatsApp does not know the contact''s id'),
  ('gowa', 'MEDIA_DOWNLOAD_FAILED', 'recipient', 'retry', '1 minute', true, 4, 4,
   'the gateway could not fetch the media'),
  ('gowa', 'MEDIA_REFUSED', 'recipient', 'fail', null, true, null, null,
   'the media is not there, too large, or of a type that the gateway does not send'),
  ('gowa', 'MEDIA_PROCESSING_FAILED', 'recipient', 'retry', '5 minutes', true, null, 2,
   'the gateway could not process the media'),
  ('gowa', 'MEDIA_UPLOAD_FAILED', 'recipient', 'retry', '1 minute', true, 2, null,
   'the gateway could not upload the media to WhatsApp'),
  ('gowa', 'FFMPEG_MISSING', 'recipient', 'fail', null, true, null, null,
   'the gateway has no ffmpeg, which this type of message needs'),
  ('gowa', 'WA_SERVER_ERROR', 'recipient', 'retry', '5 minutes', true, null, 3,
   'WhatsApp refused the message'),
  ('gowa', 'NO_SEND_RESPONSE', 'recipient', 'unknown', null, true, null, null,
   'WhatsApp did not confirm the message in time'),
  ('cloud_api', '131062', 'recipient', 'fail', null, true, null, null,
   'this message cannot go to a contact without a phone number'),
  ('cloud_api', '131063', 'program', 'stop', null, false, null, null,
   'marketing templates are switched off for this account'),
  ('cloud_api', '132008', 'program', 'stop', null, false, null, null,
   'template parameter value invalid'),
  ('cloud_api', '132018', 'recipient', 'fail', null, true, null, null,
   'template parameters do not pass Meta''s checks'),
  ('cloud_api', '132068', 'program', 'stop', null, false, null, null,
   'the template''s flow is blocked'),
  ('cloud_api', '132069', 'recipient', 'retry', '10 minutes', true, 2, null,
   'the template''s flow is throttled'),
  ('cloud_api', '133016', 'device', 'stop', null, false, null, null,
   'the number was registered too often: it can be registered again after a while'),
  ('cloud_api', '137000', 'recipient', 'fail', null, true, null, null,
   'the contact''s identity key has changed')
on conflict (platform, code) do nothing;

alter table drip.error_codes enable trigger user;
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(CODES)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
