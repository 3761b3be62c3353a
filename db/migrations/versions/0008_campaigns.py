"""Campaigns: registered audiences and their snapshot, variants, tests to one phone.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

AUDIENCES = r"""
alter table drip.audiences
  add column view_name  text,
  add column max_rows   bigint not null default 1000000,
  add column time_limit interval not null default interval '20 seconds',
  add column unregistered_at timestamptz,
  add constraint audiences_name_form
    check (name = btrim(name) and name <> '' and name !~ '^\d+$') not valid,
  add constraint audiences_rows_positive check (max_rows > 0) not valid,
  add constraint audiences_limit_bounded
    check (time_limit between interval '100 milliseconds' and interval '10 minutes') not valid;
comment on column drip.audiences.name is 'What a campaign says in audience or exclude.';
comment on column drip.audiences.key_column is
  'The column that names the leads: lead_id, external_id or phone.';
comment on column drip.audiences.user_id is 'The only tenant that may name it; null = all.';
comment on column drip.audiences.view_name is
  'The view, schema-qualified; null = the one of that name.';
comment on column drip.audiences.unregistered_at is
  'When it was unregistered; the row stays where campaigns that are over name it.';
comment on column drip.audiences.max_rows is
  'Most different keys that it may yield; with more, planning fails and says so.';
comment on column drip.audiences.time_limit is
  'Longest that reading it may take; planning fails when it takes longer.';

create table drip.campaign_audience (
  user_id      bigint not null,
  campaign_id  bigint not null,
  lead_id      bigint not null,
  is_excluded  boolean not null,
  primary key (campaign_id, lead_id)
);
comment on table drip.campaign_audience is
  'Who was in the registered audience of a campaign when its planning began; emptied afterwards.';
comment on column drip.campaign_audience.is_excluded is
  'True: the campaign''s exclude names the lead as well.';
alter table drip.campaign_audience enable row level security;
create policy campaign_audience_of_caller on drip.campaign_audience using (
  user_id = any (array(select u.id from drip.users u)));
grant select on drip.campaign_audience to drip_view, drip_operator;

alter table drip.campaigns
  add column audience_taken_at timestamptz,
  add column began_at timestamptz,
  add column began_definition jsonb;
comment on column drip.campaigns.audience_taken_at is
  'When the members of its registered audience were written to campaign_audience.';
comment on column drip.campaigns.began_at is 'When its planning began.';
comment on column drip.campaigns.began_definition is 'What its definition said then.';
"""

VARIANTS = r"""
alter table drip.campaigns add column variants jsonb;
comment on column drip.campaigns.variants is
  '[setting] Texts to choose from by weight: [{"name": "A", "weight": 3, "message": "…"}, …]; what a
   variant leaves out is the campaign''s own. Null = only that.';
grant update (variants) on drip.campaigns to drip_operator;
alter table drip.broadcast_messages
  add column variant text,
  add column is_test boolean not null default false;
comment on column drip.broadcast_messages.variant is
  'The variant of the campaign that the last claim chose; null = none.';
comment on column drip.broadcast_messages.is_test is
  'True: a test to one phone; counts in no report, cap or reply.';
-- With variants the campaign itself need not say anything.
-- squawk-ignore ban-drop-constraint
alter table drip.campaigns drop constraint campaigns_text_content;
-- squawk-ignore ban-drop-constraint
alter table drip.campaigns drop constraint campaigns_media_url;
-- squawk-ignore ban-drop-constraint
alter table drip.campaigns drop constraint campaigns_template_given;
alter table drip.campaigns
  add constraint campaigns_variants_list
    check (case when jsonb_typeof(variants) = 'array' then jsonb_array_length(variants) > 0
           else variants is null end) not valid,
  add constraint campaigns_text_content check (
    message_type <> 'text'
    or ((variants is not null or btrim(coalesce(message, '')) <> '') and media_url is null))
    not valid,
  add constraint campaigns_media_url check (
    message_type not in ('image', 'video', 'document', 'audio')
    or coalesce(media_url ~ '^https?://[^\s]+$', variants is not null)) not valid,
  add constraint campaigns_template_given check (
    message_type <> 'template' or template is not null or variants is not null) not valid;
"""

TESTERS = r"""
alter table drip.leads add column is_tester boolean not null default false;
comment on column drip.leads.is_tester is
  'True: known only because a test was sent to that phone; in no audience.';
"""


SWEEPS = r"""
alter table drip.campaigns
  add column sweeps jsonb,
  add column swept_to_lead_id bigint not null default 0,
  add column freed_to_lead_id bigint,
  add column pauses jsonb,
  add column expanded_leads bigint not null default 0;
comment on column drip.campaigns.sweeps is
  'What changes of status still have to be written to waiting messages, in this order:
   [{kind: hold, free or cancel, policy, from, to}]; null = all is written.';
comment on column drip.campaigns.swept_to_lead_id is
  'How far the first of the sweeps has come, in the order of leads.';
comment on column drip.campaigns.freed_to_lead_id is
  'Messages of later leads wait until a resume has freed them; null = all are free.';
comment on column drip.campaigns.pauses is
  'Pauses that concern leads whose messages are not planned yet: [{policy, from, to}].';
comment on column drip.campaigns.expanded_leads is 'Leads that its planning has been through.';
update drip.campaigns c
set expanded_leads = (
  select count(*) from drip.broadcast_messages m where m.campaign_id = c.id)
where c.expanded_to_lead_id > 0 and c.expanded_at is null;
"""

PAUSES = r"""
alter table drip.sequence_contacts
  add column paused_at timestamptz,
  add column pause_reason text,
  add constraint sequence_contacts_pause_is_live
    check (paused_at is null or completed_at is null) not valid;
comment on column drip.sequence_contacts.paused_at is
  'Since when this journey alone is paused; null = only its sequence or its lead may hold it.';
comment on column drip.sequence_contacts.pause_reason is 'Why, in the words of who paused it.';
alter table drip.leads add column paused_at timestamptz;
comment on column drip.leads.paused_at is
  'Since when the lead is paused; the pause does not count for the times of its journeys.';
update drip.leads l set paused_at = l.updated_at where l.paused_until is not null;
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    for part in (AUDIENCES, VARIANTS, TESTERS, SWEEPS, PAUSES):
        driver.execute(part)


def downgrade() -> None:
    raise RuntimeError("Going back is done by restoring a backup.")
