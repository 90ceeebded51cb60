"""A reader with a browser: searches, follows links, at a desk, at night, on a phone."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect
from typing_extensions import override

from tests.browser import browser

FOUND: Final = {  # what a reader searches for, and the page that must come first
    "torch.cat": "api/ops/concat",
    "torch.nn.functional.embedding": "api/ops/gather",
    "jax.numpy.concatenate": "api/ops/concat",
    "stop_gradient": "api/ops/detach",
    "TapeM.smoothMaxPool": "api/ops/smooth_max_pool",
    "gelu": "api/ops/gelu",
    "add": "api/ops/add",
    "matmul": "api/ops/matmul",
    "log": "api/ops/log",
    "transpose": "api/ops/transpose",
    "grad": "api/interpreters-reverse",
    "jit": "(guides/jit|api/interpreters-compiled)",
    "torch.nn.Linear": "api/ops/linear",
    "torch.nn.functional.relu": "api/ops/relu",
    "torch.argmax": "coming_from/missing_ops",
    "np.clip": "api/ops/clamp",
    "second derivative": "guides/levels",
    "checkpoint": "guides/training",
    "torch.optim.AdamW": "api/module-optim",
    "mean_scalar_over": "api/train",
}


TASKS: Final = {  # links to click from the first page on, and what then can be read
    "train a model": (["training"], "train.fit(loss_of, start, loader"),
    "go on with a run": (["training"], "resume=True"),
    "load a CSV file": (["training"], 'load_csv("houses.csv")'),
    "read a failure": (["training", "When a step fails"], "place.state is the last"),
    "write a lemma": (["lemmas"], "assert_equivalent("),
    "add an op": (["an op of your own"], "check_op("),
    "run on XLA": (["XLA, GPUs, many devices"], 'engine="xla"'),
    "differentiate twice": (["levels"], "backward_m(y, wrt=[x])"),
    "know what an error of mypy means": (["typing"], "has incompatible type"),
    "translate a training loop": (["PyTorch"], "zero_grad()"),
    "find the decision on levels": (
        ["decisions", "Ambient levels"],
        "Status: accepted",
    ),
    "cite": (["cite it"], "@software{"),
}


class Quiet(SimpleHTTPRequestHandler):
    """A reader who leaves a page breaks off what it still loads: no error."""

    @override
    def handle(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    serve = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def read(site: Path, version: str) -> None:
    """Read the site as people do; fail at what a person would complain about."""
    with served(site) as root, browser() as opened:
        home = f"{root}{version}/"
        page = opened.new_page(viewport={"width": 1440, "height": 900})
        complaints: list[str] = []
        page.on(
            "console", lambda said: complaints.append(f"{said.text} {said.location}")
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(root)
        page.wait_for_url(home)  # the newest version
        search(page, home)
        follow_links(page, home)
        do_tasks(page, home)
        darken(page, home)
        hold_in_a_hand(page, home, site / version)
        assert complaints == [], complaints
        assert [url for url in asked if not url.startswith((root, "data:"))] == []


def search(page: Page, home: str) -> None:
    for words, wanted in FOUND.items():
        page.goto(home)
        page.fill("input[name=q]", words)
        page.press("input[name=q]", "Enter")
        first = page.locator("#search-results li a").first
        expect(first).to_have_attribute("href", re.compile(rf"{wanted}/(#|$)"))
    page.locator("#search-results li a").first.click()
    expect(page.locator("h1")).to_be_visible()


def follow_links(page: Page, home: str) -> None:
    page.goto(home)
    page.locator(".sidebar-tree").get_by_text("Tutorial").click()
    expect(page.locator("h1")).to_contain_text("Tutorial")
    page.locator(".next-page").click()
    expect(page.locator("h1")).not_to_contain_text("Tutorial")
    page.goto(f"{home}ops/")
    page.locator("article a[href$='api/ops/relu/']").click()
    expect(page.locator("h1")).to_contain_text("relu")


def do_tasks(page: Page, home: str) -> None:
    """Each task of a new reader is some clicks away from the first page."""
    for task, (links, text) in TASKS.items():
        page.goto(home)
        for link in links:
            page.locator(".main").get_by_role("link", name=link).first.click()
        expect(page.locator("article"), task).to_contain_text(text)


def darken(page: Page, home: str) -> None:
    """Text and its background are far apart in both themes."""
    page.goto(f"{home}tutorial/")
    for theme in ("light", "dark"):
        page.evaluate(f"document.body.dataset.theme = '{theme}'")
        colours = page.evaluate(
            """() => ['color', 'backgroundColor'].map(name =>
                getComputedStyle(document.body)[name].match(/[0-9.]+/g).map(Number))"""
        )
        text, behind = (sum(colour[:3]) / 3 for colour in colours)
        assert abs(text - behind) > 150, (theme, colours)
        assert (text > behind) == (theme == "dark")


def hold_in_a_hand(page: Page, home: str, site: Path) -> None:
    """No page is wider than a phone; wide tables and code scroll by themselves."""
    page.set_viewport_size({"width": 390, "height": 844})
    for file in sorted(site.rglob("index.html")):
        path = file.parent.relative_to(site)
        if path.parts[:2] == ("api", "ops") and path.name != "conv":
            continue  # all of one form
        page.goto(f"{home}{path}/" if path.parts else home)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{path} is {wide} px wide"
