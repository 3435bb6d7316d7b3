"""Logs: one JSON object a line, ASCII only, so that nothing hostile can forge or colour a line."""

import json
import logging
from datetime import UTC, datetime
from typing import Final

import click
from typing_extensions import override

__all__ = ["log_level_option", "set_up_logs"]

TEXT_CHARACTERS_MAX: Final = 2000
EXTRA: Final = ("key", "step", "reason", "detail")


log_level_option = click.option(
    "--log-level",
    envvar="SLUICE_LOG_LEVEL",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    help="What to log, to standard error.",
)
"""The option of every process that runs for long."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {
            "at": at,
            "level": record.levelname.lower(),
            "log": record.name,
            "message": record.getMessage()[:TEXT_CHARACTERS_MAX],
        }
        for name in EXTRA:
            if name in record.__dict__:
                fields[name] = str(record.__dict__[name])[:TEXT_CHARACTERS_MAX]
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)[-TEXT_CHARACTERS_MAX:]
        return json.dumps(fields)


def set_up_logs(level: str) -> None:
    """Send all logs to standard error, from `level` (debug, info, warning, error) upwards."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # kopf tells each event of each object at INFO; what matters is told by us.
    logging.getLogger("kopf").setLevel(max(logging.root.level, logging.WARNING))
