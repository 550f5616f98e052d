"""``recover``, and ``decompress`` of what is damaged."""

import json
import subprocess

import numpy as np
import pytest

import holotensor
from holotensor.numpy import load_file


@pytest.fixture
def whole(checkpoint, tmp_path):
    path = tmp_path / "whole.hct"
    holotensor.compress(checkpoint, path, quality="lossless")
    return path


@pytest.fixture
def without_index(whole, tmp_path):
    """The file, its last bytes cut off, so that it cannot be opened."""
    path = tmp_path / "cut.hct"
    path.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(holotensor.HctError):
        load_file(path)
    return path


@pytest.fixture
def damaged(whole, tmp_path):
    """The file with a bit of its largest tensor flipped."""
    path = tmp_path / "damaged.hct"
    data = bytearray(whole.read_bytes())
    # The large tensor takes nearly all of it.
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path


def test_a_file_that_has_lost_its_index_comes_back_byte_for_byte(whole, without_index, tmp_path):
    out = tmp_path / "out.hct"
    calls = []
    report = holotensor.recover(without_index, out, progress=lambda *call: calls.append(call))
    assert report["complete"] and report["lost"] == [] and report["index_fault"]
    assert report["tensors"] == 5 and report["output_bytes"] == whole.stat().st_size
    assert out.read_bytes() == whole.read_bytes()
    assert calls


def test_what_is_damaged_is_left_out_and_named(damaged, tensors, tmp_path):
    out = tmp_path / "out.hct"
    report = holotensor.recover(damaged, out)
    assert not report["complete"]
    assert [(lost["kind"], lost["name"]) for lost in report["lost"]] == [("tensor", "embed.weight")]
    found = load_file(out)
    assert found.keys() == tensors.keys() - {"embed.weight"}
    for name, array in found.items():
        np.testing.assert_array_equal(array, tensors[name])


def test_decompress_keeps_going_and_warns(damaged, tmp_path):
    with pytest.raises(holotensor.CorruptedError, match="embed.weight"):
        holotensor.decompress(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.warns(UserWarning, match="tensor 'embed.weight' is lost"):
        written = holotensor.decompress(damaged, tmp_path / "out", keep_going=True)
    files = list((tmp_path / "out").iterdir())
    assert {file.name for file in files} == {"model.safetensors", "config.json"}
    assert written == sum(file.stat().st_size for file in files)


def test_the_report_is_that_of_the_command_line(hct, damaged, tmp_path):
    ours, theirs = tmp_path / "ours.hct", tmp_path / "theirs.hct"
    report = holotensor.recover(damaged, ours)
    done = subprocess.run([hct, "recover", damaged, "-o", theirs, "--json"], capture_output=True)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert {**report, "seconds": said["seconds"]} == said
    assert ours.read_bytes() == theirs.read_bytes()


def test_what_cannot_be_done_is_an_error_and_leaves_nothing(whole, without_index, tmp_path):
    out = tmp_path / "out.hct"
    noise = tmp_path / "noise.hct"
    noise.write_bytes(b"\7" * 5000)
    with pytest.raises(holotensor.NotHctError, match="no recovery blocks"):
        holotensor.recover(noise, out)
    noise.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(holotensor.HctError):
        holotensor.recover(noise, out)
    with pytest.raises(FileNotFoundError):
        holotensor.recover(tmp_path / "none.hct", out)
    with pytest.raises(holotensor.OptionError, match="replace the input"):
        holotensor.recover(without_index, without_index, overwrite=True)
    assert not out.exists()
    out.write_bytes(b"mine")
    with pytest.raises(holotensor.OutputExistsError):
        holotensor.recover(without_index, out)
    assert out.read_bytes() == b"mine"
    assert holotensor.recover(without_index, out, overwrite=True)["complete"]
