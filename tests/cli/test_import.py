"""CSV files as people have them."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from pgdrip.errors import PgdripError
from pgdrip.files.cells import split_phones
from pgdrip.files.headings import phone_rank
from pgdrip.files.importer import ImportReport, Problem, import_file, write_problems
from pgdrip.files.lines import DelimitedLines

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


PIECES = st.lists(
    st.sampled_from(['"', '""', ",", "x", " ", '"x"', ',"', '",', "y,z", "é", ";"]), max_size=4
)
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
    assert lines == [1001, 1235]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty."),
        ("name,city\nAli,Ipoh\n", "no column of phone numbers (columns: name, city)"),
        ("root:$6$hash:19000:0:99999:7:::\n", "(columns: none that looks like a title)"),
        ("my secret words, and more\n", "(columns: none that looks like a title)"),
        (b"PK\x03\x04 a workbook", "cannot be read as a spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_in_a_sentence(
    imported: Import, text: str | bytes, sentence: str
) -> None:
    with pytest.raises(PgdripError) as caught:
        imported(text)
    assert sentence in caught.value.message


def test_the_problems_can_be_mended_and_imported_again(
    pgdrip: Run, dsn: str, shop: str, leads: Leads, tmp_path: Path
) -> None:
    (tmp_path / "leads.csv").write_text(
        "WhatsApp;Name;Tags;City\n"
        "012-345 6789;Ali;warm;Ipoh\n"
        'abc;Mei;"warm, vip";Kuala Lumpur, Malaysia\n'
        '012-345 6780;Siti;warm;"unclosed\n'
        "012-345 6781;Wei;warm;Ipoh;and more\n"
    )
    done = pgdrip("import", "leads.csv", "--user", shop, "--problems", "bad.csv", url=dsn)
    assert done.returncode == 3, done.stderr
    assert "3 problems written to bad.csv" in done.stdout
    with (tmp_path / "bad.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["pgdrip line", "pgdrip problem", "WhatsApp", "Name", "Tags", "City"]
    assert [row[0] for row in rows[1:]] == ["3", "4", "5"]
    assert all(row[1] for row in rows[1:])
    assert rows[1][2:] == ["abc", "Mei", "warm, vip", "Kuala Lumpur, Malaysia"]
    assert rows[2][2:] == ["012-345 6780", "Siti", "warm", "unclosed"]
    assert rows[3][2:] == ["012-345 6781", "Wei", "warm", "Ipoh", "and more"]

    rows[1][2] = "012-345 6782"
    rows[3].pop()
    with (tmp_path / "bad.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    done = pgdrip("import", "bad.csv", "--user", shop, url=dsn)
    assert done.returncode == 0, done.stdout
    mended = leads()
    assert [lead["name"] for lead in mended] == ["Siti", "Wei", "Mei", "Ali"]
    assert (mended[2]["trigger"], mended[2]["attributes"]) == (
        "warm,vip",
        {"city": "Kuala Lumpur, Malaysia"},
    )


def test_a_problem_is_no_formula_for_a_spreadsheet_and_is_read_back(
    imported: Import, leads: Leads, tmp_path: Path
) -> None:
    phones = ["=cmd|' /C calc'!A0", "+60 12", "-1+2", "@SUM(1)", "\t=1", "+1+cmd|x"]
    problems = [Problem(2, phone, "=no", [phone, "=name"]) for phone in phones]
    write_problems(tmp_path / "bad.csv", problems, ["phone", "=title"])
    with (tmp_path / "bad.csv").open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    assert header == ["pgdrip line", "pgdrip problem", "phone", "'=title"]
    assert [row[2] for row in rows] == [
        "'=cmd|' /C calc'!A0", "+60 12", "'-1+2", "'@SUM(1)", "'\t=1", "'+1+cmd|x",
    ]  # fmt: skip
    assert {(row[1], row[3]) for row in rows} == {("'=no", "'=name")}
    assert imported("phone,name\n'+60123456789,'=Ali\n").imported == 1
    [lead] = leads()
    assert (lead["phone"], lead["name"]) == ("+60123456789", "=Ali")


@pytest.fixture
def journey(conn: Connection, shop: str) -> str:
    """A started sequence of the trigger warm, which leads may begin again at once."""
    conn.execute("select set_config('drip.user', %s, false)", [shop])
    conn.execute("select drip.upsert_device('d', 'gowa', '+60120000000', 'http://127.0.0.1:1')")
    conn.execute(
        "select drip.create_sequence(%s)",
        [
            Jsonb(
                {
                    "name": "Warm",
                    "trigger": "warm",
                    "auto_enroll": "trigger",
                    "reenroll_after": "1 second",
                    "steps": [{"content": "Hi"}],
                }
            )
        ],
    )
    conn.execute("select drip.start_sequence('Warm')")
    return "Warm"


def test_a_trigger_begins_a_journey_once_however_often_a_file_is_imported(
    conn: Connection, imported: Import, journey: str
) -> None:
    text = "phone,trigger\n0123456789,warm\n"
    report = imported(text)
    assert report.warnings == []
    conn.execute("select drip.enroll_matching_leads()")
    conn.execute("select drip.exit_lead(%s, '0123456789')", [journey])
    conn.execute("update drip.sequence_contacts set enrolled_at = enrolled_at - interval '1 day',"
                 " completed_at = completed_at - interval '1 day'")  # fmt: skip
    count = "select count(*) from drip.sequence_contacts"
    report = imported(text)
    conn.execute("select drip.enroll_matching_leads()")
    assert (conn.execute(count).fetchone() or {})["count"] == 1
    [warning] = report.warnings
    assert "Trigger 'warm': 1 leads have been in its sequence" in warning
    assert imported(text, restart=True).warnings == []
    conn.execute("select drip.enroll_matching_leads()")
    assert (conn.execute(count).fetchone() or {})["count"] == 2


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    notes=st.lists(PIECES, min_size=1, max_size=12),
    places=st.lists(st.sampled_from([0, 1, 2]), min_size=12, max_size=12),
)
def test_rows_and_problems_are_all_lines_of_the_file(
    conn: Connection, imported: Import, notes: list[list[str]], places: list[int]
) -> None:
    rows = []
    for number, pieces in enumerate(notes):
        cells = ["n", f"0123456{number:03d}", "note"]
        cells[places[number]] += "".join(pieces)
        rows.append(",".join(cells))
    conn.execute("delete from drip.leads")
    report = imported("\n".join(["name,phone,note", *rows]) + "\n")
    leads = conn.execute("select phone, attributes from drip.leads").fetchall()
    assert report.rows == sum(report.outcomes.values()) + len(report.problems)
    told = " ".join(f"{problem.cells}" for problem in report.problems)
    for number in range(len(rows)):
        known = f"+60123456{number:03d}"
        assert any(lead["phone"] == known for lead in leads) or f"0123456{number:03d}" in told
    # a cell of two lines is one row; nothing else makes a row of two lines
    lines = sum(1 + f"{lead['attributes']}".count("\\n") for lead in leads)
    assert lines + len(report.problems) >= len(rows)


@pytest.mark.parametrize(
    ("cell", "phones"),
    [
        ("012-3456701; 013-3456702", ["012-3456701", "013-3456702"]),
        ("012-3456703 / 013-3456704", ["012-3456703", "013-3456704"]),
        ("012-3456703/013-3456704", ["012-3456703", "013-3456704"]),
        ("012-3456707 ::: 013-3456708", ["012-3456707", "013-3456708"]),
        ("012-3456709 or 013-3456710", ["012-3456709", "013-3456710"]),
        ("012-3456711\n013-3456712", ["012-3456711", "013-3456712"]),
        ("0123456715 0133456716", ["0123456715", "0133456716"]),
        ("https://wa.me/60123456701", ["https://wa.me/60123456701"]),
        ("wa.me/60123456709 / 0123456710", ["wa.me/60123456709", "0123456710"]),
        ("+49 (0)6221/1234567", ["+49 (0)6221/1234567"]),
        ("012-345 6789, ext 5", ["012-345 6789, ext 5"]),
        ("+60 12 345 6789", ["+60 12 345 6789"]),
        ("", []),
    ],
)
def test_phones_in_one_cell(cell: str, phones: list[str]) -> None:
    assert split_phones(cell) == phones


def test_headings_of_many_lists_are_phones() -> None:
    for title in (
        "Phone 1 - Value", "billing_phone", "Phone (Billing)", "Primary Phone", "Phone (WhatsApp)",
        "No. WhatsApp", "No Tel", "No. Tel", "Nombor Telefon", "Teléfono", "Número de celular",
        "Téléphone portable", "Handynummer", "Telefone", "手机号", "電話番号", "رقم الجوال",
        "Номер телефона", "Số điện thoại", "เบอร์โทรศัพท์", "what_is_your_phone_number",
        "phoneNumber", "HP", "MSISDN", "Mobile Phone Number",
    ):  # fmt: skip
        assert phone_rank(title) > 1, title
    for title in (
        "Phone 1 - Label", "Phone Type", "Phone Country Code", "Fax", "Contact owner", "Name",
        "Phonetic First Name", "E-mail 1 - Value", "Email", "Phone verified", "City",
    ):  # fmt: skip
        assert phone_rank(title) == 0, title
    assert phone_rank("WhatsApp") > phone_rank("Mobile") > phone_rank("Phone")
    assert phone_rank("Phone") > phone_rank("Home Phone") > phone_rank("Number")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    notes=st.lists(PIECES, min_size=1, max_size=12),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    places=st.lists(st.sampled_from([0, 1, 2]), min_size=12, max_size=12),
)
def test_no_row_vanishes(
    notes: list[list[str]], ends: str, places: list[int], tmp_path: Path
) -> None:
    """Each line of the data is a row or a problem, whatever stands in its cells."""
    rows = []
    for number, pieces in enumerate(notes):
        cells = ["n", f"0123456{number:03d}", "note"]
        mess, place = "".join(pieces), places[number]
        cells[place] = mess + cells[place] if number % 2 else cells[place] + mess
        rows.append(",".join(cells))
    text = ends.join(["name,phone,note", *rows]) + ends
    path = tmp_path / "any.csv"
    path.write_bytes(text.encode())
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(DelimitedLines(file))[1:]
    covered = [
        line.number + more
        for line in lines
        for more in range(1 + sum(len(re.findall("\r\n|\r|\n", cell)) for cell in line.cells))
    ]
    assert covered == list(range(2, len(rows) + 2))
    # A row that holds others' lines holds none of their phones, as far as they are cells.
    phone = re.compile(r"(?<![^\s,\"])0123456\d{3}(?![^\s,\"])")
    assert all(sum(bool(phone.search(cell)) for cell in line.cells) <= 1 for line in lines)
    phones = re.findall(r"0123456\d{3}", " ".join(c for line in lines for c in line.cells))
    assert sorted(phones) == sorted(f"0123456{number:03d}" for number in range(len(rows)))


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
