"""_is_time_zone(): names of the IANA list, and nothing else that AT TIME ZONE takes."""

from __future__ import annotations

import pytest
from factory import Plant


def test_it_knows_every_zone_of_the_server(plant: Plant) -> None:
    assert (
        plant.rows(
            "select z.name from pg_catalog.pg_timezone_names z where not drip._is_time_zone(z.name)"
        )
        == []
    )


@pytest.mark.parametrize(
    "text", ["", "MYT", "PST", "+08", "foo+8", "Asia/Foo", "Asia/Foo8", "Asia/", "x'; --", "a/b/c"]
)
def test_nothing_else(plant: Plant, text: str) -> None:
    assert plant.value("select drip._is_time_zone(%s)", text) is False
