"""Logs: structlog for us and for the libraries, to standard error, one line an event."""

from __future__ import annotations

import logging
import sys
import time

import structlog

from .settings import Settings

# Libraries whose errors the supervisor or a task says again in one line of ours.
_SAID_BY_US = ("procrastinate", "psycopg.pool")


# Lines of one kind in so many seconds, where each is of interest as long as there are few.
SPAN = 60.0
MOST = 20


class Seldom:
    """Lets so many lines in so many seconds through.

    What a stranger, a gateway or a tenant can cause must not fill a disk.
    """

    def __init__(self, seconds: float = SPAN, most: int = 1) -> None:
        self._seconds = seconds
        self._most = most
        self._left = 0
        self._next = 0.0
        self.unsaid = 0  # lines that were left out since the last one

    def passes(self) -> bool:
        """Whether a line may be written now; the caller writes it, with what :meth:`take` says."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._seconds
            self._left = self._most
        if not self._left:
            self.unsaid += 1
            return False
        self._left -= 1
        return True

    def take(self) -> int:
        """How many lines were left out since the last one; counts anew."""
        unsaid, self.unsaid = self.unsaid, 0
        return unsaid


def configure_logs(settings: Settings) -> None:
    """Log at ``settings.log_level`` as ``settings.log_format``; call once per process."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
        shared.append(structlog.processors.format_exc_info)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=30)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _one_line,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    if level > logging.DEBUG:
        handler.addFilter(_Few())
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in _SAID_BY_US:
        logging.getLogger(name).setLevel(
            logging.DEBUG if level <= logging.DEBUG else logging.CRITICAL
        )


class _Few(logging.Filter):
    """Lets a few lines a minute of each library through: strangers can cause them too."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, Seldom] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        few = self._said.setdefault(record.name, Seldom(most=MOST))
        if not few.passes():
            return False
        if others := few.take():
            record.msg, record.args = f"{record.getMessage()} (and {others} more)", ()
        return True


def _one_line(
    logger: object, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A library's traceback is for debugging; otherwise the first line says enough."""
    if logging.getLogger().level > logging.DEBUG:
        exc_info = event.pop("exc_info", None)
        event.pop("exception", None)
        if isinstance(exc_info, tuple) and exc_info[1] is not None:
            event["error"] = str(exc_info[1]).strip().split("\n")[0]
        event["event"] = str(event["event"]).split("\n")[0]
    return event
