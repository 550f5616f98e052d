"""What users of safetensors know of ``load``, ``save`` and their like for NumPy."""

import subprocess
import sys

import numpy as np
import pytest

import holotensor
from holotensor.numpy import load, load_file, save, save_file

from conftest import gaussian


def test_a_file_comes_back(tensors, tmp_path):
    written = save_file(tensors, tmp_path / "a.hct", strategy="lossless")
    assert written == (tmp_path / "a.hct").stat().st_size
    found = load_file(tmp_path / "a.hct")
    assert found.keys() == tensors.keys()
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)


def test_bytes_are_those_of_the_file(tensors, tmp_path):
    save_file(tensors, tmp_path / "a.hct", quality=0.99, metadata={"a": "b"})
    data = save(tensors, quality=0.99, metadata={"a": "b"})
    assert isinstance(data, bytes)
    assert data == (tmp_path / "a.hct").read_bytes()
    found = load(data)
    np.testing.assert_array_equal(found["ids"], tensors["ids"])


def test_the_order_of_the_dict_does_not_matter(tensors):
    backwards = dict(reversed(tensors.items()))
    assert save(tensors, strategy="lossless") == save(backwards, strategy="lossless")


def test_no_tensors_are_a_file_too():
    assert load(save({})) == {}


@pytest.mark.parametrize(
    "dtype",
    "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64".split(),
)
def test_every_dtype_of_numpy_comes_back(dtype):
    array = (np.arange(24).reshape(2, 3, 4) % 7).astype(dtype)
    found = load(save({"x": array}))["x"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    "dtype",
    ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"],
)
def test_short_floats_are_those_of_ml_dtypes(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([[1, 2], [0.5, 4]], dtype=np.float32).astype(getattr(ml_dtypes, dtype))
    found = load(save({"x": array}))["x"]
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()


def test_without_ml_dtypes_bfloat16_is_an_error_that_says_what_to_install():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    data = save({"x": np.ones(3, dtype=ml_dtypes.bfloat16)})
    program = (
        "import sys; sys.modules['ml_dtypes'] = None\n"
        "import holotensor, holotensor.numpy\n"
        "data = sys.stdin.buffer.read()\n"
        "try: holotensor.numpy.load(data)\n"
        "except holotensor.UnsupportedDtypeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)
    assert b"BF16" in done.stdout and b"ml_dtypes" in done.stdout


def test_views_that_are_not_contiguous_are_saved_by_value():
    array = gaussian(8, 6)
    for view in (array.T, array[::2], array[:, 1:3], np.asfortranarray(array)):
        np.testing.assert_array_equal(load(save({"x": view}))["x"], view)


def test_big_endian_arrays_are_saved_by_value():
    array = np.arange(5, dtype=">f4")
    np.testing.assert_array_equal(load(save({"x": array}))["x"], array)


def test_types_that_files_do_not_have_are_refused():
    for array in (np.array(["a"]), np.array([1j]), np.array([None]), np.array(["2020"], dtype="M8[D]")):
        with pytest.raises(holotensor.UnsupportedDtypeError):
            save({"x": array})


def test_what_is_no_array_is_a_type_error():
    with pytest.raises(TypeError, match="'x'"):
        save({"x": [1, 2]})
    with pytest.raises(TypeError):
        save({1: np.zeros(2)})
    with pytest.raises(TypeError, match="metadata"):
        save({}, metadata={"a": 1})


def test_quality_is_a_cosine_or_lossless(tensors):
    assert save(tensors, quality=0.99) == save(tensors, cosine=0.99) == save(tensors, strategy="rdo", cosine=0.99)
    assert save(tensors, quality="lossless") == save(tensors, strategy="lossless")
    assert len(save(tensors, quality=0.99)) < len(save(tensors, quality=0.9999))
    assert save(tensors) == save(tensors, quality=0.9998)


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 2},
        {"quality": "balanced"},
        {"quality": 0.9, "cosine": 0.9},
        {"quality": "lossless", "strategy": "rdo"},
        {"strategy": "magic"},
        {"strategy": "lossless", "cosine": 0.9},
        {"bpw": float("nan")},
        {"rank": object()},
        {"no_such_option": 1},
        {"threads": 0},
    ],
    ids=repr,
)
def test_wrong_options_are_option_errors(tensors, options):
    with pytest.raises(holotensor.OptionError):
        save(tensors, **options)


def test_threads_do_not_change_the_bytes(tensors):
    assert save(tensors, quality=0.99, threads=1) == save(tensors, quality=0.99, threads=3)


def test_an_existing_file_is_kept_where_it_is_not_to_be_overwritten(tensors, tmp_path):
    path = tmp_path / "a.hct"
    path.write_bytes(b"mine")
    with pytest.raises(holotensor.OutputExistsError) as raised:
        save_file(tensors, path, overwrite=False)
    assert isinstance(raised.value, FileExistsError)
    assert path.read_bytes() == b"mine"


def test_an_array_is_decoded_into_its_own_memory(tensors):
    found = load(save(tensors, strategy="lossless"))["embed.weight"]
    memory = found
    while isinstance(memory, np.ndarray):
        memory = memory.base
    assert isinstance(memory.obj, bytearray) and len(memory.obj) == found.nbytes
    assert found.flags.writeable and found.flags.c_contiguous and found.flags.aligned
