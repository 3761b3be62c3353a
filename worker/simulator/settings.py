"""How the simulated gateway and its contacts behave."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
)

Fault = Literal[
    "not_on_whatsapp",
    "logged_out",
    "timelock",
    "rate_limited",
    "upload_error",
    "error_500",
    "error_502",
    "error_503",
    "timeout_504",
    "odd_answer",
    "hang",
    "reset_before",
    "reset_after",
]

# What GOWA says when a send fails, beyond the faults: gowa.py has the words.
GowaError = Literal[
    "download_timeout",
    "download_404",
    "upload_failed",
    "lookup_timeout",
    "lookup_limited",
    "no_lid",
    "ffmpeg_missing",
    "websocket_down",
    "not_paired",
    "server_error",
    "server_error_463",
    "session_gone",
    "disconnected",
    "not_logged_in",
    "manager_unavailable",
    "no_send_response",
    "disconnected_after",
    "bare_deadline",
]


def _span(value: Any) -> Any:
    """One number stands for a span without width."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (value, value)
    return value


def _in_order(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("the first bound is above the second")
    return value


def _digits(phones: frozenset[str]) -> frozenset[str]:
    return frozenset(re.sub(r"\D", "", phone) for phone in phones)


Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Span = Annotated[tuple[Seconds, Seconds], BeforeValidator(_span), AfterValidator(_in_order)]
Phones = Annotated[frozenset[str], AfterValidator(_digits)]
MetaCode = Annotated[str, Field(pattern=r"^[0-9]{1,7}$")]


class SimulatorSettings(BaseModel):
    """How the simulated gateway behaves. Assigning to a field takes effect at once."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    latency_min: float = Field(default=0.0, ge=0, le=600, description="Seconds until an answer.")
    latency_max: float = Field(
        default=0.0, ge=0, le=600, description="Seconds; below latency_min it counts as that."
    )
    seed: int = Field(default=1, description="Seed of latencies, failures and contacts.")
    rates: dict[Fault, float] = Field(
        default_factory=dict, description="Share of messages that meet a fault, 0 to 1."
    )
    phones: dict[Fault, Phones] = Field(
        default_factory=dict, description="Phone numbers that always meet a fault."
    )
    meta_errors: dict[MetaCode, Share | Phones] = Field(
        default_factory=dict,
        description="Error codes of Meta's interface: the share of messages that meet one, or the "
        "phone numbers that always do.",
    )
    gowa_errors: dict[GowaError, Share | Phones] = Field(
        default_factory=dict,
        description="Failures of GOWA's interface by name: the share of messages that meet one, or "
        "the phone numbers that always do.",
    )
    gateway_timeout: float = Field(
        default=45.0, ge=0, le=600, description="Seconds until a timeout_504 is answered."
    )
    hang_seconds: float | None = Field(
        default=None, ge=0, description="Seconds a hang is held; null: until released."
    )

    webhook_base: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]",
        description="Address below which webhooks go out; null: contacts do nothing.",
    )
    webhook_targets: dict[str, str] = Field(
        default_factory=dict,
        description="Device or phone_number_id -> path below webhook_base; * stands for the rest.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="Signs webhooks; null: they go out unsigned."
    )
    webhook_timeout: float = Field(
        default=10.0, gt=0, le=600, description="Seconds until a receiver counts as away."
    )
    webhook_attempts: int = Field(
        default=5, ge=1, le=100, description="Posts of one webhook until it is given up."
    )
    webhook_pause: Seconds = Field(
        default=1.0, description="Seconds before the second attempt; doubles with each further one."
    )

    delivered_rate: Share = Field(default=1.0, description="Share of messages that arrive.")
    delivered_after: Span = Field(
        default=(0.3, 2.0), description="Seconds from acceptance to arrival, least and most."
    )
    read_rate: Share = Field(default=0.6, description="Share of arrived messages that are read.")
    read_after: Span = Field(default=(1.0, 8.0), description="Seconds from arrival to reading.")
    reply_rate: Share = Field(default=0.0, description="Share of arrived messages with a reply.")
    reply_after: Span = Field(
        default=(1.0, 8.0), description="Seconds from arrival, or from reading, to the reply."
    )
    reply_texts: dict[str, Annotated[float, Field(gt=0, le=1_000_000)]] = Field(
        default_factory=lambda: {
            "Yes please": 4.0,
            "How much is it?": 3.0,
            "Terima kasih 🙏": 2.0,
            "STOP": 1.0,
        },
        min_length=1,
        description="What contacts write, with weights.",
    )
    quote_rate: Share = Field(
        default=0.3, description="Share of replies that quote the message they answer."
    )
    hidden_rate: Share = Field(
        default=0.0,
        description="Share of replies that name the contact by WhatsApp's other id, not its phone.",
    )
    reaction_rate: Share = Field(
        default=0.0, description="Share of arrived messages that get a thumb, which is no reply."
    )
    auto_reply_rate: Share = Field(
        default=0.0, description="Share of arrived messages that the contact's phone answers."
    )
    auto_reply_after: Seconds = Field(default=1.0, description="Seconds until it does.")
    auto_reply_text: Annotated[str, Field(min_length=1, max_length=4096)] = Field(
        default="Thank you for your message. We are away and will answer tomorrow.",
        description="What the phone answers, word for word.",
    )
    preference_rate: Share = Field(
        default=0.0,
        description="Meta: share of arrived messages whose contact stops marketing in WhatsApp.",
    )
    failed_receipts: dict[MetaCode, Share] = Field(
        default_factory=dict,
        description="Meta: share of accepted messages that fail afterwards, by error code.",
    )
    duplicate_rate: Share = Field(default=0.0, description="Share of webhooks that go out twice.")
    disorder_rate: Share = Field(
        default=0.0, description="Share of read messages whose read comes before the delivered."
    )
    noise_rate: Share = Field(
        default=0.0,
        description="Share of accepted messages beside which something happens that is no reply: "
        "an own message, a group, a status post, another kind of event.",
    )

    @field_validator("rates")
    @classmethod
    def _are_shares(cls, value: dict[Fault, float]) -> dict[Fault, float]:
        if any(not 0 <= share <= 1 for share in value.values()) or sum(value.values()) > 1 + 1e-9:
            raise ValueError("rates are shares between 0 and 1 that add up to at most 1")
        return value

    @field_validator("meta_errors", "gowa_errors", "failed_receipts")
    @classmethod
    def _fit_together(cls, value: dict[str, Any]) -> dict[str, Any]:
        if sum(share for share in value.values() if isinstance(share, float)) > 1 + 1e-9:
            raise ValueError("the shares add up to at most 1")
        return value

    @field_validator("webhook_targets")
    @classmethod
    def _are_paths(cls, value: dict[str, str]) -> dict[str, str]:
        if any("://" in path or not path.strip("/") for path in value.values()):
            raise ValueError("a target is a path below webhook_base, such as device/3")
        return value

    def webhook_url(self, device: str) -> str | None:
        """Where the webhooks of a device go, if anywhere."""
        path = self.webhook_targets.get(device) or self.webhook_targets.get("*")
        if self.webhook_base is None or path is None:
            return None
        return f"{self.webhook_base.rstrip('/')}/{path.lstrip('/')}"
