"""Every kind of list, through the command as a person runs it."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow

from pgdrip.cli import main

Connection = psycopg.Connection[DictRow]


def workbook(rows: list[list[str | int | float]], *more: list[list[str]]) -> bytes:
    """A small .xlsx file: sheets named Sheet1, Sheet2 …"""
    sheets = [rows, *more]
    kept = io.BytesIO()
    main_space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    names = [f"Sheet{number}" for number in range(1, len(sheets) + 1)]

    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    with zipfile.ZipFile(kept, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{packages}/content-types">'
            '<Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
            + "".join(
                f'<Override PartName="/xl/worksheets/{name}.xml"'
                f' ContentType="{types}.worksheet+xml"/>'
                for name in names
            )
            + "</Types>",
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{packages}/relationships"><Relationship Id="rId1"'
            f' Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main_space}" xmlns:r="{relations}"><sheets>'
            + "".join(
                f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
                for number, name in enumerate(names, 1)
            )
            + "</sheets></workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{packages}/relationships">'
            + "".join(
                f'<Relationship Id="rId{number}" Type="{relations}/worksheet"'
                f' Target="worksheets/{name}.xml"/>'
                for number, name in enumerate(names, 1)
            )
            + "</Relationships>",
        )
        for name, sheet in zip(names, sheets, strict=True):
            lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in sheet)
            book.writestr(
                f"xl/worksheets/{name}.xml",
                f'<worksheet xmlns="{main_space}"><sheetData>{lines}</sheetData></worksheet>',
            )
    return kept.getvalue()


# A sheet Kunden of Excel 97: Name, Phone; Siti, 60128881201 as a number; Wei, 012-888 1202.
EXCEL_97 = zlib.decompress(
    base64.b64decode(
        "eNrtWE1oE1EQ/t5u0vyQpklNhVYooWDVtkKTXnJpVwvagxiiHioi2MQsGFpTCfWgF6s1R0HwpHgp9OKl6sUf9KA3"
        "D0JFBUUQEj32JCh4aLPOm92lac2hgVpU3re8ebPzZt6b7Mybzds3S9HK/MOuKjZgBDpqVgAtdTJBLeDeREDjliVZ"
        "t/dTsxT+KQT8FMgWL561vvbJGMp4V6HhgeclUeALtdO4gPR00YxvI0bZh6yQPgwTFbhLkjA62at2pmeZ7mB6nzWf"
        "Mz3AkhtMh0m3Ik5hyUj3pZwsPqn18FgYct7HbPOJJQl04JXM4is3ha3rxcFSITv1dw50e0JYAMVtzCyapexUBTEK"
        "4AJ+WHHgu7tTX8SVfHvlAiT/uV7uayC/pXmAWVgTnOBlSsiPur0Jj1ws5s3iCoYo1OBGmunseZPYzDnai3R7ojBT"
        "IPVxsxACBhPJ/alUKp5IDiaDsk7zvo6s29etnO8honm0MR/lrI9Q5V659+3t0VzGOMOSWa7ldsXfLZ2EhavSgozD"
        "PMJ+sm4f036m13jWXcx3MY2R89T3Zjoc5vAc61zn0V5aZ4jxzthTx+8lvrx87El3+auxj/jFserl2OIHYx499AbK"
        "k7285jAgBsSd2xJPDbcXTnX4zLTzt0rh1yKO75bzWmvDKoLMRpnad/LpCEdfNNAXrC9n1OmZCNYHcu+Xrf5RaaM1"
        "sNHYRnfWsCMgn+6I1o5HcpBq1xqCUFBQUFBQUFBQUNhaCOdfvG4fMfioIc8KPue7ziq1mvpM8t/iOKbpmqGD6SEU"
        "qS/hUlP5sxNe4c4lNmnjfi+UGKfVS5hEjv2YbDp/6awn6n/Ppg0jW7eFml2/1oyff3j9X06kyxQ="
    )
)


def open_document() -> bytes:
    """A small .ods file."""
    kept = io.BytesIO()
    spaces = "urn:oasis:names:tc:opendocument:xmlns"
    rows = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string">'
            f"<text:p>{value}</text:p></table:table-cell>"
            for value in row
        )
        + "</table:table-row>"
        for row in (["Name", "Phone"], ["Siti", "012-888 1201"], ["Wei", "0128881202"])
    )
    with zipfile.ZipFile(kept, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{spaces}:manifest:1.0"></manifest:manifest>',
        )
        book.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{spaces}:office:1.0"'
            f' xmlns:table="{spaces}:table:1.0" xmlns:text="{spaces}:text:1.0"><office:body>'
            f'<office:spreadsheet><table:table table:name="Leads">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return kept.getvalue()


CARDS = """BEGIN:VCARD
VERSION:3.0
N:Osman;Siti;;;
FN:Siti Osman
TEL;TYPE=HOME:03-8888 1200
TEL;TYPE=CELL:+60 12-888 1201
PHOTO;ENCODING=b:AAAA
 BBBB
END:VCARD
BEGIN:VCARD
VERSION:2.1
N:Lim;Wei
TEL;CELL:012-888 1202
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:No Phone
END:VCARD
"""
SITI, WEI = "+60128881201", "+60128881202"
BOTH = {SITI: "Siti", WEI: "Wei"}

# name of the file, its bytes, options, exit code, leads by phone, what the output says
FILES: dict[str, tuple[str, bytes, list[str], int, dict[str, str | None], list[str]]] = {
    "csv": (
        "a.csv", b"Name,Phone\nSiti,012-888 1201\nWei,6012-8881202\n", [], 0, BOTH,
        ["CSV, utf-8, delimiter ,", "read as", "created"],
    ),
    "semicolons of Excel": (
        "a.csv", "\ufeffsep=;\r\nName;Phone\r\nSiti;0128881201\r\nWei;0128881202\r\n".encode(), [],
        0, BOTH, ["delimiter ;"],
    ),
    "a header that holds the other delimiter": (
        "a.csv", b'"Phone, mobile";"Name"\n0128881201;Siti\n0128881202;Wei\n', [], 0, BOTH,
        ["delimiter ;"],
    ),
    "cells that hold other delimiters": (
        "a.csv", b"Name,Phone,Notes\rSiti,0128881201,a;b;c;d\rWei,0128881202,x;y;z\r", [], 0, BOTH,
        ["delimiter ,"],
    ),
    "UTF-16": (
        "a.txt", "Name\tPhone\r\nSiti\t0128881201\r\nWei\t0128881202\r\n".encode("utf-16"), [], 0,
        BOTH, ["utf-16", "delimiter tab"],
    ),
    "UTF-16 without a mark": (
        "a.txt", "Name\tPhone\r\nSiti\t0128881201\r\nWei\t0128881202\r\n".encode("utf-16-le"), [],
        0, BOTH, ["utf-16-le"],
    ),
    "a marked and quoted header": (
        "a.csv", '\ufeff"Phone","Name"\r\n"0128881201","Siti"\r\n'.encode(), [], 0,
        {SITI: "Siti"}, [],
    ),
    "titles above the header": (
        "a.csv", b"Customers 2026,,\n,,\nName,Phone,City\nSiti,0128881201,Ipoh\n", [], 0,
        {SITI: "Siti"}, ["1 line above the headings: not read"],
    ),
    "no header": (
        "a.csv", b"Siti,0128881201\nWei,0128881202\n", [], 0, BOTH,
        ["no headings", "by its values"],
    ),
    "phones alone": (
        "a.csv", b"0128881201\n0128881202\n", [], 0, {SITI: None, WEI: None}, [],
    ),
    "empty columns at the end": (
        "a.csv", b"Name,Phone,,,\nSiti,0128881201,,,\n,,,,\nWei,0128881202,,,,,,\n", [], 0, BOTH,
        [],
    ),
    "a doubled heading": (
        "a.csv", b"Name,Phone,Phone,Name\nSiti,,0128881201,X\nWei,0128881202,,Y\n", [], 0, BOTH, [],
    ),
    "a member number": (
        "a.csv", b"Number,Name,Phone\n10234567,Siti,0128881201\n10234568,Wei,0128881202\n", [], 0,
        BOTH, ["attribute number"],
    ),
    "phones that are still to come": (
        "a.csv", b"Ref,Name,Phone\n0128881201,Siti,\n0128881202,Wei,\n", [], 3, {},
        ["attribute ref", "the phone is empty"],
    ),
    "a heading that says nothing": (
        "a.csv", b"Name,WhatsApp,Kontaktdaten\nSiti,Yes,0128881201\nWei,No,0128881202\n", [], 0,
        BOTH, ["phone, by its values"],
    ),
    "WhatsApp yes or no": (
        "a.csv", b"Name,WhatsApp,Phone\nSiti,Yes,0128881201\nWei,No,0128881202\n", [], 0, BOTH,
        ["attribute whatsapp"],
    ),
    "a mobile beside a landline": (
        "a.csv", b"Name,Phone,Mobile\nSiti,03-88881200,0128881201\nWei,0128881202,\n", [], 0, BOTH,
        ["phone (1.)", "phone (2.)"],
    ),
    "a person called Contact": (
        "a.csv", b"Contact,Tel\nSiti,0128881201\nWei,0128881202\n", [], 0, BOTH, ["by its values"],
    ),
    "first and last name": (
        "a.csv", b"First Name,Last Name,Phone 1 - Label,Phone 1 - Value\n"
        b"Siti,Osman,Mobile,0128881201\nWei,,,0128881202\n", [], 0,
        {SITI: "Siti Osman", WEI: "Wei"}, [],
    ),
    "names of several columns": (
        "a.csv", b"Saved Name,Public Name,Phone Number\n,~Siti,60128881201\nWei,x,60128881202\n",
        [], 0, BOTH, [],
    ),
    "countries beside the phones": (
        "a.csv", b"Name,Country Code,Phone\nSiti,60,128881201\nWei,+65,91234567\n"
        b"Jim,US,4155550132\n",
        [], 0, {SITI: "Siti", "+6591234567": "Wei", "+14155550132": "Jim"}, ["country"],
    ),
    "several phones in a cell": (
        "a.csv", b'Name,Phone\nSiti,"03-88881200; 012-8881201"\nWei,012-8881202 / 013-8881203\n',
        [], 0, BOTH, ["whose phone cell holds several: 2"],
    ),
    "what we do not know": (
        "a.csv", b"Name,Phone,Lead Status,Time Zone,Language,Sender,Tags\n"
        b"Siti,0128881201,Open - Not Contacted,KL,Klingon,Ali,raya\n"
        b"Wei,0128881202,Customer,Asia/Kuala Lumpur,English,,\n", [], 0, BOTH,
        [
            "Lead Status: 1 value is not prospect or customer ('Open - Not Contacted')",
            "Time Zone: 1 value is not", "Language: 1 value is not", "Sender: 1 value is not",
            "Trigger 'raya' (1 rows): no sequence has it",
        ],
    ),
    "a mapped column": (
        "a.csv", b"Who,Old,New\nSiti,0139990001,0128881201\nWei,0139990002,0128881202\n",
        ["--map", "phone=New", "--map", "name=who", "--map", "ignore=Old"], 0, BOTH,
        ["as --map says"],
    ),
    "a mapped column by number": (
        "a.csv", b"Siti,0139990001,0128881201\n", ["--map", "phone=3", "--map", "name=1"], 0,
        {SITI: "Siti"}, [],
    ),
    "an encoding that is named": (
        "a.csv", "Name,Phone\nСити,0128881201\n".encode("cp1251"), ["--encoding", "cp1251"], 0,
        {SITI: "Сити"}, ["cp1251"],
    ),
    "an encoding that looks wrong": (
        "a.csv", "Name,Phone\nСити,0128881201\n".encode("cp1251"), [], 0, {SITI: "Ñèòè"},
        ["Warning: The text looks wrong in encoding cp1252: 'Ñèòè"],
    ),
    "text that was broken before": (
        "a.csv", "Name,Phone\nJosÃ©,0128881201\n".encode(), [], 0, {SITI: "JosÃ©"},
        ["The text was broken before it was saved: 'JosÃ©"],
    ),
    "bytes of no usual encoding": (
        "a.csv", "Name,Phone\nZoë Müller,0128881201\n".encode("cp850"), [], 1, {},
        ["--encoding cp850: Zoë Müller"],
    ),
    "a row that is no phone": (
        "a.csv", b"Name,Phone\nSiti,0128881201\nWei,6.01E+10\n", [], 3, {SITI: "Siti"},
        ["line 3", "scientific notation", "not imported"],
    ),
    "a number of two countries": (
        "a.csv", b"Name,Phone\nJim,6592234567\n", ["--country", "US"], 0,
        {"+16592234567": "Jim"}, [],
    ),
    "a stray quote": (
        "a.csv", b'Name,Phone,Note\nX,0128881200,"old client\nSiti,0128881201,x\n'
        b"Wei,0128881202,y\n",
        [], 3, BOTH, ["line 2", "a quote is opened and not closed"],
    ),
    "a cell of several lines": (
        "a.csv", b'Name,Phone,Address\nSiti,0128881201,"1 Jalan Satu\n50000 KL"\nWei,0128881202,\n',
        [], 0, BOTH, [],
    ),
    "an oversized cell": (
        "a.csv", b"Name,Phone\n" + b"x" * 200_000 + b",0128881200\nSiti,0128881201\n", [], 3,
        {SITI: "Siti"}, ["line 2", "longer than"],
    ),
    "a spreadsheet": (
        "a.xlsx",
        workbook([["Name", "Phone", "Paid"], ["Siti", 60128881201, 1.5], ["Wei", 128881202.0, 2]]),
        [], 0, BOTH, ["spreadsheet, sheet Sheet1"],
    ),
    "a spreadsheet of Excel 97": (
        "a.xls", EXCEL_97, [], 0, BOTH, ["spreadsheet, sheet Kunden"],
    ),
    "a spreadsheet of LibreOffice": (
        "a.ods", open_document(), [], 0, BOTH, ["spreadsheet, sheet Leads"],
    ),
    "the second sheet": (
        "a.xlsx", workbook([["Totals"], ["3"]], [["Name", "Phone"], ["Siti", "0128881201"]]),
        ["--sheet", "Sheet2"], 0, {SITI: "Siti"}, ["sheet Sheet2"],
    ),
    "several sheets": (
        "a.xlsx", workbook([["Name", "Phone"], ["Siti", "0128881201"]], [["More"]]), [], 0,
        {SITI: "Siti"}, ["Only the sheet 'Sheet1' is read"],
    ),
    "a broken spreadsheet": (
        "a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), [], 1, {},
        ["cannot be read as a spreadsheet"],
    ),
    "cards": (
        "a.vcf", CARDS.encode(), [], 3, {SITI: "Siti Osman", WEI: "Wei Lim"},
        ["vCard", "line 15", "the phone is empty"],
    ),
    "cards of phones": (
        "a.vcf",
        b"BEGIN:VCARD\r\nVERSION:2.1\r\n"
        b"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB\r\nTEL;CELL;PREF:012-888 1201\r\n"
        b"NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0A=\r\ntwo\r\nEND:VCARD\r\n"
        b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Wei\r\n"
        b"item1.TEL;VALUE=uri;TYPE=cell:tel:+60-12-888-1202\r\nEND:VCARD\r\n",
        [], 0, {SITI: "Zoë", WEI: "Wei"}, [],
    ),
    "a card without an end": (
        "a.vcf", (CARDS + "BEGIN:VCARD\nFN:Half\n").encode(), [], 3,
        {SITI: "Siti Osman", WEI: "Wei Lim"}, ["no END:VCARD"],
    ),
    "a web page": (
        "a.xls", b"<html><table><tr><td>Phone</td></tr></table></html>", [], 1, {},
        ["is a web page or XML"],
    ),
    "JSON": ("a.json", b'[{"phone":"0128881201"}]', [], 1, {}, ["is JSON, not a table"]),
    "a PDF": ("a.pdf", b"%PDF-1.7", [], 1, {}, ["is a PDF"]),
    "nothing": ("a.csv", b"", [], 1, {}, ["The file is empty"]),
    "no phones": (
        "a.csv", b"Name,City\nSiti,Ipoh\n", [], 1, {},
        ["no column of phone numbers", "--map phone="],
    ),
    "no such encoding": (
        "a.csv", b"Phone\n0128881201\n", ["--encoding", "x"], 1, {}, ["encoding 'x'"],
    ),
    "no such column": (
        "a.csv", b"Phone\n0128881201\n", ["--map", "phone=Mobile"], 2, {}, ["no column 'Mobile'"],
    ),
    "no such field": (
        "a.csv", b"Phone\n0128881201\n", ["--map", "age=Phone"], 2, {}, ["no field age"],
    ),
    "a trial": (
        "a.csv", b"Name,Phone\nSiti,0128881201\nWei,x\n", ["--dry-run"], 3, {},
        ["created", "Nothing was changed", "line 3"],
    ),
}  # fmt: skip


@pytest.fixture
def shop(conn: Connection) -> str:
    conn.execute("select drip.create_user('Shop', p_default_region => 'MY')")
    return "Shop"


@pytest.mark.parametrize("case", FILES)
def test_a_file_is_read_as_people_expect(
    case: str,
    conn: Connection,
    dsn: str,
    shop: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, content, options, code, leads, said = FILES[case]
    (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit) as left:
        main(["import", name, "--user", shop, "--database-url", dsn, *options])
    told = capsys.readouterr()
    text = " ".join((told.out + told.err).split())
    assert left.value.code == code, text
    found = conn.execute("select l.phone, l.name from drip.leads l").fetchall()
    assert {lead["phone"]: lead["name"] for lead in found} == leads, text
    for words in said:
        assert words in text


def test_what_is_not_known_is_kept(conn: Connection, dsn: str, shop: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "First Name,Phone,Mobile,Lead Status,Country,Time Zone,Language\n"
        "Siti,03-88881200,0128881201,Open - Not Contacted,Malaysia,Asia/Kuala Lumpur,Malay\n"
    )
    with pytest.raises(SystemExit):
        main(["import", str(tmp_path / "a.csv"), "--user", shop, "--database-url", dsn])
    lead: dict[str, Any] = conn.execute("select * from drip.leads").fetchone() or {}
    assert lead["attributes"] == {
        "first_name": "Siti",
        "phone": "03-88881200",
        "mobile": "0128881201",
        "lead_status": "Open - Not Contacted",
        "country": "Malaysia",
    }
    assert (lead["time_zone"], lead["language"]) == ("Asia/Kuala_Lumpur", "ms")


Run = Callable[..., Any]


def test_a_pipe_gets_the_same(pgdrip: Run, dsn: str, shop: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("WhatsApp,Name\n012-888 1201,Siti\nabc,Wei\n")
    done = pgdrip("import", "a.csv", "--user", shop, url=dsn)
    assert done.returncode == 3
    assert "read as" in done.stdout
    assert "not imported" in done.stdout
