"""unfilled(): a message that lacks something for its contact is not handed over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pgdrip.senders.base import DeviceHealth, Message, Outcome, Sender
from pgdrip.settings import Settings


class Recorder(Sender):
    """A sender that notes what it was given."""

    def __init__(self) -> None:
        super().__init__(None, Settings())  # type: ignore[arg-type]
        self.sent: list[Message] = []

    async def _send(self, message: Message) -> Outcome:
        self.sent.append(message)
        return Outcome.accepted("id-1")

    async def _health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        return DeviceHealth.offline("no")


def message(**parts: Any) -> Message:
    fixed = {"message_id": 1, "attempt": 1, "user_id": 1, "device_id": 1, "platform": "gowa"}
    return Message.model_validate(fixed | {"recipient_phone": "+60123456789"} | parts)


def template(*parameters: dict[str, Any]) -> dict[str, Any]:
    body = {"type": "body", "parameters": list(parameters)}
    return {"name": "t", "language": "en", "components": [{"type": "header"}, body]}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"message_type": "image", "media_url": "https://x.test/{attributes.file}?n=1"},
            "the media URL has no value for {attributes.file}; give the contact one, or the"
            " placeholder a fallback: {attributes.file|…}",
        ),
        (
            {
                "message_type": "template",
                "template": template({"type": "text", "text": "a"}, {"type": "text", "text": " "}),
            },
            "parameter 2 of the template's body is empty, which Meta refuses; give the contact"
            " one, or the placeholder a fallback: {name|…}",
        ),
    ],
)
def test_what_lacks_something_is_not_handed_over(parts: dict[str, Any], said: str) -> None:
    sender = Recorder()
    outcome = asyncio.run(sender.send(message(**parts)))
    assert (outcome.outcome, outcome.error_code) == ("permanent", "VALIDATION_ERROR")
    assert outcome.error_message == said
    assert sender.sent == []


@pytest.mark.parametrize(
    "parts",
    [
        {"message_type": "image", "media_url": "https://x.test/{}?q={city}"},
        {"message_type": "text", "content": "{name}"},
        {"message_type": "template", "template": template({"type": "text", "text": "a"})},
        {"message_type": "template", "template": {"name": "t", "components": "odd"}},
        {"message_type": "template", "template": {"components": [1, {"parameters": [None, 2]}]}},
    ],
)
def test_everything_else_is(parts: dict[str, Any]) -> None:
    sender = Recorder()
    asyncio.run(sender.send(message(**parts)))
    assert len(sender.sent) == 1
