"""Sequences and campaigns as YAML files: read into definitions, and written from them."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from ..errors import PgdripError

LISTS = ("sequences", "campaigns")
_MOST_BYTES = 10_000_000
_MOST_NODES = 200_000  # aliases of aliases unfold to anything
_DEEPEST = 40

# next line, line separator, paragraph separator
_RARE_BREAKS = frozenset("\x85\u2028\u2029")
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "false": False}
_INTEGER = re.compile(r"[-+]?\d{1,18}")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,2})?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file and a line, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(slots=True)
class Definitions:
    """What files say, ready for ``apply_definitions``, and where each part of it stands."""

    sequences: list[Any] = field(default_factory=list)
    campaigns: list[Any] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def as_object(self) -> dict[str, list[Any]]:
        """The argument of ``apply_definitions``."""
        return {"sequences": self.sequences, "campaigns": self.campaigns}

    def find(self, path: str, sentence: str) -> Place | None:
        """The place of the object at ``path``, or of the key in it that a sentence names."""
        told = sentence.partition(": ")[2] or sentence
        inner = [
            name[len(path) + 1 :]
            for name in self.places
            if name.startswith(f"{path}.")
            and re.search(rf"(?<![\w.\]]){re.escape(name[len(path) + 1 :])}(?![\w\[])", told)
        ]
        if inner:
            return self.places[f"{path}.{max(inner, key=len)}"]
        return self.places.get(path)


def read_files(paths: Sequence[Path]) -> Definitions:
    """Read definitions from files and folders (their .yaml and .yml files); - is standard input.

    A file holds lists ``sequences`` and ``campaigns``, in one or more documents. A plain value is
    a text, whatever YAML makes of ``10:00``, ``no`` or a date: what it means depends on its key,
    and the database knows the keys. Only inside lists and objects numbers and true are themselves.

    Raises :class:`PgdripError` with file and line for whatever cannot be read that way.
    """
    found = Definitions()
    for file in _files(paths):
        name = "standard input" if file is None else str(file)
        data = sys.stdin.buffer.read(_MOST_BYTES + 1) if file is None else _bytes(file)
        if len(data) > _MOST_BYTES:
            raise PgdripError(f"{name} is larger than 10 MB.", hint="Write several files.")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            line = data.count(b"\n", 0, exc.start) + 1
            raise PgdripError(
                f"{Place(name, line)}: this is not UTF-8.", hint="Save the file as UTF-8."
            ) from None
        _Reader(name, found).read(text)
    return found


def _bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_MOST_BYTES + 1)


def _files(paths: Sequence[Path]) -> Iterator[Path | None]:
    for path in paths:
        if str(path) == "-":
            yield None
        elif path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml"))
            if not inside:
                raise PgdripError(
                    f"The folder {path} has no .yaml files.", hint="pgdrip export writes one."
                )
            yield from inside
        else:
            yield path


class _Reader:
    """Turns the nodes of one file into values, and notes their lines."""

    def __init__(self, name: str, found: Definitions) -> None:
        self._name = name
        self._found = found
        self._nodes = 0

    def read(self, text: str) -> None:
        try:
            for node in yaml.compose_all(text, Loader=_PlainLoader):
                if node is not None:
                    self._document(node)
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            problem = exc.problem or exc.context or "it cannot be read"
            # The line says where; what stands there may be a secret of a file that is none of ours.
            problem = re.sub(r"(alias|anchor|handle) (['\"]).*\2", r"\1", problem, flags=re.S)
            raise PgdripError(
                f"{Place(self._name, mark.line + 1 if mark else 1)}: {problem}.",
                hint="This is not YAML; a text with a colon or a brace stands in quotes,"
                " a longer one below | .",
            ) from None
        except yaml.YAMLError:
            raise PgdripError(f"{self._name} is not YAML.") from None
        except RecursionError:
            raise PgdripError(f"{self._name} is nested too deeply.") from None

    def _document(self, node: yaml.Node) -> None:
        if self._is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            raise self._problem(
                node,
                "a file of definitions has the lists sequences and campaigns",
                "Write sequences: and below it, indented, - name: …",
            )
        pairs = self._pairs(node, 0)
        is_ours = any(key in LISTS for key in pairs)
        for key, (where, value) in pairs.items():
            if key not in LISTS:
                # A file that is none of ours may hold anything, secrets too.
                is_shown = is_ours or difflib.get_close_matches(key, LISTS)
                raise self._problem(
                    where,
                    f"unknown key {key!r}" if is_shown else "this is no file of definitions",
                    "A file has the lists sequences and campaigns.",
                )
            if self._is_null(value):
                continue
            if not isinstance(value, yaml.SequenceNode):
                raise self._problem(value, f"{key} is not a list", "Begin each of them with - .")
            objects: list[Any] = getattr(self._found, key)
            for item in value.value:
                path = f"{key}[{len(objects) + 1}]"
                objects.append(self._object(item, path, 1))

    def _object(self, node: yaml.Node, path: str, depth: int) -> Any:
        """A definition or a step: its plain values stay texts."""
        self._found.places[path] = Place(self._name, node.start_mark.line + 1)
        if not isinstance(node, yaml.MappingNode):
            return self._value(node, depth)
        values: dict[str, Any] = {}
        for key, (where, value) in self._pairs(node, depth).items():
            inner = f"{path}.{key}"
            self._found.places[inner] = Place(self._name, where.start_mark.line + 1)
            if key == "steps" and isinstance(value, yaml.SequenceNode):
                values[key] = [
                    self._object(step, f"{inner}[{place}]", depth + 2)
                    for place, step in enumerate(value.value, 1)
                ]
            elif isinstance(value, yaml.ScalarNode) and not self._is_null(value):
                values[key] = self._text(value)
            else:
                values[key] = self._value(value, depth + 1)
        return values

    def _value(self, node: yaml.Node, depth: int) -> Any:
        """A value inside a list or an object, typed as in YAML 1.2."""
        self._count(node, depth)
        if isinstance(node, yaml.MappingNode):
            return {
                key: self._value(value, depth + 1)
                for key, (_, value) in self._pairs(node, depth).items()
            }
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, depth + 1) for item in node.value]
        if self._is_null(node):
            return None
        text = self._text(node)
        if not _is_plain(node):
            return text
        if text.lower() in _BOOLEANS and text in (text.lower(), text.title(), text.upper()):
            return _BOOLEANS[text.lower()]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)
        return text

    def _pairs(
        self, node: yaml.MappingNode, depth: int, *, is_merged: bool = False
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        self._count(node, depth)
        pairs: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._problem(key_node, "a key is a word", "Put quotes around { or [.")
            key = self._text(key_node)
            if key == "<<" and _is_plain(key_node):
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for source in sources:
                    if not isinstance(source, yaml.MappingNode):
                        raise self._problem(value, "<< takes an object", "Write <<: *name.")
                    inner = self._pairs(source, depth + 1, is_merged=True)
                    merged = inner | merged
                continue
            if key in pairs:
                name = repr(key) if depth or key in LISTS else "of this line"
                raise self._problem(
                    key_node, f"the key {name} stands here twice", "Keep one of them."
                )
            pairs[key] = (key_node, value)
        return {key: pair for key, pair in merged.items() if key not in pairs} | pairs

    def _text(self, node: yaml.ScalarNode) -> str:
        text: str = node.value
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self._problem(
                node, "a text holds a character that cannot be stored", "Take the escape out."
            )
        return text

    def _is_null(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and _is_plain(node) and node.value in _NULLS

    def _count(self, node: yaml.Node, depth: int) -> None:
        self._nodes += 1
        if self._nodes > _MOST_NODES or depth > _DEEPEST:
            raise self._problem(
                node,
                "this unfolds to more than a file of definitions can hold",
                "Look for an alias (*name) that names what it stands in.",
            )

    def _problem(self, node: yaml.Node, sentence: str, hint: str) -> PgdripError:
        place = Place(self._name, node.start_mark.line + 1)
        return PgdripError(f"{place}: {sentence}.", hint=hint)


def _is_plain(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Resolves nothing: 10:00 stays what was written, and no tag makes an object."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - the name is the library's


def write_yaml(definitions: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """YAML that :func:`read_files` reads back: keys in their order, long texts as blocks."""
    told = {name: list(objects) for name, objects in definitions.items() if objects}
    text: str = yaml.dump(
        told,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=sys.maxsize,
    )
    return text


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Lists stand indented below their key, aliases are never used."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # YAML's rarer line breaks stay what they are in double quotes only, as escapes.
    style = "|" if "\n" in text else None
    if not _RARE_BREAKS.isdisjoint(text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _write_list(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.Node:
    is_flat = all(isinstance(value, Hashable) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=is_flat)


def _write_number(dumper: yaml.SafeDumper, number: Decimal) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{number:f}")


_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(list, _write_list)
_Dumper.add_representer(Decimal, _write_number)
