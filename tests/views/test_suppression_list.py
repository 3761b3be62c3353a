"""suppression_list: who gets nothing, why, and the statement that lifts it."""

from __future__ import annotations

import pytest
from factory import Clock, Connect, Plant
from inbound import PHONE, Row, cloud_device, preference, process, said


def listed(plant: Plant) -> list[Row]:
    return plant.rows("select * from drip.suppression_list order by created_at, phone, category")


def test_told_by_an_application_a_reply_or_the_provider(clock: Clock, plant: Plant) -> None:
    gateway, cloud = plant.device(), cloud_device(plant)
    lead = plant.lead(PHONE, name="Ali")
    plant.row("select * from drip.opt_out('+60123456700', 'asked on the phone')")
    clock.advance(hours=1)
    process(plant, said(gateway, "STOP"))
    clock.advance(hours=1)
    process(plant, preference(cloud, "stop", phone="+60123456701"))
    clock.advance(hours=1)
    plant.row("select * from drip.opt_out('+60123456702', p_source => 'the shop')")
    by_application, by_reply, by_provider, by_shop = listed(plant)
    assert (by_application["lead_id"], by_application["lead_name"]) == (None, None)
    assert (by_application["source"], by_application["category"]) == ("application", "all")
    assert by_application["reason"] == "asked on the phone"
    assert by_application["sentence"] == "An application or a person recorded it."
    assert (by_reply["lead_id"], by_reply["lead_name"]) == (lead, "Ali")
    assert (by_reply["phone"], by_reply["reason"]) == (PHONE, "replied STOP")
    assert by_reply["sentence"] == "The contact replied with a stop word."
    assert (by_provider["source"], by_provider["category"]) == ("provider", "marketing")
    assert by_provider["sentence"] == "The provider reported it."
    assert by_shop["sentence"] == "It came from the shop."


def test_the_remedy_lifts_it(clock: Clock, plant: Plant) -> None:
    plant.suppress(PHONE, "all")
    plant.suppress(PHONE, "marketing")
    one, other = listed(plant)
    assert one["remedy"] == f"select * from drip.opt_in('{PHONE}', 'all');"
    with plant.rolled_back():
        plant.conn.execute(one["remedy"])
        assert listed(plant) == [], "an opt-in to everything leaves no opt-out"
    plant.conn.execute(other["remedy"])
    assert [row["category"] for row in listed(plant)] == ["all"]
    plant.conn.execute(one["remedy"])
    assert listed(plant) == []


def test_the_remedy_names_the_tenant_where_there_are_several(clock: Clock, plant: Plant) -> None:
    other = plant.other_tenant()
    plant.suppress(PHONE)
    with plant.acting_for(other):
        plant.row("select * from drip.opt_out(%s)", PHONE)
    [theirs] = [row for row in listed(plant) if row["user_id"] == other]
    plant.conn.execute(theirs["remedy"])
    assert [row["user_id"] for row in listed(plant)] == [plant.user]
    # nothing of it stays in the session
    assert plant.value("select coalesce(current_setting('drip.user', true), '')") == ""
    with plant.acting_for(plant.user):
        assert listed(plant)[0]["remedy"] == f"select * from drip.opt_in('{PHONE}', 'all');"


@pytest.mark.parametrize("role", ["drip_reader", "drip_app"])
def test_phones_are_masked_without_the_right_to_see_them(
    clock: Clock, plant: Plant, connect: Connect, role: str
) -> None:
    plant.row("select * from drip.opt_out(%s, 'called from 012-345 6789')", PHONE)
    plant.assign(role)
    row = connect(role=role).execute("select * from drip.suppression_list").fetchone()
    assert row is not None
    assert (row["phone"], row["reason"]) == ("+601*****789", "called from 012*****789")
    assert row["remedy"] is None
    assert "6789" not in str(row)


def test_each_tenant_sees_its_own(clock: Clock, plant: Plant, connect: Connect) -> None:
    other = plant.other_tenant()
    lead = plant.lead(PHONE, name="Ali")
    with plant.acting_for(other):
        plant.row("select * from drip.opt_out(%s)", PHONE)
    [row] = listed(plant)
    # the lead with that phone is another tenant's
    assert (row["user_id"], row["lead_id"], row["lead_name"]) == (other, None, None)
    assert lead
    plant.assign("drip_reader")
    assert connect(role="drip_reader").execute("select * from drip.suppression_list").rowcount == 0
    with plant.acting_for(plant.user):
        assert listed(plant) == []
