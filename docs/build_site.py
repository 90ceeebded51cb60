"""Build the site, a folder for each version: ``build_site.py docs/_site``."""

import shutil
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sphinx.cmd.build import main as sphinx

DOCS: Final = Path(__file__).parent
PROJECT: Final = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]
VERSION: Final[str] = PROJECT["version"]
ROOT_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>tapem_dsl</title>
<link rel="icon" href="{newest}/_static/icon.svg">
{body}
</html>
"""


def build(folder: Path) -> int:
    """Build this version, warnings as errors, and list all versions that are there."""
    strict = ["--fail-on-warning", "--keep-going", "-q", "-b", "dirhtml"]
    shutil.rmtree(folder / VERSION, ignore_errors=True)
    with TemporaryDirectory() as trees:  # what was read before is not warned of again
        status = sphinx([*strict, "-d", trees, str(DOCS), str(folder / VERSION)])
    if status:
        return status
    found = (index.parent.name for index in folder.glob("*/index.html"))
    versions = sorted(found, key=by_number, reverse=True)
    links = "\n".join(f'<li><a href="{name}/">{name}</a></li>' for name in versions)
    listed = f"<h1>Versions of tapem_dsl</h1>\n<ul>\n{links}\n</ul>"
    (folder / "versions.html").write_text(page(listed, versions[0]))
    newest = f'<meta http-equiv="refresh" content="0; url={versions[0]}/">'
    (folder / "index.html").write_text(page(newest, versions[0]))
    return 0


def page(body: str, newest: str) -> str:
    return ROOT_PAGE.format(body=body, newest=newest)


def by_number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))
