"""Enrollment and campaign expansion: rows of broadcast_messages planned per second."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from .data import add_campaign, add_devices, add_leads, add_sequence, expand_all
from .place import Place

LEADS = 100_000
STEPS = 5
AUDIENCE = 500_000
CALLS = range(0, LEADS, 5_000)


def enrollment(place: Place) -> None:
    """100,000 leads by 5 steps by enroll_leads, 5,000 phones a call, 1 and 4 applications."""
    place.database("bench_enroll")
    with place.connect("bench_enroll") as connection:
        add_devices(connection, 300)
        add_leads(connection, LEADS)

        def measure(clients: int) -> float:
            name = f"sequence of {time.time_ns()}"
            add_sequence(connection, name, STEPS)
            started = time.perf_counter()
            with ThreadPoolExecutor(clients) as applications:
                list(applications.map(lambda first: _enroll(place, name, first), CALLS))
            seconds = time.perf_counter() - started
            planned = connection.execute(
                "select messages from drip.sequence_overview where sequence_name = %s", [name]
            ).fetchone()
            assert planned == (LEADS * STEPS,), planned
            return LEADS * STEPS / seconds

        for clients in (1, 4):
            place.compare(
                f"enrollment, {clients} application{'s' if clients > 1 else ''}",
                lambda _, clients=clients: measure(clients),  # type: ignore[misc]
                unit="messages/s",
                aim=0.30 if clients == 4 else None,
                note="100k leads × 5; L has 4 clients as well",
            )


def _enroll(place: Place, sequence: str, first: int) -> None:
    with place.connect("bench_enroll") as connection:
        connection.execute(
            "select count(*) from drip.enroll_leads(%s, array("
            "  select '+601' || (10000000 + g) from generate_series(%s::int, %s::int) g))",
            [sequence, first, first + 4_999],
        )


def expansion(place: Place) -> None:
    """A campaign to 500,000 leads, chunks of 10,000, one client."""
    place.database("bench_expand")
    with place.connect("bench_expand") as connection:
        add_devices(connection, 300)
        add_leads(connection, AUDIENCE)

        def measure(number: int) -> float:
            title = f"campaign {number} of {time.time_ns()}"
            add_campaign(connection, title)
            started = time.perf_counter()
            planned = expand_all(connection)
            seconds = time.perf_counter() - started
            assert planned == AUDIENCE, planned
            return planned / seconds

        place.compare("expansion", measure, unit="messages/s", aim=0.30, note="500k leads")
