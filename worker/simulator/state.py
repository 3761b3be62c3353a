"""What the simulated gateway knows: its devices, the messages it received, its counters."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

from .settings import SimulatorSettings

Interface = Literal["gowa", "cloud_api"]

KEPT_MESSAGES = 20_000

_DEVICE_ID_LIMIT = 200
_RATE_SECONDS = 60


def iso(moment: datetime | None) -> str | None:
    """A moment as the simulator's own interface writes it."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")


@dataclass(slots=True)
class ReceivedMessage:
    """One message as the gateway received it.

    ``outcome`` is ``accepted``, ``invalid`` (refused by validation), the fault or the code of
    Meta's error it met, and ``waiting`` until that is decided. ``accepted``: WhatsApp has it.
    ``answered``: the client got an answer. ``phone`` is digits with a plus; ``monotonic_ms`` counts
    from the gateway's start. ``delivered_at``, ``read_at`` and ``failed_code`` are what webhooks
    announce about it; ``callback_data`` is what Meta's interface echoes in them.
    """

    seq: int
    received_at: datetime
    monotonic_ms: float
    device: str
    phone: str
    type: str
    interface: Interface = "gowa"
    content: str | None = None
    caption: str | None = None
    media_url: str | None = None
    template: dict[str, Any] | None = None
    callback_data: str | None = None
    outcome: str = "waiting"
    accepted: bool = False
    answered: bool = False
    message_id: str | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_code: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The message as /simulator/messages lists it."""
        return {
            **asdict(self),
            "received_at": iso(self.received_at),
            "monotonic_ms": round(self.monotonic_ms, 3),
            "delivered_at": iso(self.delivered_at),
            "read_at": iso(self.read_at),
        }


@dataclass(slots=True)
class Reply:
    """What a contact wrote or did. ``answers`` is the gateway's id of the message it answers.

    ``kind``: ``text``, ``button``, ``preference`` (``text`` is stop or resume), ``new_number``
    (``text`` is the new phone), ``edit`` (``text`` is the new text), ``reaction`` (``text`` is the
    emoji, or empty) or ``revoke``. ``changes``: the message that the last three concern.
    ``hidden``: the webhook does not tell the phone.
    """

    seq: int
    sent_at: datetime
    device: str
    phone: str
    kind: str
    text: str
    message_id: str
    answers: str | None = None
    changes: str | None = None
    hidden: bool = False

    def as_json(self) -> dict[str, Any]:
        """The reply as /simulator/replies lists it."""
        return {**asdict(self), "sent_at": iso(self.sent_at)}


@dataclass(slots=True)
class Counts:
    """Exact counters; they go on when old messages are forgotten."""

    received: int = 0
    accepted: int = 0
    answered: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    read: int = 0
    failed: int = 0
    replies: int = 0

    def as_json(self) -> dict[str, Any]:
        """The counters as /simulator/stats lists them."""
        settled = {name: count for name, count in self.outcomes.items() if count}
        return {**asdict(self), "outcomes": settled}


@dataclass(slots=True)
class Device:
    """A phone that the gateway holds a session of, or a number of Meta's interface."""

    name: str
    interface: Interface
    is_connected: bool = True
    is_logged_in: bool = True
    counts: Counts = field(default_factory=Counts)
    last_received_at: datetime | None = None
    last_ms: float | None = None
    shortest_gap_ms: float | None = None

    @property
    def is_usable(self) -> bool:
        """It can send."""
        return self.is_logged_in and self.is_connected

    def state(self) -> dict[str, Any]:
        """The device as both interfaces and the simulator's own tell its state."""
        return {
            "id": self.name,
            "is_connected": self.is_connected,
            "is_logged_in": self.is_logged_in,
        }

    def as_json(self) -> dict[str, Any]:
        """The device as /simulator/stats lists it."""
        gap = self.shortest_gap_ms
        return {
            **self.state(),
            "interface": self.interface,
            **self.counts.as_json(),
            "last_received_at": iso(self.last_received_at),
            "shortest_gap_ms": None if gap is None else round(gap, 3),
        }


class State:
    """All of it, and who wants to hear of changes.

    ``devices``: the only ones it knows; without a list a device appears at its first use.
    """

    def __init__(
        self, settings: SimulatorSettings, devices: Iterable[str] | None, keep: int
    ) -> None:
        self.settings = settings
        self.started = time.monotonic()
        self.started_at = datetime.now(UTC)
        self.watchers: set[asyncio.Event] = set()
        self.handling: set[asyncio.Task[Any]] = set()
        self.released = asyncio.Event()
        self.on_accepted: Callable[[ReceivedMessage], None] = lambda _: None
        self._fixed_devices = None if devices is None else tuple(devices)
        self._keep = keep
        self.forget()

    def forget(self) -> None:
        """Start anew, with the settings of now."""
        self.received: deque[ReceivedMessage] = deque(maxlen=self._keep)
        self.replies: deque[Reply] = deque(maxlen=self._keep)
        self.counts = Counts()
        self.types: Counter[str] = Counter()
        self.presences = 0
        self.noise = 0
        self.held = 0
        self.max_in_flight = len(self.handling)
        self.devices = {name: Device(name, "gowa") for name in self._fixed_devices or ()}
        self._seq = 0
        self._seconds: deque[tuple[int, int]] = deque(maxlen=_RATE_SECONDS)
        self._seeded: int | None = None
        self._random = random.Random()  # noqa: S311 - repeatable on purpose

    def changed(self) -> None:
        """Wake who waits for something."""
        for event in self.watchers:
            event.set()

    def device(self, name: str, interface: Interface | None = None) -> Device | None:
        """The device of this name, which may be its first use; None where it is not known."""
        device = self.devices.get(name)
        if device is None and self._fixed_devices is None and 0 < len(name) <= _DEVICE_ID_LIMIT:
            device = self.devices[name] = Device(name, interface or "gowa")
        elif device is not None and interface is not None:
            device.interface = interface
        return device

    def release(self) -> int:
        """Let held requests go; how many there were."""
        count = self.held
        self.released.set()
        self.released = asyncio.Event()
        return count

    def note(
        self, device: Device, kind: str, phone: str, **fields: str | dict[str, Any] | None
    ) -> ReceivedMessage:
        """Keep and count a message that has come in."""
        now = time.monotonic()
        self._seq += 1
        message = ReceivedMessage(
            seq=self._seq,
            received_at=datetime.now(UTC),
            monotonic_ms=(now - self.started) * 1000,
            device=device.name,
            phone=f"+{phone}" if phone.isdigit() else phone,
            type=kind,
            interface=device.interface,
            **fields,  # type: ignore[arg-type]
        )
        self.received.append(message)
        self.types[kind] += 1
        for counts in (self.counts, device.counts):
            counts.received += 1
        if device.last_ms is not None:
            gap = message.monotonic_ms - device.last_ms
            if device.shortest_gap_ms is None or gap < device.shortest_gap_ms:
                device.shortest_gap_ms = gap
        device.last_ms = message.monotonic_ms
        device.last_received_at = message.received_at
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))
        self.changed()
        return message

    def draw(self, phone: str, interface: Interface) -> tuple[float, str | None]:
        """Latency in seconds and the fault, or the interface's own error, of the next message."""
        settings = self.settings
        if self._seeded != settings.seed:
            self._seeded = settings.seed
            self._random.seed(settings.seed)
        delay = settings.latency_min
        if settings.latency_max > delay:
            delay = self._random.uniform(delay, settings.latency_max)
        own = (settings.meta_errors if interface == "cloud_api" else settings.gowa_errors).items()
        codes: dict[str, float | frozenset[str]] = {str(name): whom for name, whom in own}
        for fault, phones in (*settings.phones.items(), *codes.items()):
            if not isinstance(phones, float) and phone in phones:
                return delay, fault
        shares = [(fault, share) for fault, share in codes.items() if isinstance(share, float)]
        if settings.rates or shares:
            drawn = self._random.random()
            for fault, share in (*settings.rates.items(), *shares):
                drawn -= share
                if drawn < 0:
                    return delay, fault
        return delay, None

    def stats(self, devices: int | None = None) -> dict[str, Any]:
        """Totals, and the counts of each device (of the ``devices`` last used ones)."""
        now = int(time.monotonic())
        shown = sorted(
            self.devices.values(),
            key=lambda device: (-(device.last_ms or -1), device.name),
        )
        recent = dict(self._seconds)
        return {
            "started_at": iso(self.started_at),
            "uptime_seconds": round(time.monotonic() - self.started, 3),
            **self.counts.as_json(),
            "waiting": self.counts.received - self.counts.outcomes.total(),
            "held": self.held,
            "in_flight": len(self.handling),
            "max_in_flight": self.max_in_flight,
            "types": dict(self.types),
            "presences": self.presences,
            "noise": self.noise,
            "per_second": [
                recent.get(second, 0) for second in range(now - _RATE_SECONDS + 1, now + 1)
            ],
            "listed": len(self.received),
            "device_count": len(self.devices),
            "devices": [device.as_json() for device in islice(shown, devices)],
        }
