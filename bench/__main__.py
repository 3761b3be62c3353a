"""`python -m bench [PART …]`: measures, and writes results.json and RESULTS.md beside it."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import (
    campaigning,
    claiming,
    heads,
    hostility,
    planning,
    previewing,
    receipts,
    receiving,
    report,
    working,
)
from .place import Place, open_place


def main() -> None:
    """Run the named parts, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="one or more of: " + ", ".join(PARTS)
    )
    parser.add_argument("--seconds", type=int, default=10, help="length of a measurement")
    parser.add_argument(
        "--rounds", type=int, default=3, help="measurements of which the median counts"
    )
    parser.add_argument("--history", type=int, default=10, help="millions of finished messages")
    parser.add_argument("--home", type=Path, help="folder of the server; default: a temporary one")
    given = parser.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part named {unknown[0]}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="pgdrip-bench-") as folder:
        home = given.home or Path(folder)
        if given.home is None:
            home.chmod(0o755)
        with open_place(home, given.seconds, given.rounds) as place:
            for part in given.parts or PARTS:
                print(part, flush=True)
                if part == "history":
                    claiming.history(place, given.history * 1_000_000)
                else:
                    PARTS[part](place)
                report.write(place)


def _history(place: Place) -> None:
    claiming.history(place, 10_000_000)


PARTS: dict[str, Callable[[Place], None]] = {
    "enroll": planning.enrollment,
    "expand": planning.expansion,
    "claim": claiming.claim,
    "history": _history,
    "heads": heads.heads,
    "campaign": campaigning.campaign,
    "preview": previewing.preview,
    "worker": working.worker,
    "latency": working.latency,
    "processor": working.processor,
    "receiver": receiving.receiver,
    "receipts": receipts.receipts,
    "hostile": hostility.hostile,
}

if __name__ == "__main__":
    main()
