"""TorchLean's log lines, written through Python's ``logging``."""

import logging
import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import final

from typing_extensions import override

from tapem_dsl.arguments import check_argument, check_fields


@final
class Level(IntEnum):
    """
    The level of a log line, with the numbers of ``logging``.

    Lean: ``LogLevel``.

    >>> Level.WARN.render(), Level.WARN == logging.WARNING
    ('warn', True)
    """

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARN = logging.WARNING
    ERROR = logging.ERROR

    def render(self) -> str:
        """Return the name in lower case."""
        return self.name.lower()


@final
@dataclass(frozen=True, slots=True)
class LogEntry:
    """
    One log line.

    Lean: ``LogEntry``.

    >>> LogEntry(Level.INFO, "begin").render()
    '[info] begin'
    """

    level: Level
    message: str

    def __post_init__(self) -> None:
        check_fields(self, level=Level)

    def render(self) -> str:
        """Return ``[level] message``."""
        return f"[{self.level.render()}] {self.message}"


@final
class LineFormatter(logging.Formatter):
    """
    A formatter of ``logging`` that writes lines as :meth:`LogEntry.render`.

    A level between TorchLean's four has the name of the next lower one.

    >>> record = logging.LogRecord("a", logging.CRITICAL, "", 0, "lost %d", (3,), None)
    >>> LineFormatter().format(record)
    '[error] lost 3'
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        below = [level for level in Level if level <= record.levelno]
        level = max(below, default=Level.DEBUG)
        return LogEntry(level, record.getMessage()).render()


def stdout_logger(name: str, level: Level = Level.INFO) -> logging.Logger:
    """
    Return the logger of a name, writing TorchLean's lines to standard output.

    A second call with the same name returns the same logger, which still writes each
    line once. The user's own handlers stay. Lines do not propagate to parent loggers.

    Lean: ``Logger.stdout``; for ``noOp``, set a level above ``Level.ERROR``.

    >>> stdout_logger("doctest of tapem_dsl").info("step %d", 1)
    [info] step 1
    """
    check_argument("stdout_logger", "name", name, str)
    check_argument("stdout_logger", "level", level, int, "; such as Level.INFO")
    logger = logging.getLogger(name)
    for old in list(logger.handlers):
        if isinstance(old.formatter, LineFormatter):
            logger.removeHandler(old)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    return logger


def log_entry(logger: logging.Logger, entry: LogEntry) -> None:
    """
    Log an entry.

    Lean: ``logEntry``; ``info``, ``warn`` and ``error`` are the logger's own methods.

    >>> log_entry(stdout_logger("doctest of tapem_dsl"), LogEntry(Level.ERROR, "lost"))
    [error] lost
    """
    check_argument("log_entry", "logger", logger, logging.Logger)
    check_argument("log_entry", "entry", entry, LogEntry)
    logger.log(entry.level, "%s", entry.message)
