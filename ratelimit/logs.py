"""How we log: to standard error, for people or for machines. Ids and counts only; never an address, a key, or what a request said."""

import logging
import sys
from typing import Final

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_TRACEBACKS: Final = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))  # local variables hold what requests said


def configure_logs(level: str, form: str, worker: int | None = None) -> None:
    """Set up structlog for the process; `form` is `console` or `json`, and lines of a worker say which one it is."""
    renderer = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            *([] if worker is None else [_said_by(worker)]),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _TRACEBACKS if form == "json" else structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each migration as it were news
    logging.basicConfig(level=_LEVELS[level], stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a migration is told by whoever wants it


def _said_by(worker: int) -> Processor:
    def add(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {**event, "worker": worker}

    return add
