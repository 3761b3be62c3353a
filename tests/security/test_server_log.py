"""A server that logs every statement has no phone and no text of ours in its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from factory import Plant
from psycopg.conninfo import make_conninfo
from receiver_process import Receiver
from worker_process import WorkerProcess

from pgdrip.simulator import SimulatorThread

PHONE = "60123456789"
OTHER = "60198765432"


@pytest.fixture
def logged_in(dsn: str, admin: psycopg.Connection[Any]) -> Iterator[Callable[[str], str]]:
    """A login whose statements are all logged: its connection string."""
    roles: list[str] = []

    def make(group: str) -> str:
        role = f"pgdrip_test_{os.getpid()}_{group}"
        admin.execute(f"create role {role} login in role {group}".encode())
        admin.execute(f"alter role {role} set log_min_duration_statement = 0".encode())
        roles.append(role)
        return make_conninfo(dsn, user=role)

    yield make
    admin.execute(
        "select pg_terminate_backend(a.pid) from pg_stat_activity a where a.usename = any (%s)",
        [roles],
    )
    for role in roles:
        admin.execute(f"drop owned by {role}".encode())
        admin.execute(f"drop role {role}".encode())


@pytest.fixture
def server_log(admin: psycopg.Connection[Any]) -> Callable[[], str]:
    """What the server has logged since the test began."""
    row = admin.execute("select current_setting('data_directory')").fetchone()
    assert row is not None
    data = Path(row[0])
    path = next(p for p in (data / "server.log", data.parent / "server.log") if p.exists())
    start = path.stat().st_size
    return lambda: path.read_bytes()[start:].decode(errors="replace")


def test_phones_and_texts_stay_out_of_it(
    plant: Plant, gateway: SimulatorThread, start_worker: Callable[..., WorkerProcess],
    start_receiver: Callable[..., Receiver], logged_in: Callable[[str], str],
    server_log: Callable[[], str], wait: Callable[..., None], tmp_path: Path,
) -> None:  # fmt: skip
    device = plant.device("one", webhook_secret_name="hook")
    plant.conn.execute("update drip.user_devices set endpoint = %s", [gateway.url])
    message = plant.message(device, plant.lead("+" + PHONE, name="Aminah"))
    worker = logged_in("drip_worker")
    start_worker(worker)
    wait(lambda: plant.message_row(message)["status"] == "sent")
    body = {
        "event": "message",
        "device_id": "one",
        "payload": {
            "id": "R1",
            "chat_id": f"{PHONE}@s.whatsapp.net",
            "from": f"{PHONE}@s.whatsapp.net",
            "is_from_me": False,
            "body": "a very private reply",
        },
    }
    answer = start_receiver(worker).post(f"/webhooks/device/{device}", json.dumps(body).encode())
    assert answer.status == 200
    wait(lambda: plant.rows("select from drip.inbound_messages"))
    file = tmp_path / "leads.csv"
    file.write_text(f"phone,name\n+{OTHER},Aminah\n")
    app = logged_in("drip_app")
    plant.row(
        "select * from drip.assign_role(%s, 'default')",
        psycopg.conninfo.conninfo_to_dict(app)["user"],
    )
    done = subprocess.run(
        [sys.executable, "-m", "pgdrip", "import", str(file)],
        env={**os.environ, "DATABASE_URL": app},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert plant.rows("select from drip.leads where phone = %s", "+" + OTHER)

    log = server_log()
    for function in ("claim_messages", "record_results", "store_webhooks", "import_leads"):
        assert f"drip.{function}" in log or f'"{function}"' in log, function
    found = [
        line
        for line in log.splitlines()
        if any(word in line for word in (PHONE, OTHER, "Aminah", "private reply"))
    ]
    assert found == []
