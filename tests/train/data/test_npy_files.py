"""Numbers from NPY: each failure with its place, and no exception."""

import io
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from returns.result import Failure

from tapem_dsl.errors import LoadError
from tapem_dsl.train import (
    load_npy,
    npy_bytes,
    npy_matrix,
    npy_prefix,
    npy_vector,
    parse_npy,
)
from tests.oracles import usual
from tests.train.data.npy_contents import (
    COLUMNS,
    DTYPES,
    GOOD,
    SCALAR,
    changed,
    described,
    forged,
    of_numpy,
)

arrays = hnp.arrays(
    st.sampled_from(DTYPES),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
).filter(lambda array: array.dtype.itemsize < 8 or _exact(array))


def _exact(array: Any) -> bool:
    return array.dtype.kind == "f" or all(abs(int(x)) <= 2**53 for x in array.flat)


@usual
@given(
    array=arrays,
    fortran=st.booleans(),
    version=st.sampled_from([(1, 0), (2, 0), (3, 0)]),
)
def test_what_numpy_wrote_is_read_in_rows(
    array: Any, fortran: bool, version: Any
) -> None:
    out = io.BytesIO()
    given = np.array(array, order="F" if fortran else "C")
    np.lib.format.write_array(out, given, version=version)
    found = parse_npy(out.getvalue() + b"more").unwrap()
    with np.errstate(invalid="ignore"):
        expected = array.astype(np.float64)
    np.testing.assert_array_equal(found.data, expected, strict=True)
    assert found.data.flags.c_contiguous
    assert (found.shape, found.fortran) == (array.shape, False)
    assert not found.data.flags.writeable
    if not (fortran and array.ndim > 1) and array.ndim:
        some = (len(array) // 2, *array.shape[1:])
        leading = npy_prefix(out.getvalue(), some).unwrap()
        np.testing.assert_array_equal(leading, expected[: some[0]], strict=True)


@usual
@given(
    array=hnp.arrays(
        st.sampled_from(DTYPES) | hnp.scalar_dtypes(),
        hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
    )
)
def test_what_is_written_can_be_read(array: Any) -> None:
    try:
        written = npy_bytes(array)
    except ValueError:
        fits = array.dtype.kind in "fiub" and array.dtype.itemsize <= 8
        assert not (fits and _exact(array))
        return
    back = np.load(io.BytesIO(written))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    np.testing.assert_array_equal(parse_npy(written).unwrap().data, array)


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.ma.array([1.0, 2.0], mask=[True, False]), "lose the mask"),
        (np.array([object()]), "not object; convert with astype"),
        (np.array([1j]), "not complex128"),
        (np.array(["a"]), "not <U1"),
        (np.array([1.0], np.longdouble), "not float128|not longdouble"),
        (np.zeros(2, [("a", "<f8")]), "not .*'a'"),
        (np.zeros(2, "M8[s]"), "not datetime64"),
        (np.array(["a"], np.dtypes.StringDType()), "not StringDType"),
        (np.array([2**53 + 1]), "an integer beyond 2\\*\\*53"),
    ],
)
def test_what_could_not_be_read_is_not_written(array: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        npy_bytes(array)


@pytest.mark.parametrize(
    "content",
    [
        *(forged(described(f"'{dtype}'")) for dtype in (*DTYPES, "=f8", "f8", "|b1")),
        *(forged(described(f"'{dtype}'")) for dtype in ("float32", "d", "int8", "=i2")),
        *(forged(described("'<f8'"), version) for version in (b"\2\0", b"\3\0")),
        *(
            forged(described("'<f8'", shape))
            for shape in ("(3L,)", "(3L, 2L)", "(3L ,)")
        ),
        forged(described("u'<f4'", "(2L, 3L)", "True"), b"\2\0"),
        forged(described("'<f8'").replace("'shape'", "u'shape'") + " " * 999),
    ],
)
def test_what_numpy_reads_is_read(content: bytes) -> None:
    expected = of_numpy(content)
    found = parse_npy(content).unwrap()
    np.testing.assert_array_equal(found.data, expected.astype(np.float64), strict=True)


def test_a_nan_that_signals_is_read() -> None:
    for descr, nan in (
        ("<f4", b"\1\0\x80\x7f"),
        ("<f2", b"\1\x7c"),
        ("<f8", b"\1" + 5 * b"\0" + b"\xf0\x7f"),
    ):
        content = forged(described(f"'{descr}'", "()"), data=nan)
        assert np.isnan(parse_npy(content).unwrap().data)


@pytest.mark.parametrize("number", [2**53, 2**53 - 1, -(2**53), 1 - 2**53])
def test_integers_up_to_the_last_that_float64_has_are_read(number: int) -> None:
    dtypes = ["<i8", ">i8", "<u8"] if number > 0 else ["<i8", ">i8"]
    for dtype in dtypes:
        found = parse_npy(npy_bytes(np.array([number], dtype))).unwrap()
        assert int(found.data[0]) == number


def test_what_files_hold_compares_exactly() -> None:
    one, other = (parse_npy(npy_bytes(np.arange(3.0))).unwrap() for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert (one != other) is False
    assert one != parse_npy(npy_bytes(np.arange(3.0) + 1)).unwrap()
    assert tuple(one) != one


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)])
def test_integers_that_float64_would_round_are_refused(number: int) -> None:
    content = forged(
        described("'<i8'", "(1,)"), data=number.to_bytes(8, "little", signed=True)
    )
    message = "npy: invalid int64 data: an integer beyond 2**53"
    assert parse_npy(content).failure().message == message
    assert npy_prefix(content, (1,)).failure().message == message
    assert npy_prefix(content, (0,)).unwrap().size == 0
    unsigned = forged(described("'>u8'", "(1,)"), data=(2**64 - 1).to_bytes(8, "big"))
    assert "invalid uint64 data" in parse_npy(unsigned).failure().message


@pytest.mark.parametrize(
    "shape",
    [
        "(10**0,)",
        "(2**40,)",
        "(0, 999999999999)",
        "(1099511627776,)",
        "(1073741824, 4096)",
        "(0, 1152921504606846975)",
        "(" + "1," * 65 + ")",
        "(0x" + "f" * 5000 + ",)",
    ],
)
@pytest.mark.parametrize("descr", ["'<f8'", "'|i1'", "'<f2'"])
def test_a_forged_header_takes_no_memory(shape: str, descr: str) -> None:
    content = forged(described(descr, shape))
    tracemalloc.start()
    try:
        parse_npy(content)
        npy_prefix(content, (2**40,))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file too small"),
        (GOOD[:9], "file too small"),
        (changed(0, b"x"), "invalid NPY magic header"),
        (changed(6, b"\4"), "unsupported NPY version: 4"),
        (changed(6, b"\1\1"), "unsupported NPY version: 1.1"),
        (changed(6, b"\2\2"), "unsupported NPY version: 2.2"),
        (changed(6, b"\3\1"), "unsupported NPY version: 3.1"),
        (changed(6, b"\0"), "unsupported NPY version: 0"),
        (b"\x93NUMPY\2\0\1\0", "invalid NPY header length"),
        (changed(8, b"\xff\xff"), "NPY header out of bounds"),
        (GOOD[:60], "NPY header out of bounds"),
        (changed(10, b"["), "failed to parse NPY header"),
        (b"\x93NUMPY\3\0\1\0", "invalid NPY header length"),
        (forged(described("'|O'")), "unsupported dtype: |O"),
        (forged(described("'O'", "()"), data=pickle.dumps(1)), "unsupported dtype: O"),
        (forged(described("'<c16'")), "unsupported dtype: <c16"),
        (forged(described("'<f16'")), "unsupported dtype: <f16"),
        (forged(described("'<U1'")), "unsupported dtype: <U1"),
        (forged(described("'<M8[s]'")), "unsupported dtype: <M8[s]"),
        (forged(described("[('a', '<f8')]")), "unsupported dtype: [('a', '<f8')]"),
        (forged(described("('<f8', (2,))")), "unsupported dtype: ('<f8', (2,))"),
        (forged(described("5")), "unsupported dtype: 5"),
        (forged(described("'<f8L'")), "unsupported dtype: <f8L"),
        (forged(described(r"'\x1b[2J'")), r"unsupported dtype: \x1b[2J"),
        (forged(described("0x" + "f" * 5000)), "failed to parse NPY header"),
        (forged(described("'<f8'", "(3L,)"), b"\3\0"), "failed to parse NPY header"),
        (forged("\xe9", b"\1\0"), "failed to parse NPY header"),
        (forged(described("'é'"), b"\1\0"), "unsupported dtype: é"),
        (forged(described("'é'"), b"\3\0"), "unsupported dtype: é"),
        (
            forged(described("'<f8'") + "#é", b"\3\0").replace(b"#\xc3", b"# "),
            "failed to parse NPY header",
        ),
        (forged("-" * 9000 + "1"), "failed to parse NPY header"),
        (forged("-" * 60_000 + "1"), "failed to parse NPY header"),
        (forged(described("'<f8'") + 10_000 * " "), "failed to parse NPY header"),
        (
            forged(described("'<f8'", "(" + "1," * 65 + ")")),
            "failed to parse NPY header",
        ),
        (forged(described("'<f8'", "(0, 2**64)")), "failed to parse NPY header"),
        (forged(described("'<f8'", f"(0, {2**62})")), "failed to parse NPY header"),
        (GOOD.replace(b"<f8", b"<q9"), "unsupported dtype: <q9"),
        (GOOD[:-1], "NPY data truncated"),
        (GOOD.replace(b"(3, 2)", b"(3,-2)"), "failed to parse NPY header"),
        (GOOD.replace(b"(3, 2)", b"[3, 2]"), "failed to parse NPY header"),
        (GOOD.replace(b"}", b" "), "failed to parse NPY header"),
        (GOOD.replace(b"shape", b"shade"), "failed to parse NPY header"),
        (GOOD.replace(b"False", b"0    "), "failed to parse NPY header"),
    ],
)
def test_a_broken_file_fails_and_says_why(content: bytes, message: str) -> None:
    error = parse_npy(content).failure()
    assert isinstance(error, LoadError)
    assert error.message == f"npy: {message}"


def test_npy_loaders_check_their_shapes(tmp_path: Path) -> None:
    assert npy_vector(npy_bytes(np.ones(2)), 2).unwrap().tolist() == [1, 1]
    assert npy_matrix(GOOD, 3, 2).unwrap().shape == (3, 2)
    assert npy_vector(GOOD, 6).failure().message == "npy: shape mismatch for vector"
    assert npy_matrix(GOOD, 2, 3).failure().message == "npy: shape mismatch for matrix"
    assert npy_matrix(GOOD[:-1], 3, 2) == Failure(
        LoadError("npy", ": NPY data truncated")
    )
    file = tmp_path / "a.npy"
    np.save(file, np.ones(2))
    assert load_npy(file).unwrap().shape == (2,)
    assert "directory" in load_npy(tmp_path).failure().message.lower()
    assert load_npy("a\0b").failure().message == r"npy: a\x00b: embedded null byte"


@pytest.mark.parametrize(
    ("content", "shape", "message"),
    [
        (COLUMNS, (2, 2), "prefix row loading requires C-order NPY arrays"),
        (GOOD, (2, 3), "shape mismatch: expected trailing dims [3], got [2]"),
        (GOOD, (4, 2), "expected at least 4 rows, got 3"),
        (GOOD, (2,), "shape mismatch: expected [2], got [3, 2]"),
        (GOOD[:-1], (2, 2), "NPY data truncated"),
        (GOOD[:-24], (2, 2), "NPY prefix data truncated"),
        (b"", (2, 2), "file too small"),
        (
            SCALAR,
            (),
            "prefix row loading requires an array of rows, and a scalar has none",
        ),
        (SCALAR, (2,), "shape mismatch: expected [2], got []"),
        (GOOD, (), "shape mismatch: expected [], got [3, 2]"),
    ],
)
def test_leading_rows_that_are_not_there_fail_and_say_why(
    content: bytes, shape: Any, message: str
) -> None:
    assert npy_prefix(content, shape).failure().message == f"npy: {message}"


def test_leading_rows_have_a_shape() -> None:
    for wrong in ((-1, 2), (1.0, 2), [1, 2]):
        shape: Any = wrong
        with pytest.raises(TypeError, match="a shape is a tuple of extents"):
            npy_prefix(GOOD, shape)


def test_leading_rows_are_read() -> None:
    assert npy_prefix(GOOD, (2, 2)).unwrap().tolist() == [[0, 1], [2, 3]]
    assert npy_prefix(GOOD, (0, 2)).unwrap().shape == (0, 2)
