"""Writes leads.csv: 1,000 rows as spreadsheets really hold them, the same at every run.

    python examples/make_leads.py

The phones are made up and go nowhere but to the gateway simulator.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

ROWS = 1_000
SEED = 20_261_120

WOMEN = ["Aisyah", "Nurul", "Siti", "Zulaikha", "Farah"]
MEN = ["Farid", "Hafiz", "Azlan", "Haziq", "Iman"]
FATHERS = ["Rahman", "Ismail", "Abdullah", "Osman", "Yusof", "Hashim"]
CHINESE = ["陈美玲", "林志强", "Tan Wei Ming", "Lim Mei Ling", "黄晓雯", "Chong Kah Wai", "王伟"]
TAMIL = ["கவிதா", "முருகன்", "Priya Nair", "Suresh Kumar", "Letchumi Devi", "அருண்"]
OTHERS = ["Siobhán O'Neill", "D'Cruz Anthony", "José Núñez", "Zoë Weiß", "Mary-Jane O’Brien"]
SHOPS = ["Kedai Bunga 🌸", "Pak Mat 🍜", "🔥 Fit Club", "Mak Cik Nasi Lemak 😋"]
CITIES = ["Kuala Lumpur", "Petaling Jaya", "Shah Alam", "Johor Bahru", "Ipoh", "George Town",
          "Kuching", "Kota Kinabalu", "Melaka", ""]  # fmt: skip
NICHES = ["fitness", "beauty", "property", "food", "fitness, beauty", "food,property", "Fitness"]
# How many leads carry which trigger; the rest has none. Lookalikes must match nothing.
TRIGGERS = {
    "cold_start": 300,
    "COLD_START": 20,
    "vip, cold_start": 30,
    "warm_start": 90,
    "warm_start,newsletter": 15,
    "hot_start": 60,
    "COLDEXSTART": 20,
    "cold_starter": 10,
    "warmup": 10,
}
BAD = ["sixty twelve", "call me", "0123", "12", "", "n/a", "6.01E+10", "6.0123E+10", "+60",
       "012-345-67-89-0123-4567", "-", "012-ABC 6789", "00000000", "tiada", "6,01E+10"]  # fmt: skip


def mobile(number: int) -> tuple[str, str]:
    """A Malaysian mobile number without its leading 0: prefix and the rest, unique per number."""
    prefix = ("12", "13", "16", "17", "18", "19")[number % 6]
    return prefix, f"{(2_000_003 + number * 7_919) % 10_000_000:07d}"


def spelled(prefix: str, rest: str, form: int) -> str:
    """One number in one of the forms that people type."""
    local = f"0{prefix}"
    return (
        f"{local}-{rest[:3]} {rest[3:]}",
        f"+60 {prefix} {rest[:3]} {rest[3:]}",
        f"60{prefix}{rest}",
        f"{local}{rest}",
        f"({local}) {rest[:3]}-{rest[3:]}",
        f"'{local}{rest}",
        f"+60{prefix}-{rest}",
        f"{local}\u00a0{rest[:3]}\u00a0{rest[3:]}",
        f" {local} {rest} ",
        f"+60\u202f{prefix}\u202f{rest}",
    )[form]


def foreign(number: int) -> str:
    """A number of another country, with its +."""
    return (
        f"+44 7700 900{number % 1000:03d}",
        f"+1 (202) 555-01{number % 100:02d}",
        f"+61 491 570 {number % 1000:03d}",
        f"+65 8{1_000_000 + number * 311 % 9_000_000:07d}",
        f"+62 812-{1000 + number:04d}-{2000 + number * 3:04d}",
    )[number % 5]


def rows() -> list[list[str]]:
    """The 1,000 rows: phone, name, niche, target status, trigger, city."""
    dice = random.Random(SEED)  # noqa: S311 - the same file at every run
    triggers = [trigger for trigger, count in TRIGGERS.items() for _ in range(count)]
    triggers += [""] * (ROWS - len(triggers))
    dice.shuffle(triggers)
    kinds = ["bad"] * 30 + ["again"] * 25 + ["foreign"] * 40
    kinds += ["mobile"] * (ROWS - len(kinds))
    dice.shuffle(kinds)
    known: list[tuple[str, str]] = []
    made = []
    for number, (kind, trigger) in enumerate(zip(kinds, triggers, strict=True)):
        if kind == "bad":
            phone = BAD[number % len(BAD)]
        elif kind == "foreign":
            phone = foreign(number)
        elif kind == "again" and known:
            phone = spelled(*dice.choice(known), dice.randrange(10))
        else:
            known.append(mobile(number))
            phone = spelled(*known[-1], dice.randrange(10))
        groups = [WOMEN, MEN, CHINESE, TAMIL, OTHERS, SHOPS]
        group = dice.choices(groups, [25, 25, 20, 12, 10, 8])[0]
        name = dice.choice(group)
        if group is WOMEN:
            name = f"{name} binti {dice.choice(FATHERS)}"
        elif group is MEN:
            name = f"{name} bin {dice.choice(FATHERS)}"
        if dice.random() < 0.03:
            name = ""
        status = dice.choices(["prospect", "customer", "Prospect", "", "lead"], [62, 22, 5, 10, 1])
        made.append([phone, name, dice.choice(NICHES), status[0], trigger, dice.choice(CITIES)])
    return made


def main() -> None:
    """Write leads.csv beside this file."""
    path = Path(__file__).with_name("leads.csv")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Phone Number", "Full Name", "Niche", "Target Status", "Trigger", "City"])
        writer.writerows(rows())


if __name__ == "__main__":
    main()
