"""The site: it builds without a warning, links lead on, and nothing is fetched."""

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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "0.0.10").mkdir()  # a version that was built before
    (folder / "0.0.10" / "index.html").write_text("old")
    finished = subprocess.run(
        [sys.executable, "docs/build_site.py", str(folder)],
        cwd=ROOT,
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
    read(site, VERSION)
