"""CSV files as people have them."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow

from pgdrip.errors import PgdripError
from pgdrip.files.importer import ImportReport, Problem, import_file, write_problems

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Connection = psycopg.Connection[DictRow]
Import = Callable[..., ImportReport]


@pytest.fixture
def shop(conn: Connection) -> str:
    """A tenant that reads phones as Malaysia writes them."""
    conn.execute("select drip.create_user('Shop', p_default_region => 'MY')")
    return "Shop"


@pytest.fixture
def imported(conn: Connection, shop: str, tmp_path: Path) -> Import:
    """Imports a file of the given text (or bytes)."""

    def run(text: str | bytes, **options: Any) -> ImportReport:
        path = tmp_path / "leads.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_file(conn, path, user=shop, **options)

    return run


@pytest.fixture
def leads(conn: Connection, shop: str) -> Callable[[], list[DictRow]]:
    """The tenant's leads by phone."""

    def read() -> list[DictRow]:
        return conn.execute(
            "select l.* from drip.leads l join drip.users u on u.id = l.user_id"
            " where u.name = %s order by l.phone",
            [shop],
        ).fetchall()

    return read


Leads = Callable[[], list[DictRow]]


def test_usual_headings_and_forms_of_phones(imported: Import, leads: Leads) -> None:
    report = imported(
        "Full Name,Mobile Number,Target Status,Trigger,City\n"
        'Ali,012-345 6789,Prospect,"cold_start, vip",Ipoh\n'
        "Mei 🌸,'60123456780,customer,,\n"
        "முருகன்,(012) 345-6781,,,Kuching\n"
    )
    assert (report.rows, report.problems, report.imported) == (3, [], 3)
    assert report.attributes == ["city"]
    mei, murugan, ali = leads()
    assert (ali["phone"], ali["name"], ali["trigger"]) == ("+60123456789", "Ali", "cold_start,vip")
    assert ali["attributes"] == {"city": "Ipoh"}
    assert (mei["phone"], mei["name"], mei["target_status"]) == (
        "+60123456780",
        "Mei 🌸",
        "customer",
    )
    assert (murugan["phone"], murugan["name"]) == ("+60123456781", "முருகன்")


@pytest.mark.parametrize(
    ("text", "encoding", "delimiter"),
    [
        ("phone;name\n+60123456789;José\n".encode("cp1252"), "cp1252", ";"),
        ("\ufeffphone\tname\r\n+60123456789\tJosé\r\n".encode(), "utf-8-sig", "\t"),
        ("phone,name\n+60123456789,José\n".encode("utf-16"), "utf-16", ","),
    ],
)
def test_encodings_and_delimiters(
    imported: Import, leads: Leads, text: bytes, encoding: str, delimiter: str
) -> None:
    report = imported(text)
    assert (report.encoding, report.delimiter) == (encoding, delimiter)
    assert [lead["name"] for lead in leads()] == ["José"]


def test_a_bad_row_is_told_with_its_line_and_costs_nothing_else(
    imported: Import, leads: Leads
) -> None:
    report = imported(
        "phone,name\n"
        "012-345 6789,Ali\n"
        "call me,Badrul\n"
        '012-345 6780,"two\nlines"\n'
        "\n"
        "6.01E+10,Chong\n"
        ",Devi\n"
        "012-345 6781,Eng,too,many\n"
        "012-345 6782,Farah\n"
    )
    assert [(p.line, p.phone) for p in report.problems] == [
        (3, "call me"),
        (7, "6.01E+10"),
        (8, ""),
        (9, "012-345 6781"),
    ]
    assert all(p.problem for p in report.problems)
    assert [lead["name"] for lead in leads()] == ["two\nlines", "Farah", "Ali"]
    assert report.rows == 7


def test_a_second_import_changes_nothing(imported: Import, leads: Leads) -> None:
    text = "phone,name\n0123456789,Ali\n+60 12-345 6780,Mei\n"
    imported(text)
    before = leads()
    report = imported(text)
    assert report.outcomes == {"unchanged": 2}
    assert leads() == before


def test_a_dry_run_leaves_no_trace(imported: Import, leads: Leads) -> None:
    report = imported("phone,name\n0123456789,Ali\nnope,Mei\n", dry_run=True)
    assert (report.imported, len(report.problems)) == (1, 1)
    assert leads() == []


def test_more_rows_than_one_chunk(imported: Import, leads: Leads) -> None:
    rows = "".join(f"+60123{number:06d},n{number}\n" for number in range(1234))
    lines: list[int] = []
    report = imported("phone,name\n" + rows, progress=lines.append)
    assert report.imported == len(leads()) == 1234
    assert lines == [501, 1001, 1235]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty."),
        ("name,city\nAli,Ipoh\n", "no column of phone numbers (columns: name, city)"),
        ("root:$6$hash:19000:0:99999:7:::\n", "(columns: none that looks like a title)"),
        ("my secret words, and more\n", "(columns: none that looks like a title)"),
        (b"PK\x03\x04 a workbook", "is a spreadsheet file"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_in_a_sentence(
    imported: Import, text: str | bytes, sentence: str
) -> None:
    with pytest.raises(PgdripError) as caught:
        imported(text)
    assert sentence in caught.value.message


def test_the_command_writes_the_problems_to_a_file(
    pgdrip: Run, dsn: str, shop: str, tmp_path: Path
) -> None:
    (tmp_path / "leads.csv").write_text("WhatsApp,Name\n012-345 6789,Ali\nabc,Mei\n")
    done = pgdrip("import", "leads.csv", "--user", shop, "--problems", "bad.csv", url=dsn)
    assert done.returncode == 0, done.stderr
    assert "not imported" in done.stdout
    assert "1 problems written to bad.csv" in done.stdout
    with (tmp_path / "bad.csv").open(newline="") as file:
        header, problem = csv.reader(file)
    assert header == ["line", "phone", "problem"]
    assert problem[:2] == ["3", "abc"]
    assert problem[2]


def test_a_problem_is_no_formula_for_a_spreadsheet_and_is_read_back(
    imported: Import, leads: Leads, tmp_path: Path
) -> None:
    phones = ["=cmd|' /C calc'!A0", "+60 12", "-1+2", "@SUM(1)", "\t=1", "+1+cmd|x"]
    write_problems(tmp_path / "bad.csv", [Problem(2, phone, "=no") for phone in phones])
    with (tmp_path / "bad.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [row[1] for row in rows] == [
        "'=cmd|' /C calc'!A0", "+60 12", "'-1+2", "'@SUM(1)", "'\t=1", "'+1+cmd|x",
    ]  # fmt: skip
    assert {row[2] for row in rows} == {"'=no"}
    assert imported("phone,name\n'+60123456789,'=Ali\n").imported == 1
    [lead] = leads()
    assert (lead["phone"], lead["name"]) == ("+60123456789", "=Ali")


def test_the_example_leads_are_mostly_good(conn: Connection, shop: str, leads: Leads) -> None:
    path = Path(__file__).parents[2] / "examples" / "leads.csv"
    report = import_file(conn, path, user=shop)
    assert report.rows == 1000
    assert 20 <= len(report.problems) <= 60
    assert len(leads()) >= 900


def test_what_a_later_file_does_not_say_stays(imported: Import, leads: Leads) -> None:
    """An empty cell and a missing column wipe nothing; attributes merge by key."""
    imported(
        "phone,name,niche,target_status,language,time_zone,external_id,trigger,city,size\n"
        "+60123456789,Ali,gym,customer,ms,Asia/Tokyo,A-1,warm,Ipoh,L\n"
    )
    [before] = leads()
    imported(
        "phone,name,niche,target_status,language,time_zone,external_id,trigger,city\n"
        "+60123456789,,,,,,,,\n"
    )
    imported("phone,colour\n+60123456789,red\n")
    [after] = leads()
    told = {"attributes", "updated_at"}
    assert {key: after[key] for key in after if key not in told} == {
        key: before[key] for key in before if key not in told
    }
    assert after["attributes"] == {"city": "Ipoh", "size": "L", "colour": "red"}


def test_a_known_external_id_with_another_phone_is_told(imported: Import, leads: Leads) -> None:
    imported("phone,external_id,name\n+60123456789,A-1,Ali\n")
    report = imported("phone,external_id,name\n+60123456780,A-1,Ali\n+60123456781,A-2,Mei\n")
    assert [(problem.line, problem.phone) for problem in report.problems] == [(2, "+60123456780")]
    assert [lead["phone"] for lead in leads()] == ["+60123456781", "+60123456789"]
