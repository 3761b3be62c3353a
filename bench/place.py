"""Where the benchmarks run: one embedded server, a fresh database for each part, pgbench."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from pgdrip.schema import migrate
from pgdrip.schema.embedded import EmbeddedServer, embedded_server
from pgdrip.schema.target import create_database

# The same in every part: 1,000,000 rows of about 130 bytes, 100 distinct ids an update.
YARDSTICK = """
drop table if exists yardstick;
create table yardstick (id int primary key, n int, filler text) with (fillfactor = 100);
insert into yardstick select g, 0, repeat('x', 90) from generate_series(1, 1000000) g;
vacuum analyze yardstick;
"""
YARDSTICK_UPDATE = """
update yardstick set n = n + 1 where id = any (array(
  select distinct 1 + floor(random() * 1000000)::int from generate_series(1, 100) order by 1));
"""
YARDSTICK_ROWS = 100


@dataclass
class Place:
    """A running server, with the results gathered so far."""

    server: EmbeddedServer
    seconds: int
    rounds: int
    results: dict[str, Any] = field(default_factory=dict)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """An autocommit connection as superuser."""
        return psycopg.connect(make_conninfo(self.server.url, dbname=database), autocommit=True)

    def database(self, name: str) -> str:
        """A fresh, migrated database; its connection string."""
        create_database(self.server.url, name, fresh=True)
        url = make_conninfo(self.server.url, dbname=name)
        migrate(url)
        return url

    def pgbench(self, database: str, script: str, clients: int, seconds: int) -> float:
        """Transactions per second of ``script``, without the time of connecting."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            done = subprocess.run(
                [
                    str(self.server.bin / "pgbench"),
                    *("-h", str(self.server.socket_dir), "-p", str(self.server.port)),
                    *("-U", "postgres", "-n", "-c", str(clients), "-j", "2"),
                    *("-T", str(seconds), "-f", file.name, database),
                ],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"},
            )
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or found is None:
            raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]}")
        return float(found[1])

    def yardstick(self) -> float:
        """L: rows per second of the yardstick's update, 4 clients."""
        with self.connect("bench_yardstick") as connection:
            connection.execute("checkpoint")
        tps = self.pgbench("bench_yardstick", YARDSTICK_UPDATE, 4, self.seconds)
        return tps * YARDSTICK_ROWS

    def compare(
        self,
        name: str,
        measure: Callable[[int], float],
        *,
        unit: str,
        aim: float | None = None,
        note: str = "",
    ) -> None:
        """Interleave ``measure(round)`` with the yardstick; keep the medians and their ratio."""
        rates, lengths, ratios = [], [], []
        for number in range(self.rounds):
            length = self.yardstick()
            rate = measure(number)
            rates.append(rate)
            lengths.append(length)
            ratios.append(rate / length)
            print(f"  {name}: {rate:,.0f} {unit}, L {length:,.0f}, {rate / length:.3f}", flush=True)
        self.results[name] = {
            "unit": unit,
            "rate": statistics.median(rates),
            "yardstick": statistics.median(lengths),
            "ratio": statistics.median(ratios),
            "aim": aim,
            "note": note,
        }

    def keep(self, name: str, **values: Any) -> None:
        """A result that is no ratio to L."""
        self.results[name] = values
        print(f"  {name}: {values}", flush=True)


@contextmanager
def open_place(home: Path, seconds: int, rounds: int) -> Iterator[Place]:
    """The server below ``home`` with the yardstick's table in a database of its own."""
    with embedded_server(home) as server:
        place = Place(server, seconds, rounds)
        create_database(server.url, "bench_yardstick", fresh=True)
        with place.connect("bench_yardstick") as connection:
            for statement in YARDSTICK.strip().split(";\n"):
                connection.execute(statement)
        place.pgbench("bench_yardstick", YARDSTICK_UPDATE, 4, max(2, seconds // 3))
        yield place
