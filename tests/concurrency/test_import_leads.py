"""import_leads() and upsert_lead() of the same phones by several sessions."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from factory import Clock, Connection, Plant
from psycopg.types.json import Jsonb
from waiting import wait_until_blocked

IMPORT = "select * from drip.import_leads(%s)"


def test_the_same_phones_in_any_order_do_not_deadlock(
    clock: Clock, plant: Plant, connect: Any
) -> None:
    """Some leads are there and change, some are new; every session has its own order."""
    phones = [f"+6011{n:08d}" for n in range(400)]
    for phone in phones[::3]:
        plant.lead(phone)
    sessions = [clock.join(connect()) for _ in range(4)]
    results: list[list[dict[str, Any]]] = []
    errors: list[BaseException] = []
    start = threading.Barrier(len(sessions))

    def run(number: int) -> None:
        mixed = phones[:]
        random.Random(number).shuffle(mixed)
        try:
            start.wait(timeout=30)
            for turn in range(3):
                leads = [
                    {"phone": phone, "name": f"{number}-{turn}", "trigger": f"t{number}"}
                    for phone in mixed
                ]
                results.append(sessions[number].execute(IMPORT, [Jsonb(leads)]).fetchall())
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=run, args=[n]) for n in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert errors == []
    rows = [row for result in results for row in result]
    assert len(rows) == 12 * len(phones)
    created = [row["lead_id"] for row in rows if row["outcome"] == "created"]
    assert len(created) == len(set(created)) == len(phones) - len(phones[::3])
    assert {row["outcome"] for row in rows} <= {"created", "updated", "unchanged"}
    leads = plant.rows("select phone, trigger from drip.leads")
    assert len(leads) == len(phones)
    # No trigger of any session is lost.
    assert {frozenset(lead["trigger"].split(",")) for lead in leads} == {
        frozenset({"t0", "t1", "t2", "t3"})
    }


def test_an_external_id_that_somebody_takes_meanwhile_is_a_problem_not_an_error(
    clock: Clock, plant: Plant, connect: Any
) -> None:
    first = clock.join(connect(autocommit=False))
    second = clock.join(connect())
    first.execute("select * from drip.upsert_lead('+60111111111', p_external_id => 'A')")
    done: list[Any] = []
    leads = [
        {"phone": "+60122222222", "external_id": "A"},
        {"phone": "+60133333333", "external_id": "B"},
    ]
    thread = threading.Thread(
        target=lambda: done.extend(second.execute(IMPORT, [Jsonb(leads)]).fetchall())
    )
    thread.start()
    wait_until_blocked(plant.conn, second, by=first)
    first.commit()
    thread.join(timeout=30)
    assert [row["outcome"] for row in done] == ["invalid", "created"]
    assert "'A' belongs to another lead" in done[0]["problem"]


@pytest.mark.lesson(31, story=True)
def test_two_first_looks_at_one_phone_make_one_lead(
    clock: Clock, plant: Plant, connect: Any
) -> None:
    first = clock.join(connect(autocommit=False))
    second = clock.join(connect())
    first.execute("select * from drip.upsert_lead('+60111111111', 'first', p_trigger => 'a')")
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(
            second.execute(
                "select * from drip.upsert_lead('+60111111111', p_trigger => 'b')"
            ).fetchone()
        )
    )
    thread.start()
    wait_until_blocked(plant.conn, second, by=first)
    first.commit()
    thread.join(timeout=30)
    assert done[0]["outcome"] == "updated"
    assert plant.row("select name, trigger from drip.leads") == {"name": "first", "trigger": "a,b"}


def test_bulk_look_ups_in_opposite_order_wait_in_one_order(
    clock: Clock, plant: Plant, connect: Any
) -> None:
    """The second waits at the first's first phone, not with half of the phones in its hands."""
    phones = [f"+6011{n:08d}" for n in range(300)]
    holder = clock.join(connect(autocommit=False))
    first, second = clock.join(connect()), clock.join(connect())
    query = "select * from drip._get_or_create_leads(%s, %s)"
    results: dict[str, list[Any]] = {}

    def run(name: str, session: Connection, wanted: list[str]) -> threading.Thread:
        def look_up() -> None:
            results[name] = session.execute(query, [plant.user, wanted]).fetchall()

        thread = threading.Thread(target=look_up)
        thread.start()
        return thread

    holder.execute(query, [plant.user, phones[150:151]])
    threads = [run("first", first, phones)]
    wait_until_blocked(plant.conn, first, by=holder)
    threads.append(run("second", second, phones[::-1]))
    wait_until_blocked(plant.conn, second, by=first)
    holder.rollback()
    for thread in threads:
        thread.join(timeout=30)
    ours = [row["lead_id"] for row in results["first"]]
    assert [row["lead_id"] for row in results["second"]] == ours[::-1]
    assert len(set(ours)) == 300
