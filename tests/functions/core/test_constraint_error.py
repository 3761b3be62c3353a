"""_constraint_error(): every rule that a person can break has a sentence."""

from __future__ import annotations

from factory import Connection, Plant
from refusals import refusal

AUTHORED = (
    "users",
    "user_devices",
    "sender_accounts",
    "leads",
    "suppressions",
    "sequences",
    "sequence_steps",
    "campaigns",
)


def test_every_rule_of_the_authored_tables_has_a_meaning(plant: Plant) -> None:
    """Keys for other keys to point at, and the tenant's own id, are not set by people."""
    missing = plant.rows(
        """
        select c.conname::text
        from pg_catalog.pg_constraint c
        join pg_catalog.pg_class r on r.oid = c.conrelid
        left join drip._constraint_meanings() m on m.name = c.conname
        where r.relnamespace = 'drip'::regnamespace
          and r.relname = any (%s)
          and c.contype::text in ('c', 'u', 'f')
          and c.conname !~ '(_tenant|_user_id_fkey)$'
          and c.conname <> 'suppressions_unique'
          and m.name is null
        """,
        list(AUTHORED),
    )
    assert missing == []


def test_no_meaning_speaks_of_a_rule_that_is_gone(plant: Plant) -> None:
    stale = plant.rows(
        """
        select m.name
        from drip._constraint_meanings() m
        where not exists (select from pg_catalog.pg_constraint c where c.conname = m.name)
          and pg_catalog.to_regclass('drip.' || m.name) is null
        """
    )
    assert stale == []


def test_meanings_are_whole(plant: Plant) -> None:
    for meaning in plant.rows("select * from drip._constraint_meanings()"):
        assert meaning["code"].startswith("DR0"), meaning
        assert not meaning["sentence"].endswith("."), meaning
        assert meaning["hint"].endswith("."), meaning
    assert (
        plant.value("select count(*) - count(distinct name) from drip._constraint_meanings()") == 0
    )


def test_it_raises_the_code_the_sentence_and_the_hint(conn: Connection) -> None:
    query = "select drip._constraint_error(%s, %s)"
    assert refusal(conn, query, "user_devices_delay_order", None)[0] == "DR014"
    assert refusal(conn, query, "leads_target_known", None)[0] == "DR015"
    code, sentence, _ = refusal(conn, query, "some_rule_of_tomorrow", None)
    assert code == "DR004"
    assert "some_rule_of_tomorrow" in sentence
