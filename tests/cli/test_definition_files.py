"""YAML files of definitions: what is written means what its key means, and errors have a line."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pgdrip.errors import PgdripError
from pgdrip.files.definitions import Definitions, read_files, write_yaml


def read(folder: Path, text: str | bytes) -> Definitions:
    path = folder / "programs.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_files([path])


def problem(folder: Path, text: str | bytes) -> str:
    with pytest.raises(PgdripError) as caught:
        read(folder, text)
    return caught.value.message.replace(f"{folder}/", "")


def test_plain_values_stay_what_was_written(tmp_path: Path) -> None:
    """In YAML 1.1 these are 600, false, true, a date, 8, 0.5 and 1000000."""
    found = read(
        tmp_path,
        """
sequences:
  - name: no
    trigger: on
    send_from: 10:00
    greeting: yes
    description: 2026-03-02
    exclusive_group: 010
    start_delay: .5
    niche: 1_000_000
    exit_if: null
    device: ~
    steps:
      - content: off
        send_time: 9:30
        trigger_delay_hours: 1.50
      - content: "null"
""",
    )
    assert found.sequences == [
        {
            "name": "no",
            "trigger": "on",
            "send_from": "10:00",
            "greeting": "yes",
            "description": "2026-03-02",
            "exclusive_group": "010",
            "start_delay": ".5",
            "niche": "1_000_000",
            "exit_if": None,
            "device": None,
            "steps": [
                {"content": "off", "send_time": "9:30", "trigger_delay_hours": "1.50"},
                {"content": "null"},
            ],
        }
    ]


def test_inside_lists_and_objects_values_have_types(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
campaigns:
  - title: Raya
    send_days: [1, tue, "3"]
    template: {name: offer, count: 3, rate: 0.5, is_on: true, none: null, no: no, at: 10:00}
""",
    )
    assert found.campaigns == [
        {
            "title": "Raya",
            "send_days": [1, "tue", "3"],
            "template": {
                "name": "offer",
                "count": 3,
                "rate": 0.5,
                "is_on": True,
                "none": None,
                "no": "no",
                "at": "10:00",
            },
        }
    ]


def test_files_folders_documents_and_aliases(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.yml").write_text("sequences:\n- name: B\n---\nsequences:\n- name: C\n")
    (tmp_path / "a.yaml").write_text(
        "sequences:\n"
        "  - &base\n    name: A\n    send_from: 09:00\n    send_to: 17:00\n"
        "  - <<: *base\n    name: D\n    send_to: 18:00\n"
    )
    (tmp_path / "notes.txt").write_text(": not yaml")
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    found = read_files([tmp_path])
    assert [sequence["name"] for sequence in found.sequences] == ["A", "D", "B", "C"]
    assert found.sequences[1] == {"name": "D", "send_from": "09:00", "send_to": "18:00"}
    assert found.places["sequences[4]"].line == 5
    assert found.places["sequences[4]"].file.endswith("b.yml")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.BytesIO(b"\xef\xbb\xbfcampaigns:\n- title: Raya\n")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=text))
    assert read_files([Path("-")]).campaigns == [{"title": "Raya"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sequences:\n  - name: A\n    name: B\n", "line 3: the key 'name' stands here twice."),
        ("sequence:\n  - name: A\n", "line 1: unknown key 'sequence'."),
        ("db:\n  password: x\n", "line 1: this is no file of definitions."),
        ("hunter2: 1\nhunter2: 2\n", "line 2: the key of this line stands here twice."),
        ("a: *hunter2\n", "line 1: found undefined alias."),
        ("sequences:\n  name: A\n", "line 2: sequences is not a list."),
        ("- name: A\n", "line 1: a file of definitions has the lists sequences and campaigns."),
        ("sequences:\n  - name: A: B\n", "line 2: mapping values are not allowed here."),
        ("sequences:\n  - content: {name}, hi\n", "line 2: expected <block end>, but found ','."),
        ("sequences:\n  - {[a]: b}\n", "line 2: a key is a word."),
        (
            'sequences:\n  - name: "\\0"\n',
            "line 2: a text holds a character that cannot be stored.",
        ),
        (
            'sequences:\n  - name: "\\ud800"\n',
            "line 2: a text holds a character that cannot be stored.",
        ),
        (b"sequences:\n  - name: \xff\n", "line 2: this is not UTF-8."),
        (
            "sequences:\n  - &a\n    steps: [*a]\n",
            "line 2: this unfolds to more than a file of definitions can hold.",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, told: str
) -> None:
    assert problem(tmp_path, text) == f"programs.yaml, {told}"


def test_aliases_of_aliases_end_early(tmp_path: Path) -> None:
    lines = ["campaigns:", "  - template:", "      a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"      a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "unfolds to more" in problem(tmp_path, "\n".join(lines))


def test_tags_make_no_objects(tmp_path: Path) -> None:
    found = read(tmp_path, "sequences:\n  - name: !!python/name:os.system x\n")
    assert found.sequences == [{"name": "x"}]


def test_a_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(PgdripError, match=r"has no \.yaml files"):
        read_files([tmp_path])


def test_the_line_of_a_key_that_a_sentence_names(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "sequences:\n  - name: content\n    steps:\n      - content: Hi\n"
        "      - content: Ho\n        send_time: 25:00\n    triger: x\n",
    )
    for sentence, line in [
        ("sequence 'content': steps[2].send_time is not a local time: \"25:00\"", 6),
        ("sequence 'content': unknown key 'triger'", 7),
        ("sequence 'content': steps[1] must be an object", 4),
        ("sequence 'content': something else", 2),
    ]:
        place = found.find("sequences[1]", sentence)
        assert place is not None
        assert place.line == line, sentence


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60
) | st.lists(
    st.sampled_from(
        ["yes", " ", "\n", "  x", "{name}", ": ", "- ", "#", "10:00", "null", "🌸", "\t"]
    ),
    max_size=8,
).map("".join)
NESTED = st.recursive(
    TEXTS | st.booleans() | st.none() | st.integers(-(10**15), 10**15),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@example([{"name": "\x85", "template": {"\u2028": "one\u2028two\n\u2029"}}])
@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": TEXTS, "template": st.dictionaries(TEXTS, NESTED, max_size=3)},
            optional={
                "steps": st.lists(st.fixed_dictionaries({"content": TEXTS}), min_size=1, max_size=3)
            },
        ),
        max_size=3,
    )
)
def test_what_is_written_is_read_back(objects: list[dict[str, Any]]) -> None:
    text = write_yaml({"sequences": objects})
    before = sys.stdin
    sys.stdin = SimpleNamespace(buffer=io.BytesIO(text.encode()))  # type: ignore[assignment]
    try:
        assert read_files([Path("-")]).sequences == objects
    finally:
        sys.stdin = before


def test_how_it_is_written() -> None:
    assert write_yaml(
        {
            "sequences": [
                {
                    "name": "no",
                    "send_from": "10:00",
                    "greeting": True,
                    "send_days": [1, 2],
                    "steps": [{"content": "Hi {name},\nhow are you?\n"}, {"content": "Bye"}],
                }
            ],
            "campaigns": [],
        }
    ) == (
        "sequences:\n"
        "  - name: 'no'\n"
        "    send_from: '10:00'\n"
        "    greeting: true\n"
        "    send_days: [1, 2]\n"
        "    steps:\n"
        "      - content: |\n"
        "          Hi {name},\n"
        "          how are you?\n"
        "      - content: Bye\n"
    )
