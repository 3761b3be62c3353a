"""read_events(): at least once, a different event for each reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from factory import Connect, Connection, Plant
from followed import Followed, checked
from refusals import refusal

AddApp = Callable[..., Connection]
READ = "select * from drip.read_events(%s, %s, %s)"
PHONE = "+60123456789"

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def crm(plant: Plant) -> Followed:
    """A queue with five events."""
    crm = Followed(plant.conn, "lead.*", "crm")
    for number in range(5):
        plant.suppress(f"+6012345678{number}")
    return crm


def read(session: Connection, limit: int = 100, seconds: int = 30) -> list[dict[str, Any]]:
    return session.execute(READ, ["crm", limit, seconds]).fetchall()


def test_the_oldest_come_first_and_no_more_than_asked(plant: Plant, crm: Followed) -> None:
    first = read(plant.conn, 2)
    rest = read(plant.conn)
    assert [row["body"]["data"]["phone"][-1] for row in first + rest] == list("01234")
    ids = [row["event_id"] for row in first + rest]
    assert ids == sorted(set(ids))


def test_two_readers_get_different_events(plant: Plant, connect: Connect, crm: Followed) -> None:
    """Also while the first has not committed."""
    one = connect(autocommit=False)
    other = connect(autocommit=False)
    taken = [{row["event_id"] for row in read(session, 3)} for session in (one, other)]
    assert [len(ids) for ids in taken] == [3, 2]
    assert not taken[0] & taken[1]


def test_what_a_reader_rolls_back_comes_again(
    plant: Plant, connect: Connect, crm: Followed
) -> None:
    reader = connect(autocommit=False)
    assert len(read(reader)) == 5
    reader.rollback()
    assert [row["reads"] for row in read(plant.conn)] == [1] * 5


def test_without_an_ack_it_comes_again_after_its_time(plant: Plant, crm: Followed) -> None:
    first = read(plant.conn, seconds=600)
    assert read(plant.conn) == []
    name = plant.value("select queue_name from drip.subscriptions")
    plant.conn.execute(f"update pgmq.q_{name} set vt = vt - interval '601 seconds'".encode())
    again = read(plant.conn)
    assert [row["event_id"] for row in again] == [row["event_id"] for row in first]
    assert [row["body"] for row in again] == [row["body"] for row in first]
    assert {row["reads"] for row in again} == {2}


def test_zero_seconds_look_without_taking(plant: Plant, crm: Followed) -> None:
    assert len(read(plant.conn, seconds=0)) == len(read(plant.conn, seconds=0)) == 5


def test_two_queues_get_the_same_event_each(plant: Plant) -> None:
    queues = [Followed(plant.conn, "lead.*", name) for name in ("one", "two")]
    plant.suppress(PHONE)
    assert queues[0].types() == ["lead.opted_out"]
    plant.row("select * from drip.subscribe('one', 'device.*')")
    plant.suppress("+60123456780")
    # the id is that of the event, not of its place in a queue
    first, second = (queue.take()[-1:] for queue in queues)
    assert [event.id for event in first] == [event.id for event in second]


def test_two_patterns_of_a_queue_do_not_double_an_event(plant: Plant) -> None:
    crm = Followed(plant.conn, "lead.*", "crm")
    plant.row("select * from drip.subscribe('crm', '#')")
    plant.suppress(PHONE)
    assert crm.types() == ["lead.opted_out"]


@pytest.mark.parametrize(
    ("limit", "seconds"), [(0, 30), (1001, 30), (-1, 30), (10, -1), (10, 86401)]
)
def test_numbers_out_of_range_are_refused(
    plant: Plant, crm: Followed, limit: int, seconds: int
) -> None:
    assert refusal(plant.conn, READ, "crm", limit, seconds)[0] == "DR001"


def test_an_unknown_queue_names_the_nearest(plant: Plant, crm: Followed) -> None:
    code, sentence, hint = refusal(plant.conn, READ, "crn", 1, 1)
    assert code == "DR012"
    assert "'crn'" in sentence
    assert "'crm'" in hint
    plant.row("select * from drip.unsubscribe('crm')")
    assert "Subscribe first" in refusal(plant.conn, READ, "crm", 1, 1)[2]


def test_phones_are_masked_in_every_text_unless_the_reader_may_see_them(
    plant: Plant, add_app: AddApp
) -> None:
    app = add_app("Alpha")
    trusted = add_app("Alpha", "drip_pii")
    app.execute("select * from drip.subscribe('crm', '#')")
    app.execute("select * from drip.opt_out(%s, %s)", [PHONE, f"call {PHONE[1:]} no more"])
    [masked] = read(app, seconds=0)
    [plain] = read(trusted, seconds=0)
    assert PHONE[1:] not in str(masked)
    assert masked["body"]["data"]["phone"] == "+601*****789"
    assert masked["body"]["data"]["reason"] == "call 601*****789 no more"
    assert plain["body"]["data"]["phone"] == PHONE
    assert checked(masked).data.keys() == checked(plain).data.keys()


def test_an_event_without_a_phone_is_read_as_it_is(plant: Plant, add_app: AddApp) -> None:
    app = add_app("Alpha")
    app.execute("select * from drip.subscribe('crm', 'device.*')")
    user = plant.value("select id from drip.users where name = 'Alpha'")
    device = plant.device("main", user=user)
    plant.update("user_devices", device, status="offline")
    [row] = read(app)
    assert checked(row).data["device_name"] == "main"


def test_the_body_does_not_depend_on_the_zone_of_the_session(
    plant: Plant, connect: Connect
) -> None:
    Followed(plant.conn, "#", "crm")
    plant.conn.execute("set timezone = 'Asia/Kuala_Lumpur'")
    plant.enroll(plant.sequence({}))
    plant.conn.execute("select drip._emit(%s, 'lead.enrolled', '{}')", [plant.user])
    first, second = read(plant.conn)
    assert checked(first).data["enrolled_at"].endswith("+00:00")
    assert second["body"]["occurred_at"] == first["body"]["occurred_at"]
    assert second["body"]["occurred_at"].endswith("+00:00")


def test_tenants_are_kept_apart(plant: Plant, add_app: AddApp) -> None:
    """Both have a queue of the same name."""
    alpha, beta = add_app("Alpha"), add_app("Beta")
    for app in (alpha, beta):
        app.execute("select * from drip.subscribe('crm', '#')")
    alpha.execute("select * from drip.opt_out('+60123456781')")
    beta.execute("select * from drip.opt_out('+60123456782')")
    beta.execute("select * from drip.opt_out('+60123456783')")
    beta.execute("select * from drip.subscribe('theirs', '#')")

    mine = read(alpha, seconds=0)
    assert [row["body"]["data"]["phone"][-1] for row in mine] == ["1"]
    assert refusal(alpha, READ, "theirs", 1, 1)[0] == "DR012"
    assert refusal(alpha, "select * from drip.ack_events('theirs', '{1}')")[0] == "DR012"
    done = alpha.execute("select * from drip.ack_events('crm', %s)", [[1, 2, 3]]).fetchall()
    assert [row["outcome"] for row in done] == ["acked", "not_waiting", "not_waiting"]
    assert len(read(beta)) == 2
    shown = alpha.execute("select queue, waiting from drip.event_queues").fetchall()
    assert shown == [{"queue": "crm", "waiting": 0}]
    gone = alpha.execute("select outcome from drip.unsubscribe('theirs')").fetchone()
    assert gone == {"outcome": "not_subscribed"}
    assert plant.value("select count(*) from drip.subscriptions where queue = 'theirs'") == 1
