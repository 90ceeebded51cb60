"""TorchLean's log lines through Python's ``logging``."""

import logging
import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import final

from typing_extensions import override

from tapem_dsl.arguments import check_fields, check_type


@final
class Level(IntEnum):
    """
    How loud a line is: the numbers are those of ``logging``.

    Lean: ``LogLevel``.

    >>> Level.WARN.render(), Level.WARN == logging.WARNING
    ('warn', True)
    """

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARN = logging.WARNING
    ERROR = logging.ERROR

    def render(self) -> str:
        """Write the name in lower case."""
        return self.name.lower()


@final
@dataclass(frozen=True, slots=True)
class LogEntry:
    """
    One line.

    Lean: ``LogEntry``.

    >>> LogEntry(Level.INFO, "begin").render()
    '[info] begin'
    """

    level: Level
    message: str

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, level=Level, message=str)

    def render(self) -> str:
        """Write ``[level] message``."""
        return f"[{self.level.render()}] {self.message}"


@final
class LineFormatter(logging.Formatter):
    """
    Formats records of ``logging`` as :meth:`LogEntry.render` does.

    Levels between TorchLean's four take the name of the one below.

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
    Make a logger that writes TorchLean's lines to standard output.

    Asking twice for one name gives one logger that writes each line once; handlers of
    your own stay. Nothing goes on to the loggers above.

    Lean: ``Logger.stdout``; a logger that says nothing (``noOp``) is one whose level is
    above ``Level.ERROR``.

    >>> stdout_logger("doctest of tapem_dsl").info("step %d", 1)
    [info] step 1
    """
    check_type("stdout_logger", "name", name, str)
    check_type("stdout_logger", "level", level, int, "; such as Level.INFO")
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
    Hand an entry to a logger.

    Lean: ``logEntry``; ``info``, ``warn`` and ``error`` are the logger's own methods.

    >>> log_entry(stdout_logger("doctest of tapem_dsl"), LogEntry(Level.ERROR, "lost"))
    [error] lost
    """
    check_type("log_entry", "logger", logger, logging.Logger)
    check_type("log_entry", "entry", entry, LogEntry)
    logger.log(entry.level, "%s", entry.message)
