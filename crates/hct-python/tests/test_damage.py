"""Files that are damaged, cut short, of another kind or of a later version."""

import struct

import numpy as np
import pytest

import holotensor
from holotensor import HctError, safe_open
from holotensor.numpy import load, load_file, save, save_file


def use(data):
    """Decodes all of it."""
    load(data)


def test_every_error_but_the_systems_is_an_hct_error():
    for name in holotensor.__all__:
        found = getattr(holotensor, name)
        if isinstance(found, type) and issubclass(found, Exception):
            assert issubclass(found, HctError)


def test_what_is_no_hct_file_is_said_to_be_none(tmp_path):
    for data in (b"", b"hello", b"x" * 4096):
        with pytest.raises(holotensor.HctError):
            use(data)
    path = tmp_path / "a.hct"
    path.write_bytes(b"x" * 4096)
    with pytest.raises(holotensor.NotHctError):
        safe_open(path)


def test_a_file_that_is_cut_short_is_an_error_wherever_that_is(tensors):
    data = save(tensors, quality=0.99)
    for end in range(0, len(data), max(1, len(data) // 50)):
        with pytest.raises(HctError):
            use(data[:end])


def test_a_flipped_bit_is_found_or_does_no_harm(tensors):
    data = bytearray(save(tensors, quality=0.99))
    found = 0
    for at in range(0, len(data), max(1, len(data) // 100)):
        data[at] ^= 0x10
        try:
            use(bytes(data))
        except HctError:
            found += 1
        data[at] ^= 0x10
    assert found > 90


def test_a_damaged_payload_is_a_corrupted_error_that_names_the_tensor(tensors, tmp_path):
    data = bytearray(save({"w": tensors["embed.weight"]}, quality=0.99))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(holotensor.CorruptedError, match='"w"'):
        use(bytes(data))


def test_verify_names_what_is_damaged(tensors, tmp_path):
    path = tmp_path / "a.hct"
    data = bytearray(save({"w": tensors["embed.weight"]}, quality=0.99))
    path.write_bytes(data)
    report = holotensor.verify(path)
    assert report["ok"] and report["tensors"] == 1 and report["failures"] == []
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    report = holotensor.verify(path)
    assert not report["ok"]
    assert [f["name"] for f in report["failures"]] == ["w"]


def test_a_later_version_is_said_to_be_one(tensors):
    data = bytearray(save(tensors, quality=0.99))
    # docs/FORMAT.md, §2: the version follows the magic of eight bytes.
    assert struct.unpack_from("<H", data, 8)[0] == 3
    struct.pack_into("<H", data, 8, 77)
    with pytest.raises(holotensor.UnsupportedVersionError, match="77"):
        use(bytes(data))


def test_a_file_on_a_base_says_that_it_needs_it(tmp_path, checkpoint):
    base = tmp_path / "base.hct"
    holotensor.compress(checkpoint, base, quality="lossless")
    delta = tmp_path / "delta.hct"
    holotensor.compress(checkpoint, delta, quality="lossless", base=base)
    assert delta.stat().st_size < base.stat().st_size / 4
    with pytest.raises(holotensor.BaseModelError, match="base"):
        safe_open(delta).get_tensor("embed.weight")
    with safe_open(delta, base=base) as with_base, safe_open(base) as alone:
        np.testing.assert_array_equal(
            with_base.get_tensor("embed.weight"), alone.get_tensor("embed.weight")
        )
    with pytest.raises(holotensor.BaseModelError):
        safe_open(base, base=delta)


def test_a_file_that_asks_for_far_more_than_its_length_is_refused_unless_allowed(tmp_path):
    path = tmp_path / "zeros.hct"
    save_file({"z": np.zeros(72 << 20, np.float32)}, path, quality="lossless")
    assert path.stat().st_size < 20_000
    with pytest.raises(holotensor.LimitError, match="z"):
        load_file(path)
    holotensor.set_max_memory(1 << 30)
    try:
        assert not load_file(path)["z"].any()
    finally:
        holotensor.set_max_memory(None)
    with pytest.raises(holotensor.LimitError):
        holotensor.decompress(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
