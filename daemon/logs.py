"""One JSON object a line on standard error; the journal adds the rest."""

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Set up structlog, and send the standard library's logs the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared
    )
    lines = logging.StreamHandler()
    lines.setFormatter(formatter)
    logging.basicConfig(handlers=[lines], level=logging.WARNING, force=True)
