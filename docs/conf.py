"""The site: ``make docs`` builds it from these pages and the docstrings."""

import os
import re
import sys
from pathlib import Path
from typing import Any, Final

import matplotlib.font_manager  # noqa: F401 - its cache, or a notebook reports it
from docutils import nodes
from latex2mathml.converter import convert

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docs.build_site import VERSION  # noqa: E402 - as the next one
from docs.generated_pages import (  # noqa: E402 - found by the line before
    write_decisions,
    write_files,
    write_reference,
)
from docs.search_entries import with_entries  # noqa: E402 - as the others

project = "tapem_dsl"
author = copyright = "the tapem_dsl authors"
extensions = [
    "myst_nb",  # runs the notebooks, and reads the pages as myst_parser does
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
html_theme = "furo"
html_title = "tapem_dsl"
release = version = VERSION
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/version.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_search_scorer = str(ROOT / "docs/_static/scorer.js")
html_favicon = "_static/icon.svg"
exclude_patterns = ["_site", "_templates", "**/.*"]
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]  # as in notebooks
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "error"
# As the notebooks say; and busy cores slow the threads of small products down.
os.environ.update({"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"})
copybutton_prompt_text = ">>> |\\.\\.\\. "
copybutton_prompt_is_regexp = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
SECTIONS: Final = (
    *("Laws", "Fails with", "Gradient", "Shapes", "Source", "Lean", "Cost", "Rounding"),
    *("Tolerances", "In other libraries", "Raises", "Args", "Returns"),
)
napoleon_custom_sections = list(SECTIONS[:-3])
suppress_warnings = [
    "misc.highlighting_failure",  # diagrams stay text: no script draws them
]


# Any, throughout: Sphinx's objects, which it passes to each handler.


def setup(app: Any) -> None:
    """Write the pages of the reference, and typeset formulas without JavaScript."""
    docs = Path(__file__).parent
    write_reference(docs / "api")
    write_decisions(docs / "adr")
    write_files(docs / "api")
    app.connect("source-read", change_source)
    app.connect("builder-inited", keep_executed, priority=900)
    app.connect("missing-reference", find_public)
    app.connect("autodoc-process-docstring", split_sections, priority=100)
    app.add_node(nodes.math, override=True, html=(visit_math, depart_math))
    app.add_node(nodes.math_block, override=True, html=(visit_block, depart_math))


def keep_executed(app: Any) -> None:
    """Keep executed notebooks among the doctrees, not beside the site."""
    folder = str(app.doctreedir / "executed")
    app.env.mystnb_config = app.env.mystnb_config.copy(output_folder=folder)


def change_source(app: Any, page: str, text: list[str]) -> None:
    """Put files from beside docs/ on their pages; link what has a page here only."""
    if app.env.doc2path(page).suffix != ".md":
        return
    if beside := re.search(r"<!-- (\w+\.md) -->", text[0]):
        app.env.note_dependency(str(ROOT / beside[1]))
        inner = (ROOT / beside[1]).read_text().replace("](docs/", "](")
        text[0] = text[0].replace(beside[0], inner)
    if page == "ops":
        row = r"^\| `(\w+)` "
        text[0] = re.sub(row, r"| [`\1`](api/ops/\1.md) ", text[0], flags=re.MULTILINE)
    for link, target in LINKS.items():
        text[0] = re.sub(rf"\]\((?:\.\./)*{link}\)", f"](/{target}.md)", text[0])
    text[0] = re.sub(r"(?<!\[)`examples/(\w+)\.py`", EXAMPLE, text[0])
    text[0] = with_entries(page, text[0])


LINKS: Final = {
    r"(?:docs/)?adr": "adr/index",
    r"(?:docs/)?notebooks": "notebooks/index",
    r"examples/?": "api/examples/index",
    r"examples/(\w+)\.py": r"api/examples/\1",
    r"CHANGELOG\.md": "changelog",
    r"CONTRIBUTING\.md": "contributing",
    r"(LICENSE|CITATION\.cff)": r"api/files/\1",
}
"""What is a folder or a file of the repository, and the page that it has here."""
EXAMPLE: Final = r"[`examples/\1.py`](/api/examples/\1.md)"


def split_sections(
    app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Put the text of a section that begins beside its title below it."""
    written: list[str] = []
    for line in lines:
        title, colon, text = line.partition(": ")
        begins = bool(colon) and title in SECTIONS
        ends = line[:1].strip() and written and written[-1].startswith(" ")
        if (begins and written and written[-1]) or ends:
            written.append("")
        if begins and title == "Lean":  # PyTorch and JAX follow in its text
            written += ["In other libraries:", f"    {line}"]
        elif begins:
            written += [f"{title}:", f"    {text}"]
        else:
            written.append(line)
    lines[:] = written


def find_public(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve the short names of docstrings, such as ``backward``."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    for prefix in ("tapem_dsl", *PREFIXES):
        target = f"{prefix}.{node['reftarget'].split('.')[-1]}"
        if target in domain.objects:
            from_page = node.get("refdoc")
            kind = node["reftype"]
            return domain.resolve_xref(
                env, from_page, app.builder, kind, target, node, content
            )
    return None


PREFIXES: Final = (
    "tapem_dsl.errors",
    "tapem_dsl.optim",
    "tapem_dsl.train",
    "tapem_dsl.testing",
    "tapem_dsl.tree",
)


def visit_math(self: Any, node: Any) -> None:
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_block(self: Any, node: Any) -> None:
    self.body.append(convert(node.astext(), display="block"))
    raise nodes.SkipNode


def depart_math(self: Any, node: Any) -> None:
    raise AssertionError  # the visit skips it
