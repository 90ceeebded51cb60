"""A file is written whole or not at all, and read whole."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

_PARTIAL: Final = ".tapem_dsl-"
"""The prefix of temporary files; a killed process may leave one."""


def write_whole(path: str | os.PathLike[str], written: bytes) -> None:
    """
    Write a file beside another, with the other's mode and owner, and replace it.

    A symbolic link is followed.

    Raises:
        OSError: the file cannot be written; ``filename`` is ``path``.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_whole(Path(folder.name) / "a", b"text")
    >>> content(Path(folder.name) / "a")
    b'text'
    >>> folder.cleanup()
    """
    with _naming(path):
        file = _followed(path)
        beside = _written_beside(file, written)
        try:
            beside.replace(file)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)


def check_writable(path: str | os.PathLike[str]) -> None:
    """
    Check that a file can be written: an empty one is written beside it, and deleted.

    Raises:
        OSError: as :func:`write_whole`.

    >>> check_writable("no such folder/a")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'no such folder/a'
    """
    with _naming(path):
        _written_beside(_followed(path), b"").unlink()


def _followed(path: str | os.PathLike[str]) -> Path:
    # realpath follows a link; Path.resolve raises RuntimeError for a loop of links
    return Path(os.path.realpath(path))


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let an error name the path, and not the temporary file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def content(path: str | os.PathLike[str]) -> bytes:
    """
    Return the bytes of a file.

    Raises:
        ValueError: the file cannot be read; the message says why.

    >>> content("no such file")
    Traceback (most recent call last):
    ...
    ValueError: no file is there
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ValueError("no file is there") from None
    except (OSError, ValueError) as error:  # a bad file, a bad name
        raise ValueError(f"the file cannot be read: {error}") from None


def _written_beside(file: Path, written: bytes) -> Path:
    """
    Write a file beside another, with the other's mode and owner, and return its path.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        old = file.stat()
    except FileNotFoundError:
        old = None
    if old and not stat.S_ISREG(old.st_mode):  # a folder, a device, a pipe
        raise OSError(
            errno.EISDIR if stat.S_ISDIR(old.st_mode) else errno.EINVAL,
            "not a regular file",
        )
    mode = stat.S_IMODE(old.st_mode) if old else 0o666  # less the umask
    beside = file.with_name(f"{_PARTIAL}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        # Path.open takes no opener, and a mode set after opening would be too late
        with open(beside, "xb", opener=partial(os.open, mode=mode)) as out:
            if old:
                _copy_owner_and_mode(out.fileno(), old)
            out.write(written)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _sync_folder(folder: Path) -> None:
    """
    Make the new file's name durable, where the system permits.

    The file is in place already, so a folder that cannot be opened, such as one that
    may be written to but not read, is no error.
    """
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _copy_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    """Set an open file's group, owner and mode to another's, each where permitted."""
    if hasattr(os, "fchown"):
        for change in (
            partial(os.fchown, descriptor, -1, old.st_gid),
            partial(os.fchown, descriptor, old.st_uid, -1),
            partial(os.fchmod, descriptor, stat.S_IMODE(old.st_mode)),
        ):
            with suppress(OSError):
                change()
