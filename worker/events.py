"""What an application may follow: the types of events and what their bodies hold.

`docs/events.md` is written from these models. A version rises when a field goes or changes its
meaning; a new field may come without that, so a reader ignores what it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_AT = datetime.fromisoformat("2026-03-02T01:00:00+00:00")

Phone = Annotated[
    str | None,
    Field(
        description="E.164, masked without drip_pii; null for a contact without one.",
        examples=["+60123456789"],
    ),
]
LeadId = Annotated[int | None, Field(description="Lead; null if it is none.", examples=[7])]
ExternalId = Annotated[
    str | None, Field(description="The application's own id of the lead.", examples=["C-1001"])
]
DeviceId = Annotated[int | None, Field(description="Device.", examples=[3])]
DeviceName = Annotated[str | None, Field(description="Its name.", examples=["Sales 1"])]
SequenceId = Annotated[int, Field(description="Sequence.", examples=[2])]
SequenceName = Annotated[str, Field(description="Its name.", examples=["Welcome"])]
Platform = Annotated[
    str, Field(description="gowa, cloud_api and so on.", examples=["gowa"], min_length=1)
]
StatusReason = Annotated[
    str | None, Field(description="Why; null if nobody said.", examples=["logged out"])
]
Category = Literal["all", "marketing"]


class EventData(BaseModel):
    """What one kind of event says; every field is there, null where there is nothing to say."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class MessageData(EventData):
    """A message as it was when the event happened."""

    message_id: Annotated[int, Field(description="Message.", examples=[4711])]
    lead_id: Annotated[int, Field(description="Lead.", examples=[7])]
    external_id: ExternalId
    phone: Phone
    device_id: DeviceId
    device_name: DeviceName
    source_kind: Annotated[
        Literal["campaign", "sequence", "single"],
        Field(description="What it belongs to.", examples=["sequence"]),
    ]
    source_name: Annotated[
        str | None,
        Field(description="Name of the sequence, title of the campaign.", examples=["Welcome"]),
    ]
    campaign_id: Annotated[int | None, Field(description="If it is a campaign's.", examples=[None])]
    sequence_id: Annotated[int | None, Field(description="If it is a sequence's.", examples=[2])]
    enrollment_id: Annotated[
        int | None, Field(description="Whose journey it belongs to.", examples=[15])
    ]
    step: Annotated[int | None, Field(description="Position in the sequence.", examples=[1])]
    category: Annotated[
        Literal["marketing", "utility"],
        Field(description="What opt-outs and caps it obeys.", examples=["marketing"]),
    ]
    status: Annotated[
        Literal[
            "pending",
            "processing",
            "sent",
            "failed",
            "unknown",
            "cancelled",
            "skipped",
            "expired",
        ],
        Field(description="State of the message.", examples=["sent"]),
    ]
    status_reason: Annotated[
        str | None, Field(description="Code of why, as in message_log.", examples=[None])
    ]
    error_code: Annotated[str | None, Field(description="The sender's code.", examples=[None])]
    error_message: Annotated[str | None, Field(description="Its words.", examples=[None])]
    provider_message_id: Annotated[
        str | None, Field(description="The sender's id of the message.", examples=["3EB0C767D26A"])
    ]
    attempt: Annotated[int, Field(description="How often it was claimed.", examples=[1], ge=0)]
    sent_at: Annotated[
        AwareDatetime | None, Field(description="The sender accepted it.", examples=[_AT])
    ]
    delivered_at: Annotated[
        AwareDatetime | None, Field(description="It reached the phone.", examples=[None])
    ]
    read_at: Annotated[AwareDatetime | None, Field(description="It was read.", examples=[None])]
    idempotency_key: Annotated[
        str | None, Field(description="The key given to send_message.", examples=[None])
    ]


class ReplyData(EventData):
    """A message of a contact to one of the tenant's devices."""

    inbound_id: Annotated[int, Field(description="The message that came.", examples=[88])]
    lead_id: LeadId
    external_id: ExternalId
    phone: Phone
    sender_name: Annotated[
        str | None, Field(description="The name the contact goes by.", examples=["Ali"])
    ]
    device_id: DeviceId
    device_name: DeviceName
    kind: Annotated[str, Field(description="text, button, image and so on.", examples=["text"])]
    text: Annotated[str | None, Field(description="What was written.", examples=["Yes, please"])]
    payload: Annotated[
        str | None, Field(description="What the tapped button carries.", examples=[None])
    ]
    reply_to_message_id: Annotated[
        int | None, Field(description="The message it answers, if one.", examples=[4711])
    ]
    opt_out_category: Annotated[
        Category | None, Field(description="Set where the text is a stop word.", examples=[None])
    ]
    provider_message_id: Annotated[
        str | None, Field(description="The provider's id of the reply.", examples=["3EB0A1B2C3D4"])
    ]
    sent_at: Annotated[
        AwareDatetime | None, Field(description="The contact wrote it.", examples=[_AT])
    ]
    received_at: Annotated[AwareDatetime, Field(description="It came here.", examples=[_AT])]


class OptOutData(EventData):
    """A phone that gets nothing, or no marketing; or again does."""

    lead_id: LeadId
    external_id: ExternalId
    phone: Phone
    category: Annotated[Category, Field(description="How much is stopped.", examples=["all"])]
    reason: Annotated[
        str | None, Field(description="In the words of who stopped it.", examples=["STOP"])
    ]
    source: Annotated[
        str, Field(description="application, reply, provider and so on.", examples=["reply"])
    ]


class EnrollmentData(EventData):
    """The journey of a lead through a sequence."""

    enrollment_id: Annotated[int, Field(description="Journey.", examples=[15])]
    sequence_id: SequenceId
    sequence_name: SequenceName
    lead_id: Annotated[int, Field(description="Lead.", examples=[7])]
    external_id: ExternalId
    phone: Phone
    key: Annotated[
        str, Field(description="The key given to enroll_lead, else empty.", examples=["A-17"])
    ]
    status: Annotated[
        Literal[
            "pending",
            "active",
            "sent",
            "failed",
            "paused",
            "completed",
            "sequence_failed",
            "exited",
        ],
        Field(description="State of the journey.", examples=["completed"]),
    ]
    exit_reason: Annotated[
        str | None,
        Field(description="Why it ended early, such as opted_out.", examples=[None]),
    ]
    enrolled_at: Annotated[AwareDatetime, Field(description="It began.", examples=[_AT])]
    next_at: Annotated[
        AwareDatetime | None, Field(description="Time of its next message.", examples=[None])
    ]
    completed_at: Annotated[AwareDatetime | None, Field(description="It ended.", examples=[_AT])]


class SequenceData(EventData):
    """A sequence as a whole."""

    sequence_id: SequenceId
    sequence_name: SequenceName
    status: Annotated[Literal["paused"], Field(description="Its state.", examples=["paused"])]
    previous_status: Annotated[str, Field(description="The one before.", examples=["active"])]
    status_reason: Annotated[
        str | None,
        Field(
            description="Why, in the words of who paused it; null if nobody said.",
            examples=["template paused"],
        ),
    ]


class CampaignData(EventData):
    """A campaign as a whole."""

    campaign_id: Annotated[int, Field(description="Campaign.", examples=[5])]
    title: Annotated[str, Field(description="Its title.", examples=["March news"])]
    status: Annotated[
        Literal["completed", "failed", "paused", "cancelled"],
        Field(description="Its state.", examples=["completed"]),
    ]
    previous_status: Annotated[str, Field(description="The one before.", examples=["triggered"])]
    status_reason: Annotated[
        str | None, Field(description="Why; null if nobody said.", examples=[None])
    ]
    audience_count: Annotated[
        int | None, Field(description="Leads it was planned for.", examples=[1200])
    ]
    scheduled_at: Annotated[
        AwareDatetime | None, Field(description="It was to begin.", examples=[_AT])
    ]
    completed_at: Annotated[
        AwareDatetime | None, Field(description="Its last message was done.", examples=[_AT])
    ]


class DeviceData(EventData):
    """A device whose status has become another."""

    device_id: Annotated[int, Field(description="Device.", examples=[3])]
    device_name: Annotated[str, Field(description="Its name.", examples=["Sales 1"])]
    phone: Annotated[
        str | None,
        Field(description="Its own number, masked without drip_pii.", examples=["+60129876543"]),
    ]
    platform: Platform
    status: Annotated[
        Literal["online", "offline", "needs_attention", "disabled"],
        Field(description="Its state.", examples=["needs_attention"]),
    ]
    previous_status: Annotated[str, Field(description="The one before.", examples=["online"])]
    status_reason: StatusReason


class AccountData(EventData):
    """A sender account, which several devices share."""

    account_id: Annotated[int, Field(description="Account.", examples=[1])]
    account_name: Annotated[str, Field(description="Its name.", examples=["Portfolio"])]
    platform: Annotated[
        str, Field(description="gowa, cloud_api and so on.", examples=["cloud_api"], min_length=1)
    ]
    status: Annotated[
        Literal["online", "needs_attention"],
        Field(description="Its state.", examples=["needs_attention"]),
    ]
    previous_status: Annotated[str, Field(description="The one before.", examples=["online"])]
    status_reason: Annotated[
        str | None, Field(description="Why; null if nobody said.", examples=["payment problem"])
    ]
    blocked_until: Annotated[
        AwareDatetime | None, Field(description="It sends nothing until then.", examples=[None])
    ]


AccountId = Annotated[int | None, Field(description="Sender account; null if none.", examples=[1])]
AccountName = Annotated[str | None, Field(description="Its name.", examples=["Portfolio"])]
Words = Annotated[str | None, Field(description="As a sentence.", examples=["Meta: PAUSED"])]
Rating = Annotated[str | None, Field(description="Rating, such as GREEN.", examples=["RED"])]
Programs = Annotated[
    list[int], Field(description="Paused for it; after APPROVED: still paused.", examples=[[2]])
]


class DeviceQualityData(EventData):
    """What the provider thinks of a number."""

    device_id: Annotated[int, Field(description="Device.", examples=[3])]
    device_name: Annotated[str, Field(description="Its name.", examples=["Sales 1"])]
    platform: Platform
    quality_rating: Rating
    previous_quality_rating: Rating
    messaging_limit: Annotated[
        str | None, Field(description="The provider's word for the limit.", examples=["TIER_2K"])
    ]


class NoticeData(EventData):
    """What the provider says of an account."""

    account_id: AccountId
    account_name: AccountName
    kind: Annotated[
        Literal["account", "reach", "alert"],
        Field(description="What it is about; reach: a new limit.", examples=["account"]),
    ]
    notice: Annotated[str, Field(description="The provider's word.", examples=["ACCOUNT_DELETED"])]
    words: Words
    status: Annotated[str | None, Field(description="State of the account.", examples=["online"])]
    blocked_until: Annotated[
        AwareDatetime | None, Field(description="It sends nothing until then.", examples=[_AT])
    ]
    reach_cap: Annotated[int | None, Field(description="Its cap as it is set.", examples=[1000])]
    proposed_reach_cap: Annotated[
        int | None, Field(description="The provider's limit; not applied.", examples=[2000])
    ]


class TemplateData(EventData):
    """A template whose state at the provider has become another."""

    account_id: AccountId
    account_name: AccountName
    template_name: Annotated[str | None, Field(description="Its name.", examples=["promo"])]
    language: Annotated[str | None, Field(description="Its language.", examples=["ms"])]
    status: Annotated[str, Field(description="Its state, or its rating.", examples=["PAUSED"])]
    reason: Annotated[str | None, Field(description="Why, if it says so.", examples=[None])]
    words: Words
    sequences: Programs
    campaigns: Programs


class Event(BaseModel):
    """The body of every event."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[
        int, Field(description="Unique; the same in every queue and at every reading.", ge=1)
    ]
    type: Annotated[str, Field(description="What happened.")]
    version: Annotated[int, Field(description="Version of `data` for this type.", ge=1)]
    occurred_at: Annotated[
        AwareDatetime, Field(description="Time of the transaction in which it happened.")
    ]
    user_id: Annotated[int, Field(description="Tenant.")]
    data: Annotated[dict[str, Any], Field(description="What it is about, as below.")]


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: what it tells in one sentence, and the model of its `data`.

    `sample` is what its example says beside the examples of the fields.
    """

    name: str
    sentence: str
    data: type[EventData]
    version: int = 1
    sample: Mapping[str, object] = field(default_factory=dict)


def _types() -> Iterator[EventType]:
    not_sent = {"provider_message_id": None, "sent_at": None}
    refused = {"error_code": "INVALID_JID", "error_message": "the number is not on WhatsApp"}
    began = {"status": "pending", "next_at": _AT, "completed_at": None}
    online = {"status": "online", "previous_status": "needs_attention", "status_reason": None}

    yield EventType("message.sent", "The sender accepted a message.", MessageData)
    yield EventType(
        "message.failed",
        "A message failed for good.",
        MessageData,
        sample={"status": "failed", "status_reason": "refused", **refused, **not_sent},
    )
    yield EventType(
        "message.unknown",
        "It is not known whether a message was sent.",
        MessageData,
        sample={"status": "unknown", "status_reason": "no_answer", **not_sent},
    )
    yield EventType(
        "message.delivered",
        "A message reached the phone.",
        MessageData,
        sample={"delivered_at": _AT},
    )
    yield EventType(
        "message.read",
        "A message was read.",
        MessageData,
        sample={"delivered_at": _AT, "read_at": _AT},
    )
    yield EventType("lead.replied", "A contact wrote to a device.", ReplyData)
    yield EventType("lead.opted_out", "A phone is on the opt-out list from now on.", OptOutData)
    yield EventType("lead.opted_in", "An opt-out was taken back.", OptOutData)
    yield EventType("lead.enrolled", "A lead entered a sequence.", EnrollmentData, sample=began)
    yield EventType(
        "sequence.completed", "A lead's journey ended with its last step.", EnrollmentData
    )
    yield EventType(
        "sequence.failed",
        "A failed step ended a lead's journey.",
        EnrollmentData,
        sample={"status": "sequence_failed"},
    )
    yield EventType(
        "sequence.exited",
        "A lead's journey ended early.",
        EnrollmentData,
        sample={"status": "exited", "exit_reason": "opted_out"},
    )
    yield EventType(
        "sequence.reopened",
        "A lead's journey that had ended goes on.",
        EnrollmentData,
        sample=began | {"status": "sent"},
    )
    yield EventType("sequence.paused", "A sequence was paused, by whomever.", SequenceData)
    yield EventType("campaign.completed", "Every message of a campaign is done.", CampaignData)
    for state, sentence in (
        ("failed", "A campaign could not be planned."),
        ("paused", "A campaign was paused, by whomever."),
        ("cancelled", "A campaign was ended for good."),
    ):
        yield EventType(
            f"campaign.{state}",
            sentence,
            CampaignData,
            sample={"status": state, "completed_at": None},
        )
    yield EventType("device.online", "A device can send again.", DeviceData, sample=online)
    yield EventType(
        "device.offline",
        "A device cannot be reached.",
        DeviceData,
        sample={"status": "offline", "status_reason": "the gateway does not answer"},
    )
    yield EventType(
        "device.needs_attention", "A device sends nothing until a person acts.", DeviceData
    )
    yield EventType(
        "device.disabled",
        "A person switched a device off.",
        DeviceData,
        sample={"status": "disabled", "status_reason": "sold"},
    )
    yield EventType(
        "device.quality_changed", "A number has another rating or limit.", DeviceQualityData
    )
    yield EventType(
        "account.online", "A sender account can send again.", AccountData, sample=online
    )
    yield EventType(
        "account.needs_attention", "An account sends nothing until a person acts.", AccountData
    )
    yield EventType(
        "account.notice", "The provider says something of an account or its limit.", NoticeData
    )
    yield EventType(
        "template.status_changed",
        "A template can no longer be sent, or can again; programs are paused, never resumed.",
        TemplateData,
    )
    yield EventType(
        "template.quality_changed",
        "The provider rates a template otherwise.",
        TemplateData,
        sample={"status": "RED", "sequences": [], "campaigns": []},
    )


EVENT_TYPES: Mapping[str, EventType] = {event.name: event for event in _types()}


def example(event: EventType) -> Event:
    """An event of the type as it may look."""
    data: dict[str, object] = {
        name: (info.examples or [None])[0] for name, info in event.data.model_fields.items()
    }
    return Event(
        id=1042,
        type=event.name,
        version=event.version,
        occurred_at=_AT,
        user_id=1,
        data=event.data.model_validate(data | dict(event.sample)).model_dump(mode="json"),
    )
