"""A sequence argument is an id or a name; it is found or the error helps to find it."""

from __future__ import annotations

from factory import Clock, Plant
from refusals import refusal

GET = "select drip.get_sequence(%s)"


def test_by_id_and_by_name(clock: Clock, plant: Plant) -> None:
    sequence = plant.sequence(name="Warm Sequence")
    assert plant.value(GET, str(sequence))["name"] == "Warm Sequence"
    assert plant.value(GET, " Warm Sequence ")["id"] == sequence


def test_an_unknown_one_names_the_nearest(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm Sequence")
    code, _, hint = refusal(plant.conn, GET, "Warm Seqeunce")
    assert code == "DR012"
    assert "'Warm Sequence'" in hint
    assert refusal(plant.conn, GET, "999999999999999999999999")[0] == "DR012"
    assert refusal(plant.conn, GET, " ")[0] == "DR001"
    assert refusal(plant.conn, GET, None)[0] == "DR001"


def test_a_name_of_two_tenants_needs_one(clock: Clock, plant: Plant) -> None:
    plant.sequence(name="Warm")
    other = plant.other_tenant("Kedai")
    with plant.acting_for(other):
        plant.sequence(name="Warm")

    code, sentence, hint = refusal(plant.conn, GET, "Warm")

    assert code == "DR011"
    assert "'default'" in sentence
    assert "'Kedai'" in sentence
    assert 'drip."user"' in hint
    with plant.acting_for(other):
        assert plant.value(GET, "Warm")["user"] == "Kedai"
