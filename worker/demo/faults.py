"""What the demo's gateway does wrong, so that there is something to see."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any


def faults(leads: Path) -> dict[str, Any]:
    """What goes wrong: a few numbers are not on WhatsApp, answers are lost, some errors."""
    with leads.open(encoding="utf-8-sig", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["Phone Number"].startswith("+60") and row["Target Status"] != "lead"
        ]
    cold = [
        row["Phone Number"]
        for row in rows
        if row["Trigger"] == "cold_start" and "fitness" not in row["Niche"].lower()
    ]
    fit = [
        row["Phone Number"]
        for row in rows
        if not row["Trigger"] and "fitness" in row["Niche"].lower()
    ]
    return {
        "phones": {"not_on_whatsapp": cold[:6] + fit[:3], "timeout_504": cold[6:7] + fit[3:5]},
        "rates": {"error_500": 0.012},
        "gateway_timeout": 3.0,
    }
