"""The file of a checkpoint is written whole or not at all, and keeps its mode."""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from returns.result import Success

from tapem_dsl.tape.equality import same
from tapem_dsl.train import load_checkpoint, save_checkpoint

PYTREE: Any = {
    "w": np.arange(12.0).reshape(3, 4),
    "b": np.float32(1.5),
    "step": 7,
    "rate": 0.1,
}


def test_writers_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "a"

    def write(number: int) -> None:
        for _ in range(30):
            save_checkpoint(file, {"w": np.full(5_000, float(number))})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if file.exists():
            found: Any = load_checkpoint("t", file, {"w": np.zeros(5_000)}).unwrap()
            assert len(set(found["w"].tolist())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_leads_to_the_file_that_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "run-7", tmp_path / "last"
    save_checkpoint(target, 1)
    link.symlink_to(target)
    save_checkpoint(link, 2)
    assert link.is_symlink()
    assert load_checkpoint("t", target, 0).unwrap() == 2


def test_the_old_file_stays_where_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "a"
    save_checkpoint(file, PYTREE)
    with pytest.raises(ValueError, match="cannot hold the object"):
        save_checkpoint(file, {"x": object()})
    assert same(load_checkpoint("t", file, PYTREE).unwrap(), PYTREE)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("missing/a", FileNotFoundError, errno.ENOENT),
        ("file/a", NotADirectoryError, errno.ENOTDIR),
        ("dangling/a", FileNotFoundError, errno.ENOENT),
        ("folder", IsADirectoryError, errno.EISDIR),
        ("to-folder", IsADirectoryError, errno.EISDIR),
        ("loop", OSError, errno.ELOOP),
        ("pipe", OSError, errno.EINVAL),
        ("n" * 300, OSError, errno.ENAMETOOLONG),
    ],
)
def test_a_file_that_cannot_be_written_is_named_as_it_was_given(
    name: str, kind: type[OSError], number: int, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    (tmp_path / "to-folder").symlink_to("folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(kind) as caught:
        save_checkpoint(tmp_path / name, PYTREE)
    assert caught.value.filename == str(tmp_path / name)
    assert caught.value.filename2 is None
    assert caught.value.errno == number
    assert ".tapem_dsl-" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_disk_that_is_full_is_no_error_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a"
    save_checkpoint(file, 1)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        save_checkpoint(file, 2)
    assert caught.value.filename == str(file)
    assert load_checkpoint("t", file, 0) == Success(1)
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_read_is_no_error_after_the_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, opened = tmp_path / "a", os.open

    def writable_only(path: Any, *args: Any, **options: Any) -> int:
        if Path(path) == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, *args, **options)

    monkeypatch.setattr(os, "open", writable_only)
    save_checkpoint(file, 1)
    assert load_checkpoint("t", file, 0) == Success(1)


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444, 0o400, 0o777, 0o000])
def test_a_file_keeps_its_mode_and_a_new_one_has_the_umasks(
    mode: int, tmp_path: Path, umask: int
) -> None:
    file, link = tmp_path / "a", tmp_path / "link"
    link.symlink_to(file)
    save_checkpoint(link, 1)
    assert mode_of(file) == 0o666 & ~umask
    file.chmod(mode)
    for number in (2, 3):
        save_checkpoint(link, number)
        assert mode_of(file) == mode
        assert link.is_symlink()
    file.chmod(0o600)
    assert load_checkpoint("t", file, 0) == Success(3)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_file_keeps_its_owner_where_it_may_and_is_never_open_to_more(
    allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asked = tmp_path / "a", []
    save_checkpoint(file, 1)
    file.chmod(0o600)
    old = file.stat()

    def fchown(descriptor: int, user: int, group: int) -> None:
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077 == 0
        assert os.fstat(descriptor).st_size == 0
        asked.append((user, group))
        if not allowed:
            raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "fchown", fchown)
    before = os.umask(0)
    try:
        save_checkpoint(file, 2)
    finally:
        os.umask(before)
    assert asked == [(-1, old.st_gid), (old.st_uid, -1)]
    assert mode_of(file) == 0o600
    assert load_checkpoint("t", file, 0) == Success(2)


WRITER = """
import sys
import numpy as np
from tapem_dsl.train import save_checkpoint
step = 0
while True:
    pytree = {"w": np.full(50_000, float(step)), "step": step}
    save_checkpoint(sys.argv[1], pytree)
    step += 1
    if step == 1:
        print("ready", flush=True)
"""


def test_after_a_kill_the_last_whole_checkpoint_loads(tmp_path: Path) -> None:
    file, rng = tmp_path / "last", random.Random(0)
    like: Any = {"w": np.zeros(50_000), "step": 0}
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = load_checkpoint("t", file, like).unwrap()
        assert set(found["w"].tolist()) == {float(found["step"])}
    others = [path.name for path in tmp_path.iterdir() if path != file]
    assert all(name.startswith(".tapem_dsl-") for name in others)
