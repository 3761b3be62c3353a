"""exit_lead(): out of one sequence, nothing else."""

from __future__ import annotations

from factory import Clock, Plant

PHONE = "+60123456789"
EXIT = "select * from drip.exit_lead(%s, %s, %s)"


def test_what_is_pending_is_cancelled(clock: Clock, plant: Plant) -> None:
    plant.device()
    plant.sequence({}, {}, {}, name="Warm")
    plant.sequence({}, name="Cold")
    enrolled = plant.row("select * from drip.enroll_lead('Warm', %s)", PHONE)
    other = plant.row("select * from drip.enroll_lead('Cold', %s, p_at => %s)", PHONE, "2027-01-01")
    [claimed] = plant.claim()
    plant.answer(claimed)

    row = plant.row(EXIT, "Warm", PHONE, "bought")

    assert (row["outcome"], row["cancelled"]) == ("exited", 2)
    assert (row["enrollment_id"], row["lead_id"]) == (
        enrolled["enrollment_id"],
        enrolled["lead_id"],
    )
    journey = plant.journey(enrolled["enrollment_id"])
    assert [m["status"] for m in journey] == ["sent", "cancelled", "cancelled"]
    assert journey[1]["status_reason"] == "bought"
    stored = plant.enrollment(enrolled["enrollment_id"])
    assert (stored["status"], stored["exit_reason"]) == ("exited", "bought")
    assert stored["completed_at"] == clock.now
    assert stored["next_trigger_time"] is None
    assert plant.enrollment(other["enrollment_id"])["status"] == "pending"


def test_who_is_not_in_it_is_no_error(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    for phone in (PHONE, "rubbish", None):
        row = plant.row(EXIT, "Warm", phone, None)
        assert (row["outcome"], row["cancelled"]) == ("not_enrolled", 0)
    plant.row("select * from drip.enroll_lead('Warm', %s)", PHONE)
    assert plant.row(EXIT, "Warm", PHONE, None)["outcome"] == "exited"
    assert plant.row(EXIT, "Warm", PHONE, None)["outcome"] == "not_enrolled"


def test_keys_are_apart(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    for key in ("", "a"):
        plant.row("select * from drip.enroll_lead('Warm', %s, p_key => %s)", PHONE, key)
    plant.row("select * from drip.exit_lead('Warm', %s, p_key => 'a')", PHONE)
    rows = plant.rows("select key, status from drip.sequence_contacts order by key")
    assert [(row["key"], row["status"]) for row in rows] == [("", "pending"), ("a", "exited")]
