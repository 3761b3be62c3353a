"""Random edits, pauses, resumes, cancels and exits between claims, results and crashes.

The same histories each time, by their seeds: hypothesis' own state machines drew so few claims that
little was shown. A thousand of them:
make test ARGS='--hypothesis-profile=thorough tests/journeys/test_random_histories.py'
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from factory import Clock, Plant
from histories import POLICIES, History
from hypothesis import settings

pytestmark = pytest.mark.exhaustive

PIECES = 2
FEW = 28
ACTIONS = 60

CHANGES = (
    {"trigger_delay_hours": 2},
    {"trigger_delay_hours": 30},
    {"send_time": "21:15"},
    {"send_time": None},
    {"content": "another text"},
    {"valid_for": "4 days"},
    {"message_type": "image", "media_url": "https://example.com/a.png"},
)
SETTINGS = (
    {"start_delay": "3 hours"},
    {"start_delay": "1 minute"},
    {"send_from": "08:00", "send_to": "20:00"},
    {"send_from": None, "send_to": None},
    {"skip_weekends": True},
    {"skip_weekends": False},
    {"on_step_failure": "continue"},
)

# How often each is drawn, by the name of the action.
WEIGHTS = {
    "enroll": 10,
    "tag": 4,
    "exit": 2,
    "opt_out": 1,
    "opt_in": 2,
    "pause_sequence": 4,
    "resume_sequence": 7,
    "pause_lead": 4,
    "resume_lead": 5,
    "pause_enrollment": 5,
    "resume_enrollment": 7,
    "campaign": 5,
    "update_step": 3,
    "replace_steps": 3,
    "update_sequence": 2,
    "claim": 10,
    "crash": 2,
    "answer": 8,
    "release": 1,
    "advance": 8,
    "work": 14,
    "tick": 4,
}

# What a worker that does its job has to tell.
OUTCOMES = (*["accepted"] * 6, "retry", "permanent")

# A half of the histories in which one of these never happened would prove little.
HAPPENS = {
    "enrolled", "already_enrolled", "exclusive", "claimed", "late answer", "answer unknown",
    "resume_sequence shift", "resume_lead skip", "resume_enrollment catch_up", "cancel campaign",
    "replace_steps add", "replace_steps remove", "replace_steps reorder", "pause under another",
    "lease lapsed", "verdict device_pacing", "verdict enrollment_paused", "verdict lead_paused",
    "verdict sequence_paused", "verdict campaign_paused", "verdict predecessor_unknown",
    "message skipped", "message expired",
}  # fmt: skip


class Driver:
    """Draws the actions of one history."""

    def __init__(self, history: History, random: Random) -> None:
        self.history = history
        self.random = random

    def act(self) -> str:
        [name] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        arguments = getattr(self, f"_{name}")()
        return f"{name} {arguments}"

    def _who(self) -> tuple[int, int, str]:
        pick = self.random
        return pick.randrange(3), pick.randrange(3), pick.choice(["", "", "order-7"])

    def _policy(self) -> str:
        return self.random.choice((*POLICIES, "shift"))

    def _enroll(self) -> object:
        self.history.enroll(*(who := self._who()))
        return who

    def _tag(self) -> object:
        lead, token = self.random.randrange(3), self.random.choice(["cold", "warm", "warm,cold"])
        self.history.tag(lead, token)
        return lead, token

    def _exit(self) -> object:
        self.history.exit(*(who := self._who()))
        return who

    def _opt_out(self) -> object:
        self.history.opt_out(lead := self.random.randrange(3))
        return lead

    def _opt_in(self) -> object:
        self.history.opt_in(lead := self.random.randrange(3))
        return lead

    def _pause_sequence(self) -> object:
        self.history.pause_sequence(sequence := self.random.randrange(3))
        return sequence

    def _resume_sequence(self) -> object:
        sequence, policy = self.random.randrange(3), self._policy()
        self.history.resume_sequence(sequence, policy)
        return sequence, policy

    def _pause_lead(self) -> object:
        lead, hours = self.random.randrange(3), self.random.choice([0.5, 5, 30, None])
        self.history.pause_lead(lead, hours)
        return lead, hours

    def _resume_lead(self) -> object:
        lead, policy = self.random.randrange(3), self._policy()
        self.history.resume_lead(lead, policy)
        return lead, policy

    def _pause_enrollment(self) -> object:
        who, by_hand = self._who(), self.random.random() < 0.3
        self.history.pause_own(*who, by_hand)
        return who, by_hand

    def _resume_enrollment(self) -> object:
        who, policy = self._who(), self._policy()
        self.history.resume_own(*who, policy)
        return who, policy

    def _campaign(self) -> object:
        verb = self.random.choice(["schedule"] * 4 + ["pause", "pause", "resume"] * 2 + ["cancel"])
        self.history.campaign(verb)
        return verb

    def _update_step(self) -> object:
        sequence, step = self.random.randrange(3), self.random.randrange(4)
        changes = self.random.choice(CHANGES)
        self.history.update_step(sequence, step, changes)
        return sequence, step, changes

    def _replace_steps(self) -> object:
        sequence, step = self.random.randrange(3), self.random.randrange(4)
        kind = self.random.choice(["add", "remove", "reorder"])
        self.history.replace_steps(sequence, kind, step)
        return sequence, kind, step

    def _update_sequence(self) -> object:
        sequence, changes = self.random.randrange(3), self.random.choice(SETTINGS)
        self.history.update_sequence(sequence, changes)
        return sequence, changes

    def _claim(self) -> object:
        """One, or two at the same instant."""
        worker, limit = self.random.choice("ab"), self.random.choice([1, 3, 10])
        times = self.random.choice([1, 2])
        for _ in range(times):
            self.history.claim(worker, limit)
        return worker, limit, times

    def _crash(self) -> object:
        self.history.claim("a", 10, crashes=True)
        return ""

    def _answer(self) -> object:
        pick = self.random.randrange(30)
        outcome = self.random.choice(("accepted", "retry", "permanent", "unknown"))
        self.history.answer(pick, outcome)
        return pick, outcome

    def _release(self) -> object:
        self.history.release(pick := self.random.randrange(30))
        return pick

    def _advance(self) -> object:
        self.history.advance(hours := self.random.choice([0.002, 0.02, 0.6, 2, 7, 24, 50]))
        return hours

    def _work(self) -> object:
        """Some time, and then a worker that does its job."""
        hours = self.random.choice([0.6, 5, 25])
        self.history.advance(hours)
        self.history.tick()
        for _ in range(2):
            self.history.claim("a", 10)
            for number, flight in enumerate(self.history.flights):
                if not flight.is_over:
                    self.history.answer(number, self.random.choice(OUTCOMES))
            self.history.clock.advance(seconds=20)
        return hours

    def _tick(self) -> object:
        self.history.tick()
        return ""


def begin(plant: Plant, clock: Clock, seen: Counter[str], seed: int) -> Driver:
    """A history of that number; half of them are paced, or begin with a campaign, a third of the
    devices send again what may have gone."""
    random = Random(seed)
    pace = random.choice([(0, 0), (5, 20)])
    policy = random.choice(["hold", "hold", "retry"])
    history = History(plant, clock, seen, pace, policy)
    history.build()
    if random.random() < 0.5:
        history.campaign("schedule")
        history.tick()
    return Driver(history, random)


@pytest.mark.parametrize("piece", range(PIECES))
def test_random_histories(plant: Plant, clock: Clock, piece: int) -> None:
    is_thorough = settings.get_current_profile_name() == "thorough"
    histories = (settings().max_examples if is_thorough else FEW) // PIECES
    seen: Counter[str] = Counter()
    for number in range(histories):
        if number % 50 == 49:
            plant.conn.execute("vacuum")
        with plant.rolled_back():
            driver = begin(plant, clock, seen, number * PIECES + piece)
            done: list[str] = []
            try:
                done.extend(driver.act() for _ in range(ACTIONS))
            except Exception as error:
                error.add_note(f"history {number} of piece {piece}, after:\n" + "\n".join(done))
                raise
    assert set(seen) >= HAPPENS
