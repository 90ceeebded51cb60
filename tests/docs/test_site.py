"""The site: it builds without a warning, links lead on, and nothing is fetched."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import tapem_dsl
from docs.build_site import VERSION
from tests.docs.reading import read

ROOT = Path(__file__).parents[2]
PICTURES = {"digits": 4, "newton": 2, "pinn": 2}
PICTURES |= {"rationals": 2, "tapes": 0, "transformer": 2}
"""How many pictures each notebook shows."""
FIGURES = [
    ("digits", r"([\d.]+)% of 359 held-out images are read correctly", 95, 100),
    ("pinn", r"relative error ([\d.e-]+)", 0, 1e-3),
    ("newton", r"2,000 steps x = ([\d.]+),", 0.7, 0.8),
    ("newton", r"200\.3 ([\d.]+)\n", 403, 404),
    ("transformer", r"losses differ by at most ([\d.e+-]+)", 0, 1e-12),
    ("rationals", r"(\d+) triples of fractions: both sides are equal", 729, 729),
    ("rationals", r"(\d+) of 729 triples of floats: the sides differ", 242, 242),
]
"""What a page says, and between which numbers its figure is."""
KERNEL_FOLDERS = ("CONFIG", "DATA", "RUNTIME")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "0.0.10").mkdir()  # a version that was built before
    (folder / "0.0.10" / "index.html").write_text("old")
    finished = subprocess.run(
        [sys.executable, "docs/build_site.py", str(folder)],
        cwd=ROOT,
        env={
            **os.environ,
            **{f"JUPYTER_{name}_DIR": str(folder / name) for name in KERNEL_FOLDERS},
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONPATH": str(Path(tapem_dsl.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return folder


def pages(site: Path) -> Iterator[tuple[Path, str]]:
    for page in site.rglob("*.html"):
        yield page, page.read_text()


def test_the_site(site: Path) -> None:
    """All in one, for a test for each would build it in each worker."""
    texts = dict(pages(site))
    assert len(texts) > 40
    for page, text in texts.items():
        for target in re.findall(r'(?:href|src)="([^"]*)"', text):
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target) or path.startswith("//"):
                continue
            there = (page.parent / path.split("?")[0]).resolve() if path else page
            there = there / "index.html" if there.is_dir() else there
            assert there.exists(), f"{page} links to {target}"
            if anchor and there in texts:
                assert f'id="{anchor}"' in texts[there], f"{page}: {target}"
        for tag in re.findall(r"<(?:script|link|img|iframe)[^>]*>", text):
            if 'rel="canonical"' not in tag:
                assert not re.search(r'(?:src|href)="(?:https?:)?//', tag), tag
    every = "".join(texts.values())
    for name in vars(tapem_dsl):
        if not name.startswith("_") and not isinstance(
            getattr(tapem_dsl, name), ModuleType
        ):
            assert re.search(rf'id="tapem_dsl\.([\w.]+\.)?{name}"', every), name
    heaviest = max(page.stat().st_size for page in texts)
    assert heaviest < 2_000_000
    assert (site / VERSION / "searchindex.js").stat().st_size < 1_000_000
    listed = re.findall(r'href="([\d.]+)/"', texts[site / "versions.html"])
    assert listed == [VERSION, "0.0.10"]
    assert f"url={VERSION}/" in texts[site / "index.html"]
    notebooks = site / VERSION / "notebooks"
    outputs_are_shown(notebooks)
    tapes_are_shown(executed(notebooks / "tapes" / "index.html"))
    read(site, VERSION)


def executed(page: Path) -> str:
    """Return the text of a notebook's page, without what is around it."""
    return page.read_text().partition("<article")[2].partition("</article>")[0]


def outputs_are_shown(folder: Path) -> None:
    assert {page.parent.name for page in folder.glob("*/index.html")} == PICTURES.keys()
    for name, pictures in PICTURES.items():
        page = executed(folder / name / "index.html")
        assert page.count('src="../../_images/') == pictures, name
        assert 'alt="../' not in page, "a picture without a description"
        assert "<script" not in page
        assert "Traceback" not in page
        assert " at 0x" not in page
    for name in ("newton", "pinn", "rationals"):
        assert "<math" in executed(folder / name / "index.html")
    for name, said, least, most in FIGURES:
        found = re.search(said, executed(folder / name / "index.html"))
        assert found, f"{name} does not say {said}"
        assert least <= float(found[1]) <= most, found[0]


def tapes_are_shown(page: str) -> None:
    assert "Programs and tapes in a notebook" in page
    first, *outputs = page.split('<div class="output text_html">')
    assert "load_ext" in first
    data, program, tape, gradients, beside, success, failure = outputs
    assert "<summary>Dataset of 1,000 samples</summary><table>" in data
    assert "<i>988 more</i>" in data
    assert ".bind(mean_loss)</code>" in program
    fold = "<summary>7 to 6,000: x 999, 6 nodes each</summary><table>"
    for shown in (tape, beside):
        assert "<summary>Tape of 6,002 nodes</summary><table>" in shown
        assert fold in shown
        for flag, name in (("grad", "w"), ("grad", "b"), ("-", "x"), ("-", "y")):
            assert f"<td>{flag}</td><td>{name}</td>" in shown
    assert "<th>gradient</th>" in beside
    assert "<th>gradient</th>" not in tape
    assert "<summary>Gradients of 2 nodes</summary><table>" in gradients
    assert "<summary>Success</summary><p>float64 (): " in success
    assert "<summary>dict of 2 leaves</summary><table>" in success
    assert "<td>w</td><td>(2, 3)</td><td>float64</td>" in success
    assert "<summary>Failure</summary><p>autograd: shape mismatch" in failure
    assert "at Cell In[3], line 9, in loss_of\n" in failure
    assert "at item 0 of 1000" in failure
    assert "node 1: b, leaf" in failure
