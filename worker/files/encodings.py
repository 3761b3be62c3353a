"""What kind of file it is, how its text is encoded, and what looks as if it were read wrongly."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from ..errors import PgdripError

_BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Of one byte a letter; shown as a choice where the bytes are not Windows-1252.
_OTHERS = ("cp850", "mac_roman", "cp1251", "cp1256", "cp874", "gb18030", "big5", "shift_jis")

# UTF-8 that was read as Windows-1252 and saved again; a character that nobody could read.
_TWICE = re.compile("[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸ]|â€|\ufffd")
# Signs inside of words, three accented letters in a row, a capital after an accented letter.
_ODD = re.compile(
    "[A-Za-z][‚ƒ„…†‡ˆ‰‹•˜™›Ÿ¡¢£¤¥¦§¨©«¬¯°±²³´µ¶·¸¹»¼½¾¿×÷][a-z]"
    "|[A-Za-z][‚„†‡‰‘](?:[\\s,;]|$)|[À-ÿ]{3}|[à-ÿ][À-ß]|[A-Z]Ÿ"
)


def kind_of(path: Path) -> str:
    """text, spreadsheet or vcard; raises PgdripError for what cannot be a list of leads."""
    try:
        with path.open("rb") as file:
            start = file.read(2048)
    except OSError as exc:
        raise PgdripError(
            f"{path} cannot be read: {exc.strerror}.", hint="Name an existing file."
        ) from None
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        return "spreadsheet"
    text = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if text.startswith(b"begin:vcard"):
        return "vcard"
    if re.match(rb"<(!doctype|html|table|head|body|meta|\?xml|style|div)\b", text):
        raise PgdripError(
            f"{path.name} is a web page or XML, whatever its name says.",
            hint="Open it in a spreadsheet program, and save it as CSV (UTF-8) or .xlsx.",
        )
    if re.match(rb'\{\s*"|\[\s*[\[{"\]]', text):
        raise PgdripError(
            f"{path.name} is JSON, not a table.",
            hint="SQL reads JSON: select * from drip.import_leads('[…]');",
        )
    if text.startswith(b"%pdf"):
        raise PgdripError(f"{path.name} is a PDF.", hint="Export the list as CSV or .xlsx.")
    return "text"


def find_encoding(path: Path, wanted: str | None = None) -> str:
    """The encoding of a text file; reads all of it, a block at a time."""
    if wanted is not None:
        try:
            name = codecs.lookup(wanted).name
        except LookupError:
            raise PgdripError(
                f"There is no encoding {wanted!r}.",
                hint="Usual ones are utf-8, utf-16, cp1252, cp1251, gb18030, shift_jis.",
            ) from None
        return "utf-8-sig" if name == "utf-8" else name
    with path.open("rb") as file:
        start = file.read(4096)
        for bom, name in _BOMS:
            if start.startswith(bom):
                return name
        odd, even = start[1::2].count(0), start[::2].count(0)
        if max(odd, even) > len(start) // 6:
            return "utf-16-le" if odd > even else "utf-16-be"
        file.seek(0)
        if _decodes(file, "utf-8"):
            return "utf-8-sig"
        file.seek(0)
        if _decodes(file, "cp1252"):
            return "cp1252"
    raise PgdripError(
        "The file is neither UTF-8 nor Windows-1252.",
        hint="Save it as CSV (UTF-8), or name its encoding. " + _choices(path),
    )


def mojibake(text: str, encoding: str) -> str | None:
    """The first words that look wrongly read, or null."""
    found = _TWICE.search(text)
    if found is None and encoding == "cp1252":
        found = _ODD.search(text)
    if found is None:
        return None
    line = text[text.rfind("\n", 0, found.start()) + 1 :].split("\n", 1)[0]
    at = found.start() - text.rfind("\n", 0, found.start()) - 1
    words = [word for word in re.finditer(r"[^\s,;\t|\"]+", line) if word.end() > at]
    # No phone: what is told may end up in a log.
    return " ".join(word[0] for word in words[:2] if not any(c.isdigit() for c in word[0]))[:40]


def _decodes(file: object, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    read = file.read  # type: ignore[attr-defined]
    try:
        for block in iter(lambda: read(_BLOCK), b""):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _choices(path: Path) -> str:
    """The first odd words of the file in several encodings."""
    with path.open("rb") as file:
        text = file.read(_BLOCK)
    odd = re.search(rb"[^\s,;\t]*[\x80-\xff]+[^,;\t\r\n]{0,20}", text)
    if odd is None:
        return "For example: --encoding cp850"
    shown = []
    for name in _OTHERS:
        decoded = odd[0].decode(name, errors="replace")
        if "\ufffd" not in decoded and decoded.isprintable():
            shown.append(f"--encoding {name}: {decoded}")
    return "; ".join(shown)
