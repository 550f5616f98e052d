"""What users of safetensors know of ``safe_open``."""

import pickle

import numpy as np
import pytest

import holotensor
from holotensor import CorruptedError, safe_open
from holotensor.numpy import save_file

from conftest import COLUMNS, ROWS, gaussian


def test_keys_are_sorted_and_offset_keys_in_stored_order(file):
    with safe_open(file, framework="np") as f:
        assert f.keys() == ["embed.weight", "ids", "norm.weight", "nothing", "scale"]
        assert f.offset_keys()[0] == "ids"
        assert sorted(f.offset_keys()) == f.keys()


def test_metadata_comes_back_and_is_none_where_there_is_none(file, tensors, tmp_path):
    with safe_open(file, framework="np") as f:
        assert f.metadata() == {"format": "np"}
    save_file(tensors, tmp_path / "plain.hct")
    with safe_open(tmp_path / "plain.hct", framework="np") as f:
        assert f.metadata() is None


def test_get_tensor_gives_values_dtype_and_shape(file, tensors):
    with safe_open(file, framework="np") as f:
        for name, array in tensors.items():
            found = f.get_tensor(name)
            assert found.dtype == array.dtype and found.shape == array.shape
            np.testing.assert_array_equal(found, array)


def test_a_tensor_can_be_written_to_and_outlives_the_file(file, tensors):
    with safe_open(file, framework="np") as f:
        found = f.get_tensor("embed.weight")
    found[0, 0] = 7
    assert found[0, 0] == 7
    np.testing.assert_array_equal(found[1:], tensors["embed.weight"][1:])


def test_the_framework_is_numpy_unless_said(file):
    assert isinstance(safe_open(file).get_tensor("ids"), np.ndarray)
    assert isinstance(safe_open(file, "numpy").get_tensor("ids"), np.ndarray)


def test_an_unknown_framework_or_device_is_refused(file):
    with pytest.raises(holotensor.OptionError, match="framework"):
        safe_open(file, framework="abacus")
    with pytest.raises(holotensor.OptionError, match="device"):
        safe_open(file, framework="np", device="cuda:0")


def test_a_path_may_be_text_or_a_path_object(file):
    assert safe_open(str(file)).keys() == safe_open(file).keys()


def test_a_missing_file_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        safe_open(tmp_path / "none.hct")
    assert raised.value.filename.endswith("none.hct")


def test_a_missing_tensor_is_a_key_error_that_names_it(file):
    with safe_open(file) as f:
        for get in (f.get_tensor, f.get_slice):
            with pytest.raises(holotensor.TensorNotFoundError, match="'no.such'") as raised:
                get("no.such")
            assert isinstance(raised.value, KeyError)


def test_after_the_with_statement_the_file_is_closed(file):
    with safe_open(file) as f:
        part = f.get_slice("embed.weight")
    for use in (f.keys, f.metadata, lambda: f.get_tensor("ids"), lambda: part[0]):
        with pytest.raises(holotensor.HctError, match="closed"):
            use()


def test_a_slice_knows_its_shape_and_dtype(file):
    with safe_open(file) as f:
        part = f.get_slice("embed.weight")
        assert part.get_shape() == [ROWS, COLUMNS]
        assert part.get_dtype() == "F32"
        assert f.get_slice("ids").get_dtype() == "I64"


INDICES = [
    np.s_[:],
    np.s_[...],
    np.s_[3],
    np.s_[-1],
    np.s_[2:10],
    np.s_[-5:],
    np.s_[:-500],
    np.s_[100:100],
    np.s_[300:200],
    np.s_[:10000],
    np.s_[::7],
    np.s_[10:2:-3],
    np.s_[5::-1],
    np.s_[2:10, :3],
    np.s_[2:10, 3],
    np.s_[7, 3],
    np.s_[:, 1:4],
    np.s_[..., 2],
    np.s_[1, ...],
    np.s_[2:4, ::-1],
    np.s_[[1, 5, -1]],
    np.s_[[1, 5], 2:4],
    np.s_[()],
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_slices_are_those_of_numpy(file, tensors, index):
    with safe_open(file) as f:
        found = f.get_slice("embed.weight")[index]
    wanted = tensors["embed.weight"][index]
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found, wanted)


def test_two_lists_are_taken_one_after_the_other(file, tensors):
    with safe_open(file) as f:
        found = f.get_slice("embed.weight")[[1, 2], [3, 4, 5]]
    np.testing.assert_array_equal(found, tensors["embed.weight"][1:3, 3:6])


@pytest.mark.parametrize("index", [ROWS, -ROWS - 1, (0, COLUMNS), (0, 0, 0), (..., ...), [0, ROWS]])
def test_an_index_out_of_range_is_an_index_error(file, index):
    with safe_open(file) as f, pytest.raises(IndexError):
        f.get_slice("embed.weight")[index]


@pytest.mark.parametrize("index", ["a", 1.5, None, True, slice("a", "b")])
def test_what_is_no_index_is_a_type_error(file, index):
    with safe_open(file) as f, pytest.raises(TypeError):
        f.get_slice("embed.weight")[index]


def test_a_scalar_has_no_parts_but_itself(file):
    with safe_open(file) as f:
        assert f.get_slice("scale")[...] == 0.5
        with pytest.raises(IndexError, match="scalar"):
            f.get_slice("scale")[0]


def test_an_empty_tensor_can_be_sliced(file):
    with safe_open(file) as f:
        assert f.get_slice("nothing")[:].shape == (0, 3)
        assert f.get_slice("nothing")[:, 1].shape == (0,)


def test_a_part_of_rows_does_not_keep_them_all(file):
    with safe_open(file) as f:
        column = f.get_slice("embed.weight")[:, 1]
    assert column.base is None or column.base.nbytes <= column.nbytes


def test_a_slice_of_a_large_tensor_reads_under_a_twentieth_of_the_file(tmp_path):
    path = tmp_path / "large.hct"
    # Tiles of 2^20 weights: there are 32.
    save_file({"w": gaussian(32768, 1024), "v": gaussian(64)}, path, strategy="uniform")
    with safe_open(path) as f:
        rows = f.get_slice("w")[20000:20010]
        assert f.bytes_read < 0.05 * f.file_bytes, (f.bytes_read, f.file_bytes)
        np.testing.assert_array_equal(rows, f.get_tensor("w")[20000:20010])


def test_a_large_tensor_has_memory_of_its_own_that_can_be_written_to(tmp_path):
    # Over the size from which memory is the system's, and under it.
    large = np.arange(1 << 19, dtype=np.float32).reshape(512, 1024)
    save_file({"large": large, "small": large[:100]}, tmp_path / "a.hct", quality="lossless")
    with safe_open(tmp_path / "a.hct") as file:
        first, second = file.get_tensor("large"), file.get_tensor("large")
        rows = file.get_slice("large")[7:509]
    assert np.array_equal(first, large) and np.array_equal(rows, large[7:509])
    first[:] = -1
    assert np.array_equal(second, large)
    assert pickle.loads(pickle.dumps(second)).tobytes() == large.tobytes()


def test_damage_to_a_large_tensor_is_an_error_as_to_any(tmp_path):
    large = np.random.default_rng(1).standard_normal((1024, 1024), dtype=np.float32)
    save_file({"large": large}, tmp_path / "a.hct", quality="lossless")
    data = bytearray((tmp_path / "a.hct").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.hct").write_bytes(data)
    with safe_open(tmp_path / "a.hct") as file, pytest.raises(CorruptedError, match="large"):
        file.get_tensor("large")


def test_lossy_values_are_near_and_slices_agree_with_them(tensors, tmp_path):
    path = tmp_path / "lossy.hct"
    save_file(tensors, path, quality=0.995)
    with safe_open(path) as f:
        found = f.get_tensor("embed.weight")
        wanted = tensors["embed.weight"]
        cosine = (found * wanted).sum() / np.sqrt((found**2).sum() * (wanted**2).sum())
        assert 0.995 <= cosine < 0.999
        np.testing.assert_array_equal(f.get_slice("embed.weight")[30:33], found[30:33])
        np.testing.assert_array_equal(f.get_tensor("norm.weight"), tensors["norm.weight"])
