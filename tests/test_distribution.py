"""The sdist and the wheel: what they hold, and what works where only they are."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import tapem_dsl
from docs.build_site import PROJECT

ROOT = Path(__file__).parents[1]
BASE = f"{PROJECT['name']}-{PROJECT['version']}"

ENTRIES = (
    *("src", "tests", "typings", "docs", "examples", "benchmarks"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"),
    *("pyproject.toml", "Makefile", ".gitignore"),
)
"""What is in the sdist, besides its metadata."""

METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
BUILD_OUTPUTS = {
    *("docs/_site/index.html", "docs/api/index.md", "docs/adr/index.md"),
    *("build/doctrees/a", "dist/old.whl", "htmlcov/index.html", ".coverage"),
    *("src/tapem_dsl/__pycache__/a.pyc", "tests/.hypothesis/a", ".venv/pyvenv.cfg"),
}
OPTIONAL = {"hypothesis", "jax"}
"""What modules of an extra import at their top; nothing else may be missing."""

LOOK = """
import importlib, inspect, json, pkgutil
import tapem_dsl
public = [
    name for name, value in vars(tapem_dsl).items()
    if name[0] != "_" and not inspect.ismodule(value)
]
missing = set()
for module in pkgutil.walk_packages(tapem_dsl.__path__, "tapem_dsl."):
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        missing.add((error.__cause__ or error).name)
print(json.dumps([tapem_dsl.__file__, sorted(public), sorted(missing)]))
"""

EXTRAS = {  # a program that needs the extra
    "checkpoints": "from tapem_dsl.train import save_checkpoint as s; s('x', 1.0)",
    "plots": "from tapem_dsl.train import plot_history as p; p([])",
    "render": "import tapem_dsl as t; t.to_svg(t.leaf(1.0).exec().unwrap())",
    "testing": "import tapem_dsl.testing.strategies",
    "xla": "import tapem_dsl as t; t.jit(lambda x: t.leaf(x), engine='xla')",
}

REFUSED = f"""
import json
refused = {{}}
for extra, program in {EXTRAS}.items():
    try:
        exec(program)
    except ImportError as error:
        refused[extra] = str(error)
print(json.dumps(refused))
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )


def succeeds(*command: str | Path, cwd: Path) -> str:
    finished = run(*command, cwd=cwd)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_the_sdist_and_the_wheel(tmp_path: Path) -> None:
    """All in one, for a test for each would build them in each worker."""
    source = tmp_path / "source"
    files = copy_to(source)
    sdist, wheel = build(source, tmp_path)
    check_contents(files, sdist, wheel)
    check_by_tools(sdist, wheel, tmp_path)
    check_installed(wheel, tmp_path)


def copy_to(source: Path) -> set[str]:
    """Copy what belongs in an sdist, and return its files; add outputs of builds."""
    outputs = shutil.ignore_patterns("__pycache__", "_site", "api", ".*")
    source.mkdir()
    for name in ENTRIES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=outputs)
        else:
            shutil.copy(ROOT / name, source / name)
    files = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file()
    }
    assert files - BUILD_OUTPUTS <= not_ignored(files), "git ignores some of these"
    for output in BUILD_OUTPUTS:
        (source / output).parent.mkdir(parents=True, exist_ok=True)
        (source / output).touch()
    return files - BUILD_OUTPUTS


GIT_FILES = ("git", "ls-files", "--cached", "--others", "--exclude-standard")


def not_ignored(files: set[str]) -> set[str]:
    """Return the files that git does not ignore; all where there is no checkout."""
    if not (ROOT / ".git").exists():
        return files
    return set(succeeds(*GIT_FILES, cwd=ROOT).splitlines())


def build(source: Path, folder: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from the sdist, as an index would get them."""
    command = (sys.executable, "-m", "build", "--outdir", folder)
    succeeds(*command, source, cwd=folder)
    return folder / f"{BASE}.tar.gz", folder / f"{BASE}-py3-none-any.whl"


def check_contents(files: set[str], sdist: Path, wheel: Path) -> None:
    with tarfile.open(sdist) as archive:
        packed = {name.removeprefix(f"{BASE}/") for name in archive.getnames()}
    assert packed == files | {"PKG-INFO"}
    modules = {name.removeprefix("src/") for name in files if name[:4] == "src/"}
    assert "tapem_dsl/py.typed" in modules
    with zipfile.ZipFile(wheel) as archive:
        named = {f"{BASE}.dist-info/{name}" for name in METADATA}
        assert set(archive.namelist()) == modules | named


def check_by_tools(sdist: Path, wheel: Path, folder: Path) -> None:
    twine = (sys.executable, "-m", "twine", "check", "--strict")
    succeeds(*twine, sdist, wheel, cwd=folder)
    succeeds(sys.executable, "-m", "check_wheel_contents", wheel, cwd=folder)


def check_installed(wheel: Path, folder: Path) -> None:
    """Use the wheel where only the packages are that it asks for."""
    succeeds(sys.executable, "-m", "venv", "--without-pip", "clean", cwd=folder)
    python = folder / "clean" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    succeeds(*pip, "--no-compile", wheel, cwd=folder)  # all of NumPy takes seconds
    place, public, missing = json.loads(succeeds(python, "-Ic", LOOK, cwd=folder))
    assert Path(place).is_relative_to(folder / "clean")
    assert public == sorted(
        name
        for name, value in vars(tapem_dsl).items()
        if name[0] not in "_@" and not inspect.ismodule(value)  # "@": pytest's
    )
    assert set(missing) == OPTIONAL
    readme = (ROOT / "README.md").read_text()
    first = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    (folder / "first.py").write_text(first)
    assert succeeds(python, "-I", "-W", "error", "first.py", cwd=folder)
    module = (python, "-Im", "tapem_dsl")
    assert "show a tape" in succeeds(*module, "--help", cwd=folder)
    shown = run(*module, "show", "first.py", cwd=folder)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert re.fullmatch(r".*'tapem_dsl\[checkpoints\]'\n", shown.stderr)
    extras = PROJECT["optional-dependencies"].keys()
    assert set(EXTRAS) == extras - {"demo", "docs", "bench", "dev"}  # no features
    refused = json.loads(succeeds(python, "-Ic", REFUSED, cwd=folder))
    assert refused.keys() == EXTRAS.keys()
    for extra, message in refused.items():
        assert re.search(rf"pip install ['\"]tapem_dsl\[{extra}\]['\"]", message)
