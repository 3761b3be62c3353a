"""The running embedded server: its socket, its process, what it says."""

from __future__ import annotations

import os
import socket
from pathlib import Path

PORT = 5432


def socket_path(folder: Path) -> str:
    """The socket of a server whose sockets are in this folder."""
    return f"{folder}/.s.PGSQL.{PORT}"


def accepts(socket_dir: Path) -> bool:
    """Whether a server listens on the socket; the kernel answers, however busy the server is."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(socket_path(socket_dir))
        except (BlockingIOError, TimeoutError):
            return True
        except OSError:
            return False
    return True


def arguments_of(pid: int) -> list[bytes] | None:
    """The command line of a process (empty for a zombie), None where it cannot be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None


def is_postmaster(pid: int, socket_dir: Path | None) -> bool:
    """Whether process ``pid`` is a server, the one with that socket where one is named.

    A number alone proves nothing: another program may have it by now, or a zombie.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False  # PermissionError: a process of somebody else; the server's user is ours
    arguments = arguments_of(pid)
    if arguments is None:
        return True  # no /proc to look into: believe the number
    if os.path.basename(arguments[0]) != b"postgres":
        return False
    return socket_dir is None or f"unix_socket_directories={socket_dir}".encode() in arguments


def complaint_in(text: str) -> str:
    """The line of a program's output that says what went wrong: its first error, else its last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = (line for line in lines if "error:" in line or "FATAL:" in line)
    return next(errors, lines[-1] if lines else "it said nothing.")


def last_fatal_line(log_file: Path) -> str | None:
    """Why the server gave up, by the end of its log; None where that does not say."""
    try:
        lines = log_file.read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines[-50:]):
        if "FATAL:" in line:
            return line.split("FATAL:", 1)[1].strip()
    return None
