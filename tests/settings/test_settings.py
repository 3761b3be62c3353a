"""Settings from the environment, and secrets by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgdrip.errors import PgdripError
from pgdrip.settings import Settings, load_settings, resolve_secret


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PGDRIP_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)


def test_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.database_url is None
    assert settings.home == tmp_path / ".pgdrip"
    assert (settings.concurrency, settings.pool_size) == (100, 6)
    assert (settings.http_timeout, settings.drain_timeout) == (60, 50)
    assert (settings.receiver_host, settings.receiver_port) == ("127.0.0.1", 8080)
    assert (settings.webhook_body_limit, settings.webhook_timeout) == (4_194_304, 10)
    assert settings.worker_name.endswith(f":{os.getpid()}")
    assert (settings.log_level, settings.log_format) == ("info", "console")


def test_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://bob:secret@db/x",
        "PGDRIP_HOME": "/srv/drip",
        "PGDRIP_CONCURRENCY": "7",
        "PGDRIP_WORKER_NAME": "w1",
        "PGDRIP_HTTP_TIMEOUT": "70",
        "PGDRIP_DRAIN_TIMEOUT": "5",
        "PGDRIP_POOL_SIZE": "3",
        "PGDRIP_RECEIVER_HOST": "::1",
        "PGDRIP_RECEIVER_PORT": "0",
        "PGDRIP_WEBHOOK_BODY_LIMIT": "2048",
        "PGDRIP_WEBHOOK_TIMEOUT": "2.5",
        "PGDRIP_LOG_LEVEL": "DEBUG",
        "PGDRIP_LOG_FORMAT": "json",
    }.items():
        monkeypatch.setenv(name, value)
    assert load_settings().model_dump() == {
        "database_url": "postgresql://bob:secret@db/x",
        "home": Path("/srv/drip"),
        "concurrency": 7,
        "worker_name": "w1",
        "http_timeout": 70,
        "drain_timeout": 5,
        "pool_size": 3,
        "receiver_host": "::1",
        "receiver_port": 0,
        "webhook_body_limit": 2048,
        "webhook_timeout": 2.5,
        "log_level": "debug",
        "log_format": "json",
    }


def test_empty_database_url_means_the_embedded_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", " ")
    assert load_settings().database_url is None


def test_password_is_not_printed() -> None:
    assert "secret" not in repr(Settings(database_url="postgresql://bob:secret@db/x"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PGDRIP_HTTP_TIMEOUT", "45"),
        ("PGDRIP_CONCURRENCY", "0"),
        ("PGDRIP_POOL_SIZE", "many"),
        ("PGDRIP_LOG_FORMAT", "xml"),
    ],
)
def test_wrong_value_names_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(PgdripError, match=variable) as caught:
        load_settings()
    assert caught.value.hint


# -- secrets


def test_secret_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDRIP_SECRET_GOWA_MAIN_1", "bob:pw")
    assert resolve_secret("gowa.main-1") == "bob:pw"


def test_secret_that_is_nowhere_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_secret("gowa") is None
    monkeypatch.setenv("PGDRIP_SECRET_GOWA", "")
    assert resolve_secret("gowa") is None


def test_secret_comes_from_a_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pw").write_text(" bob:pw \r\n")
    monkeypatch.setenv("PGDRIP_SECRET_GOWA_FILE", str(tmp_path / "pw"))
    assert resolve_secret("gowa") == " bob:pw "
    (tmp_path / "pw").write_text("bob:rotated\n")
    assert resolve_secret("gowa") == "bob:rotated"


def test_secret_comes_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gowa-main").write_text("bob:pw\n")
    monkeypatch.setenv("PGDRIP_SECRETS_DIR", str(tmp_path))
    assert resolve_secret("gowa-main") == "bob:pw"
    assert resolve_secret("other") is None


def test_variable_comes_before_file_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gowa").write_text("folder")
    (tmp_path / "file").write_text("file")
    monkeypatch.setenv("PGDRIP_SECRETS_DIR", str(tmp_path))
    assert resolve_secret("gowa") == "folder"
    monkeypatch.setenv("PGDRIP_SECRET_GOWA_FILE", str(tmp_path / "file"))
    assert resolve_secret("gowa") == "file"
    monkeypatch.setenv("PGDRIP_SECRET_GOWA", "variable")
    assert resolve_secret("gowa") == "variable"


@pytest.mark.parametrize("name", ["../outside", "..", ".", "", "a/b", "/etc/hostname", ".hidden"])
def test_name_does_not_walk_out_of_the_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "secrets"
    (folder / "a").mkdir(parents=True)
    for path in (tmp_path / "outside", folder / "a" / "b", folder / ".hidden"):
        path.write_text("not yours")
    monkeypatch.setenv("PGDRIP_SECRETS_DIR", str(folder))
    assert resolve_secret(name) is None


def test_file_that_cannot_be_read_is_told_without_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDRIP_SECRET_GOWA_FILE", str(tmp_path / "missing"))
    with pytest.raises(PgdripError, match="PGDRIP_SECRET_GOWA_FILE"):
        resolve_secret("gowa")
    (tmp_path / "binary").write_bytes(b"\xff\xfesecret")
    monkeypatch.setenv("PGDRIP_SECRET_GOWA_FILE", str(tmp_path / "binary"))
    with pytest.raises(PgdripError) as caught:
        resolve_secret("gowa")
    assert "secret\xff" not in caught.value.message
    assert caught.value.__cause__ is None
