"""Operators change settings of campaigns in psql; rules and effects are those of the verbs."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from factory import Clock, Connect, Plant
from psycopg.types.json import Jsonb


def test_settings_are_changed_and_checked(clock: Clock, plant: Plant, connect: Connect) -> None:
    plant.lead(niche="skincare")
    plant.lead(niche="food")
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "m", "niche": "skincare"}),
    )
    plant.row("select * from drip.schedule_campaign('Raya', %s)", clock.now + timedelta(hours=1))
    operator = clock.join(connect(role="drip_operator"))

    operator.execute("update drip.campaigns set niche = ' food ' where title = 'Raya'")

    with pytest.raises(psycopg.errors.CheckViolation):
        operator.execute("update drip.campaigns set niche = ' '")
    clock.advance(hours=1)
    plant.row("select * from drip.expand_campaigns()")
    assert (
        plant.value(
            "select niche from drip.leads l join drip.broadcast_messages m on m.lead_id = l.id"
        )
        == "food"
    )
