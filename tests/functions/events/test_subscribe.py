"""subscribe(): which events go into which queue of a tenant."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest
from factory import Clock, Connect, Connection, Plant
from followed import Followed
from refusals import refusal

from pgdrip.events import EVENT_TYPES

AddApp = Callable[..., Connection]
QUEUES = "select queue_name from pgmq.list_queues() where queue_name ~ '^drip_q_'"
SUBSCRIBE = "select * from drip.subscribe(%s, %s)"

pytestmark = pytest.mark.usefixtures("clock")


def test_a_queue_is_made_and_a_repeat_says_so(plant: Plant, clock: Clock) -> None:
    row = plant.row(SUBSCRIBE, " CRM ", "Lead.* ")
    assert row == {"queue": "crm", "pattern": "lead.*", "outcome": "subscribed"}
    assert plant.row(SUBSCRIBE, "crm", "lead.*")["outcome"] == "already_subscribed"
    stored = plant.row("select * from drip.subscriptions")
    assert stored["created_at"] == clock.now
    assert plant.rows(QUEUES) == [{"queue_name": stored["queue_name"]}]


def test_the_name_in_pgmq_tells_nothing_and_cannot_be_guessed(plant: Plant) -> None:
    """Every login reads it in pg_class; pgmq locks a number made of it, as any login may."""
    plant.row(SUBSCRIBE, "crm", "#")
    plant.row(SUBSCRIBE, "ops", "#")
    names = [row["queue_name"] for row in plant.rows(QUEUES)]
    assert len(set(names)) == 2
    assert [name for name in names if not re.fullmatch(r"drip_q_[0-9a-f]{32}", name)] == []


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("lead.replied", {"lead.replied"}),
        ("message.*", {t for t in EVENT_TYPES if t.startswith("message.")}),
        ("message.#", {t for t in EVENT_TYPES if t.startswith("message.")}),
        ("message.sent.#", {"message.sent"}),
        ("*.completed", {"sequence.completed", "campaign.completed"}),
        ("#.completed", {"sequence.completed", "campaign.completed"}),
        ("#", set(EVENT_TYPES)),
        ("*.*", set(EVENT_TYPES)),
        ("#.#", set(EVENT_TYPES)),
        ("device.#.online", {"device.online"}),
    ],
)
def test_a_pattern_matches_whole_types(plant: Plant, pattern: str, matched: set[str]) -> None:
    plant.row(SUBSCRIBE, "q", pattern)
    found = plant.rows(
        "select t.type from drip._event_types() t join drip.subscriptions s on t.type ~ s.matches"
    )
    assert {row["type"] for row in found} == matched


@pytest.mark.parametrize(
    "pattern",
    [
        *["", "mesage.*", "*", "lead", "lead.", ".replied", "lead..replied", "lead.repl%"],
        *["lead.(.*)", "###", "lead.replied.now", "message.sent|lead.replied", "*." * 60, None],
    ],
)
def test_a_pattern_that_no_event_matches_is_refused_with_the_types(
    plant: Plant, pattern: str | None
) -> None:
    code, sentence, hint = refusal(plant.conn, SUBSCRIBE, "q", pattern)
    assert code == "DR001"
    assert "matches no type of event" in sentence
    for name in EVENT_TYPES:
        group, _, word = name.partition(".")
        assert re.search(rf"\b{group}\.([a-z_]+\|)*{word}\b", hint)
    assert plant.rows("select from drip.subscriptions") == []


@pytest.mark.parametrize("queue", ["", "1a", "a-b", "a" * 31, "größe", 'a"; drop', None])
def test_a_name_that_no_queue_can_have_is_refused(plant: Plant, queue: str | None) -> None:
    code, sentence, _ = refusal(plant.conn, SUBSCRIBE, queue, "#")
    assert code == "DR001"
    assert "cannot name a queue" in sentence


def test_the_longest_name_of_a_queue_is_taken(plant: Plant) -> None:
    assert plant.row(SUBSCRIBE, "q" * 30, "#")["outcome"] == "subscribed"


def test_there_is_an_end_to_subscriptions(plant: Plant) -> None:
    """Each queue is a table."""
    plant.conn.execute(
        "insert into drip.subscriptions (user_id, queue, pattern, matches, queue_name, created_at)"
        " select %s, 'q' || g, '#', '.*', 'drip_q_' || g, now() from generate_series(1, 100) g",
        [plant.user],
    )
    code, _, hint = refusal(plant.conn, SUBSCRIBE, "one_more", "#")
    assert (code, "unsubscribe" in hint) == ("DR005", True)
    assert plant.row(SUBSCRIBE, "q1", "#")["outcome"] == "already_subscribed"


def test_it_commits_or_vanishes_with_the_application(plant: Plant) -> None:
    with plant.rolled_back():
        Followed(plant.conn)
    assert plant.rows("select from drip.subscriptions") == []
    assert plant.rows(QUEUES) == []


def test_two_sessions_may_make_the_same_queue(plant: Plant, connect: Connect) -> None:
    sessions = [connect() for _ in range(2)]
    for session in sessions:
        assert session.execute(SUBSCRIBE, ["crm", "#"]).fetchone()
    assert plant.value("select count(*) from drip.subscriptions") == 1


def test_a_subscriber_that_comes_back_finds_nothing_of_before(plant: Plant) -> None:
    first = Followed(plant.conn)
    plant.suppress("+60123456789")
    plant.conn.execute("select drip.unsubscribe('followed')")
    again = Followed(plant.conn)
    assert first.queue == again.queue
    assert again.take() == []
    plant.suppress("+60123456780")
    assert again.types() == ["lead.opted_out"]


def test_the_view_shows_what_waits_and_since_when(plant: Plant, clock: Clock) -> None:
    Followed(plant.conn, "device.*", "ops")
    crm = Followed(plant.conn, "lead.*", "crm")
    plant.row(SUBSCRIBE, "crm", "*.completed")
    plant.suppress("+60123456789")
    plant.suppress("+60123456780")
    rows = {row["queue"]: row for row in plant.rows("select * from drip.event_queues")}
    assert rows["crm"]["patterns"] == ["*.completed", "lead.*"]
    assert (rows["crm"]["waiting"], rows["ops"]["waiting"]) == (2, 0)
    assert rows["crm"]["oldest_at"] is not None
    assert rows["ops"]["oldest_at"] is None
    assert rows["crm"]["subscribed_at"] == clock.now
    crm.take()
    assert plant.value("select sum(waiting) from drip.event_queues") == 0


def test_an_application_has_no_right_on_the_queue_itself(plant: Plant, add_app: AddApp) -> None:
    app = add_app("Alpha")
    assert app.execute(SUBSCRIBE, ["crm", "#"]).fetchone()
    name = plant.value("select queue_name from drip.subscriptions")
    for statement in (
        f"select * from pgmq.q_{name}",
        f"insert into pgmq.q_{name} (vt) values (now())",
        f"select * from pgmq.read('{name}', 1, 1)",
        f"select * from pgmq.send('{name}', '{{}}')",
        f"select pgmq.drop_queue('{name}')",
        "create table pgmq.mine (a int)",
        "select * from drip.waiting_events",
        "select * from drip.subscriptions",
        "select nextval('drip.event_ids')",
        "select drip._emit(1, 'message.sent', '{}')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement.encode())
    assert plant.value(
        "select pg_get_userbyid(c.relowner) = pg_get_userbyid(p.proowner)"
        " from pg_class c, pg_proc p"
        " where c.relname = %s and p.proname = 'subscribe'",
        f"q_{name}",
    )
