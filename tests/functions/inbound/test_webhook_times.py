"""Times in webhooks: what somebody wrote counts, whatever time it names."""

from __future__ import annotations

from typing import Any

import pytest
from factory import Clock, Plant
from hypothesis import given
from hypothesis import strategies as st
from inbound import (
    PHONE,
    ack,
    change,
    cloud_device,
    dead_letters,
    meta,
    open_window,
    process,
    said,
    send,
    wrote,
)

pytestmark = pytest.mark.rolled_back

NO_TIMES: list[Any] = [
    "2026-13-45T99:99:99Z",
    "2026-02-30T10:00:00Z",
    "2025-02-29T10:00:00Z",
    "2026-04-31 10:00:00+08",
    "2026-03-02T24:30:00Z",
    "2026-03-02T10:60:00Z",
    "2026-03-02T10:00:00+99:99",
    "2026-03-02T10:00:00+16:00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999-14:00",
    "2026-03-02T10:00:00." + "9" * 500 + "Z",
    "1" * 11 + "." + "9" * 5000,
    "99999999999999",
    "٢٠٢٦-٠٣-٠٢T١٠:٠٠:٠٠Z",
    "tomorrow",
    "infinity",
    "",
    -1,
    1e300,
    True,
    None,
    {"a": 1},
    ["2026"],
]


@pytest.mark.parametrize("time", NO_TIMES)
def test_a_stop_counts_whatever_its_time(clock: Clock, plant: Plant, time: Any) -> None:
    device = plant.device("gateway", burst=50)
    cloud = cloud_device(plant)
    lead = plant.lead(PHONE)
    open_window(plant, lead)
    sent = plant.message(device, lead)
    send(plant, sent, "3EB01")

    row = process(
        plant,
        ack(device, "3EB01", kind="read", timestamp=time),
        said(device, "STOP", "R1", timestamp=time),
        wrote(cloud, "STOP", "R2", timestamp=time),
        wrote(cloud, "Hello", "R3", timestamp=time),
        meta(cloud, change(statuses=[{"id": "x", "status": "read", "timestamp": time}])),
        meta(cloud, change("user_preferences", user_preferences=[{
            "wa_id": "60123450001", "category": "marketing_messages", "value": "stop",
            "timestamp": time}])),
    )  # fmt: skip
    assert (row["dead"], dead_letters(plant), row["remaining"]) == (0, [], 0)
    assert plant.message_row(sent)["read_at"] == clock.now
    assert {row["phone"] for row in plant.rows("select phone from drip.suppressions")} == {
        PHONE,
        "+60123450001",
    }
    heard = plant.rows("select sent_at, received_at from drip.inbound_messages")
    assert len(heard) == 4
    assert [row for row in heard if row["sent_at"] != row["received_at"]] == []


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1772413200", "2026-03-02 01:00:00+00"),
        ("1772413200.5", "2026-03-02 01:00:00.5+00"),
        ("1772413200500", "2026-03-02 01:00:00.5+00"),
        ("2026-03-02T01:00:00Z", "2026-03-02 01:00:00+00"),
        ("2026-03-02 09:00:00.25+08:00", "2026-03-02 01:00:00.25+00"),
        ("2026-03-01T20:00:00-0500", "2026-03-02 01:00:00+00"),
        ("2024-02-29T00:00:00Z", "2024-02-29 00:00:00+00"),
        ("2026-12-31T23:59:59Z", "2026-12-31 23:59:59+00"),
    ],
)
def test_a_time_that_is_one(shared_plant: Plant, text: str, instant: str) -> None:
    assert shared_plant.value("select drip._webhook_time(%s) = %s::timestamptz", text, instant)


PARTS = st.tuples(
    st.integers(0, 9999), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99),
    st.integers(0, 99), st.integers(0, 99), st.sampled_from(["Z", "+08", "-23:59", "+14:59"]),
)  # fmt: skip


@given(
    st.one_of(
        PARTS.map(lambda p: "%04d-%02d-%02dT%02d:%02d:%02d%s" % p),  # noqa: UP031
        st.text("0123456789-:T.Z+ ", max_size=30),
        st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])),
    )
)
def test_no_text_fails(shared_plant: Plant, text: str) -> None:
    shared_plant.row("select drip._webhook_time(%s) as at", text)
