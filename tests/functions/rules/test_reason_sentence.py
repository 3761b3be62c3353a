"""reason_sentence(): the words for every code that a row can carry."""

from __future__ import annotations

import re
from pathlib import Path

from factory import Clock, Plant
from psycopg.types.json import Jsonb

from pgdrip.schema import db_dir


def written() -> set[str]:
    """The codes that our functions put on a row: read from their text.

    What stands behind status_reason, deferred_reason and exit_reason, in the branches of a case
    there, as the reason of _exit_enrollments, and what the verdict says.
    """
    codes: set[str] = set()
    for path in (Path(db_dir()) / "functions").glob("*/*.sql"):
        text = path.read_text()
        codes |= set(re.findall(r"(?:status|deferred|exit)_reason = '([a-z_]+)'", text))
        for branches in re.findall(r"(?:status|deferred)_reason = case(.*?)\bend\b", text, re.S):
            codes |= set(re.findall(r"(?:then|else) '([a-z_]+)'", branches))
        for arguments in re.findall(r"from drip\._exit_enrollments\((.*?)\) x;", text, re.S):
            codes |= set(re.findall(r"'([a-z_]+)'", arguments))
        for arguments in re.findall(r"perform drip\._exit_enrollments\((.*?)\);", text, re.S):
            codes |= set(re.findall(r"'([a-z_]+)'", arguments))
        if path.stem == "_verdict":
            codes |= set(re.findall(r"then '([a-z_]+)'", text))
    return codes - {"go", "drop", "wait"}


def test_every_code_that_our_code_writes_has_a_sentence(plant: Plant) -> None:
    codes = written()
    # a sample of each way, so that the reading above is known to read
    assert codes >= {
        "suppressed", "no_answer", "lease_expired", "max_failures", "opted_out", "undelivered",
        "refused", "will_retry", "program_error", "device_error", "lead_replied", "erased",
        "exit_lead", "sequence_archived", "skipped_by_resume",
        "service_window_closed", "breaker_open", "enrollment_finished",
    }  # fmt: skip
    for code in codes:
        assert plant.value("select drip.reason_sentence(%s)", code) != code, code


def test_every_way_to_be_stopped_has_a_sentence(clock: Clock, plant: Plant) -> None:
    """What the verbs of other rooms leave on a message reads well in the log."""
    plant.device(burst=10)
    phones = [f"+6012345678{number}" for number in range(6)]
    left, archived = plant.sequence({}, {}), plant.sequence({}, {})
    leads = [plant.lead(phone) for phone in phones]
    for lead in leads:
        plant.enroll(left, lead)
    plant.enroll(archived, leads[0])
    plant.row(
        "select * from drip.create_campaign(%s)",
        Jsonb({"title": "Raya", "message": "Hi", "everyone": True, "per_device_limit": 1}),
    )
    plant.row("select * from drip.schedule_campaign('Raya')")
    plant.row("select * from drip.expand_campaigns()")
    plant.row("select * from drip.exit_lead(%s, %s)", str(left), phones[1])
    plant.row("select * from drip.archive_sequence(%s)", str(archived))
    plant.row("select * from drip.opt_out(%s)", phones[2])
    plant.row("select * from drip.erase_lead(%s)", phones[3])
    plant.row("select * from drip.pause_sequence(%s)", str(left))
    plant.row("select * from drip.cancel_campaign('Raya')")
    clock.advance(days=3)
    plant.row("select * from drip.resume_sequence(%s, 'skip')", str(left))
    rows = plant.rows(
        "select distinct status, status_reason, sentence from drip.message_log"
        " where status_reason is not null"
    )
    assert {row["status_reason"] for row in rows} == {
        "exit_lead",
        "sequence_archived",
        "suppressed",
        "erased",
        "campaign_device_limit",
        "campaign_cancelled",
        "skipped_by_resume",
    }
    assert [row for row in rows if row["sentence"] == row["status_reason"]] == []


def test_an_applications_own_reason_stays_as_it_is(clock: Clock, plant: Plant) -> None:
    plant.device()
    sequence = plant.sequence()
    plant.enroll(sequence, plant.lead("+60123456789"))
    plant.row("select * from drip.exit_lead(%s, '+60123456789', 'has bought')", str(sequence))
    assert plant.value("select sentence from drip.message_log") == "has bought"
