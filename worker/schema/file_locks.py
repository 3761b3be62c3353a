"""Locks on files, which the kernel drops with their process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import PgdripError


def open_lock(path: Path) -> int:
    """A descriptor to lock; the file is made where it is missing."""
    # Read-only is enough to lock, and lets users share a lock file that one of them made.
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file; whoever holds it is waited for."""
    try:
        descriptor = open_lock(path)
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


def is_free(descriptor: int) -> bool:
    """Whether nobody else holds the lock; then it is ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
