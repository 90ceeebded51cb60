"""docs/_static/picture.svg: as its script draws it, true, and readable when small."""

import re
from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest

from docs.picture import AT, EXACT, PICTURE, picture, results

SVG = "{http://www.w3.org/2000/svg}"


def shown() -> list[str]:
    """The texts of the picture, in order."""
    root = ET.fromstring(PICTURE.read_text())
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_the_picture_is_as_its_script_draws_it() -> None:
    assert PICTURE.read_text() == picture()


def test_the_numbers_are_those_of_calculus() -> None:
    w, x, t = AT["w"], AT["x"], AT["t"]
    error = w * x - t
    gradients = (2 * error * x, 2 * error * w, -2 * error)
    by_hand = [
        "{:g} {:g} {:g}".format(*gradients).replace("-", "\N{MINUS SIGN}"),
        f"{error**2:g} + {2 * error * x:g}ε",
        f"{2 * x**2:g}",
        str((EXACT["w"] * EXACT["x"] - EXACT["t"]) ** 2),
    ]
    assert [value for _, value, _ in results()][:4] == by_hand
    assert by_hand[3] == str(Fraction(1, 9))
    assert set(by_hand) <= set(shown())
    values = f"{w:g} {x:g} {t:g} {w * x:g} {error:g} {error**2:g}".split()
    assert shown()[12:28:3] == values


def test_the_code_is_the_program_without_its_type_hints() -> None:
    code = [line.replace("\N{NO-BREAK SPACE}", " ") for line in shown()[4:10]]
    assert code == [
        "@do",
        "def loss(w, x, t):",
        *("  y = yield from mul(w, x)", "  e = yield from sub(y, t)"),
        *("  s = yield from mul(e, e)", "  return s"),
    ]


def test_every_letter_is_legible_at_the_width_of_a_phone() -> None:
    sizes = [int(size) for size in re.findall(r"(\d+)px", PICTURE.read_text())]
    assert min(sizes) * 360 / 900 >= 9


@pytest.mark.parametrize("word", ["href", "url(", "@import", "<script", "<image"])
def test_it_asks_for_nothing_from_elsewhere(word: str) -> None:
    assert word not in PICTURE.read_text()
