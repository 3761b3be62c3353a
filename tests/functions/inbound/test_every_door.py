"""A STOP through every door, as the simulator says it: after it nothing marketing leaves, and where
it cannot be matched, replies says so."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from factory import Clock, Plant
from inbound import cloud_device, open_window, process, send

from pgdrip.simulator.bodies import gowa_ack, gowa_reply, meta_reply, meta_status
from pgdrip.simulator.state import ReceivedMessage, Reply

pytestmark = pytest.mark.rolled_back

PHONE = "+60123456789"
MEXICAN, ITS_OLD_SPELLING = "+525512345678", "+5215512345678"
NUMBERS = itertools.count(1)


@dataclass
class Door:
    """What the contact does; ``sees``: the number that is written into the webhook."""

    text: str = "STOP"
    kind: str = "text"
    lead: str = PHONE
    sees: str | None = None
    hidden: bool = False
    quotes: bool = False
    changes: str | None = None
    group: bool = False
    receipt_before: bool = False
    category: str | None = "all"
    only: tuple[str, ...] = field(default=("gowa", "cloud_api"))


DOORS = {
    "the phone": Door(),
    "politely": Door("Please stop. Thank you"),
    "another spelling": Door(lead=MEXICAN, sees=ITS_OLD_SPELLING),
    "the spelling of the file": Door(lead=ITS_OLD_SPELLING, sees=MEXICAN),
    "an id that a receipt told": Door(hidden=True, receipt_before=True),
    "an id, quoting our message": Door(hidden=True, quotes=True),
    "an id that nobody knows": Door(hidden=True, category=None),
    "an edit": Door(kind="edit", changes="in-0"),
    "an edit by an id that a receipt told": Door(
        kind="edit", changes="in-0", hidden=True, receipt_before=True
    ),
    "a button": Door("Stop promotions", kind="button", category="marketing", only=("cloud_api",)),
    "a button, hidden": Door(
        "Stop promotions",
        kind="button",
        hidden=True,
        quotes=True,
        category="marketing",
        only=("cloud_api",),
    ),
    "a preference": Door("stop", kind="preference", category="marketing", only=("cloud_api",)),
    "a preference by id": Door(
        "stop",
        kind="preference",
        hidden=True,
        receipt_before=True,
        category="marketing",
        only=("cloud_api",),
    ),
    "a preference of somebody": Door(
        "stop", kind="preference", hidden=True, category=None, only=("cloud_api",)
    ),
}


class Scene:
    """A lead who has got one message, and whom another one is waiting for."""

    def __init__(self, plant: Plant, clock: Clock, platform: str, phone: str) -> None:
        self.plant, self.clock, self.platform = plant, clock, platform
        is_gowa = platform == "gowa"
        self.device = plant.device(burst=50) if is_gowa else cloud_device(plant)
        self.instance = str(
            plant.value("select instance from drip.user_devices where id = %s", self.device)
        )
        self.lead, self.phone = plant.lead(phone), phone
        open_window(plant, self.lead)
        send(plant, plant.message(self.device, self.lead), "out-1")
        clock.advance(minutes=5)
        self.waiting = plant.message(self.device, self.lead, category="marketing")

    def deliver(self) -> None:
        """The receipt of what the lead got."""
        received = ReceivedMessage(
            seq=1,
            received_at=datetime.now(UTC),
            interface="gowa" if self.platform == "gowa" else "cloud_api",
            device=self.instance,
            phone=self.phone,
            type="text",
            monotonic_ms=0,
            message_id="out-1",
        )
        make = gowa_ack if self.platform == "gowa" else meta_status
        self.process(make([received], "delivered", self.clock.now))

    def act(self, door: Door) -> None:
        """The contact says it."""
        reply = Reply(
            seq=1,
            sent_at=self.clock.now,
            device=self.instance,
            phone=door.sees or self.phone,
            kind=door.kind,
            text=door.text,
            message_id=f"in-{next(NUMBERS)}",
            answers="out-1" if door.quotes else None,
            changes=door.changes,
            hidden=door.hidden,
        )
        if self.platform == "gowa":
            self.process(gowa_reply(reply, group=door.group))
        else:
            self.process(meta_reply(reply, "tapped", group=door.group))

    def process(self, body: dict[str, Any]) -> None:
        row = process(self.plant, (self.device, json.dumps(body)))
        assert row["dead"] == 0

    def leaves(self) -> set[int]:
        """What leaves, whatever plans it."""
        campaign = self.plant.message(self.device, self.lead, category="marketing")
        found = set()
        for _ in range(3):
            self.plant.wake()
            found |= {row["message_id"] for row in self.plant.claim()}
        return found & {campaign, self.waiting}


def cases() -> list[Any]:
    return [
        pytest.param(platform, name, id=f"{platform}-{name}")
        for name, door in DOORS.items()
        for platform in door.only
    ]


@pytest.mark.parametrize(("platform", "name"), cases())
def test_after_it_nothing_marketing_leaves(
    clock: Clock, plant: Plant, platform: str, name: str
) -> None:
    door = DOORS[name]
    scene = Scene(plant, clock, platform, door.lead)
    if door.receipt_before:
        scene.deliver()
    scene.act(door)
    categories = plant.values("select distinct category from drip.suppressions")
    unmatched = plant.values("select inbound_id from drip.replies where is_unmatched")
    if door.category is None:
        assert (categories, len(unmatched)) == ([], 1)
        # the receipt comes later, and with it the opt-out
        scene.deliver()
        unmatched = plant.values("select inbound_id from drip.replies where is_unmatched")
        categories = plant.values("select distinct category from drip.suppressions")
    assert len(categories) == 1
    assert unmatched == []
    if door.category is not None:
        assert categories == [door.category]
    assert scene.leaves() == set()


@pytest.mark.parametrize("platform", ["gowa", "cloud_api"])
@pytest.mark.parametrize(
    "act",
    [
        Door(group=True),
        Door("don't stop"),
        Door("STOP", kind="reaction", changes="out-1"),
        Door("", kind="revoke", changes="in-0"),
    ],
    ids=["a group", "another sentence", "a reaction", "a deleted message"],
)
def test_what_is_no_stop_stops_nothing(
    clock: Clock, plant: Plant, platform: str, act: Door
) -> None:
    scene = Scene(plant, clock, platform, PHONE)
    scene.act(act)
    assert plant.values("select category from drip.suppressions") == []
    assert len(scene.leaves()) == 2
