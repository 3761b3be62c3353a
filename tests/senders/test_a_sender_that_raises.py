"""What a sender raises is said with the device it was about, and not without end."""

from __future__ import annotations

import asyncio

import pytest

from pgdrip.logs import MOST, Seldom
from pgdrip.senders import DeviceHealth, DeviceStatus, Message, Outcome, open_session
from pgdrip.senders.base import Sender
from pgdrip.settings import Settings


class Broken(Sender):
    async def _send(self, message: Message) -> Outcome:
        raise RuntimeError("broken")

    async def _health(
        self, endpoint: str | None, instance: str | None, secret_name: str | None
    ) -> DeviceHealth:
        raise RuntimeError("broken")


async def ask(device: int, times: int = 1) -> None:
    async with open_session() as session:
        for _ in range(times):
            health = await Broken(session, Settings()).health(None, None, None, device_id=device)
            assert health.status is DeviceStatus.OFFLINE


@pytest.fixture(autouse=True)
def fresh_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgdrip.senders.base._raised", Seldom(most=MOST))


def test_a_check_that_raises_names_its_device(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(ask(4711))
    said = capsys.readouterr()
    [line] = [line for line in (said.out + said.err).splitlines() if "a sender raised" in line]
    assert "4711" in line


def test_many_checks_that_raise_are_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(ask(4711, times=3 * MOST))
    said = capsys.readouterr()
    assert (said.out + said.err).count("a sender raised") == MOST
