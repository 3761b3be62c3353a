"""Settings from the environment, and secrets by name."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import PgdripError


def _default_worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class Settings(BaseSettings):
    """What a process of pgdrip reads from its environment, prefix ``PGDRIP_``.

    Only the database's address has the usual name ``DATABASE_URL``; without it an embedded
    server below ``home`` is used.
    """

    model_config = SettingsConfigDict(env_prefix="PGDRIP_", extra="ignore", populate_by_name=True)

    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL"),
        repr=False,  # it may hold a password
        description="Connection string of the database; empty: the embedded server.",
    )
    home: Path = Field(
        default_factory=lambda: Path.cwd() / ".pgdrip",
        description="Folder of the embedded server.",
    )
    concurrency: int = Field(
        default=100, ge=1, le=10_000, description="Send slots: messages in flight at once."
    )
    worker_name: str = Field(
        default_factory=_default_worker_name,
        min_length=1,
        max_length=200,
        description="Name of this worker in leases and views; unique among running workers.",
    )
    # GOWA gives up on WhatsApp after 45 s and answers 504: a client that leaves earlier would
    # turn an answer into an unknown outcome. The lease of a message lasts 90 s: a longer wait could
    # outlast it.
    http_timeout: float = Field(
        default=60.0, gt=45, le=80, description="Seconds until a send without answer is unknown."
    )
    drain_timeout: float = Field(
        default=50.0, ge=0, description="Seconds a stopping worker waits for sends in flight."
    )
    receiver_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address on which webhooks are received."
    )
    receiver_port: int = Field(
        default=8080, ge=0, le=65_535, description="Port on which webhooks are received; 0: any."
    )
    webhook_body_limit: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        le=16 * 1024 * 1024,
        description="Bytes of a webhook's body, at most.",
    )
    webhook_timeout: float = Field(
        default=10.0, gt=0, le=60, description="Seconds in which a webhook's body must arrive."
    )
    pool_size: int = Field(default=6, ge=1, le=100, description="Database connections, at most.")
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="For people (console) or machines (json)."
    )

    @field_validator("database_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("home", mode="after")
    @classmethod
    def _absolute_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


def load_settings() -> Settings:
    """The settings of this process; a bad value raises :class:`PgdripError` naming its variable."""
    try:
        return Settings()
    except ValidationError as exc:
        problems = []
        for error in exc.errors(include_url=False, include_context=False, include_input=False):
            name = ".".join(str(part) for part in error["loc"])
            variable = name if name == "DATABASE_URL" else f"PGDRIP_{name.upper()}"
            problems.append(f"{variable}: {error['msg']}")
        raise PgdripError(
            f"A setting in the environment is not valid: {'; '.join(problems)}.",
            hint="Correct or unset the variable.",
        ) from None


def resolve_secret(name: str) -> str | None:
    """The secret called ``name``, or None where it is not set.

    Looked up in this order: ``PGDRIP_SECRET_<NAME>`` (upper case, other characters than letters
    and digits become ``_``); the file that ``PGDRIP_SECRET_<NAME>_FILE`` names; the file ``name``
    in the folder ``PGDRIP_SECRETS_DIR``. Of a file the line break at its end is dropped. A file
    that is named and cannot be read raises :class:`PgdripError`. Read anew at each call, so that
    a rotated file counts at once.
    """
    variable = secret_variable(name)
    value = os.environ.get(variable)
    if value:
        return value
    named_file = os.environ.get(f"{variable}_FILE")
    if named_file:
        return _read_secret(Path(named_file), f"{variable}_FILE")
    folder = os.environ.get("PGDRIP_SECRETS_DIR")
    # A name comes from a row: it must not walk out of the folder.
    if folder and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        path = Path(folder) / name
        if path.is_file():
            return _read_secret(path, "PGDRIP_SECRETS_DIR")
    return None


def secret_variable(name: str) -> str:
    """The environment variable that holds the secret ``name``."""
    return "PGDRIP_SECRET_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def _read_secret(path: Path, variable: str) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise PgdripError(
            f"The secret file that {variable} names cannot be read: {reason}.",
            hint="Check the path, and that the worker's user may read it.",
        ) from None
    return text.rstrip("\r\n") or None
