"""Folders for the data of test servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 3 * 1024**3  # bytes


@contextmanager
def server_folder() -> Iterator[Path]:
    """An empty folder that every user can enter, removed at the end.

    In memory where there is room: a clone of the template is 900 small files, which take 20 ms
    there and 100 to 500 ms on a disk.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    # Not below pytest's own private folder: the server's user must be able to get there.
    home = Path(tempfile.mkdtemp(prefix="pgdrip-test-", dir=MEMORY if roomy else None))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
