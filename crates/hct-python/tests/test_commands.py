"""``compress`` and the other commands, and that they are those of ``hct``."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import holotensor
from holotensor.numpy import load_file, save_file

from conftest import gaussian, write_safetensors

OPTIONS = [
    ({}, []),
    ({"quality": 0.99}, ["--cosine", "0.99"]),
    ({"bpw": 6}, ["--bpw", "6"]),
    ({"size": 120_000}, ["--size", "120000"]),
    ({"strategy": "uniform", "retention": 0.9}, ["--strategy", "uniform", "--retention", "0.9"]),
    ({"strategy": "svd", "cosine": 0.99, "rank": 8}, ["--strategy", "svd", "--cosine", "0.99", "--rank", "8"]),
    ({"quality": "lossless"}, ["--strategy", "lossless"]),
    ({"effort": "fast", "fragments": 2, "side_files": False}, ["--effort", "fast", "--fragments", "2", "--no-side-files"]),
]


@pytest.mark.parametrize("options,flags", OPTIONS, ids=[repr(o) for o, _ in OPTIONS])
def test_the_bytes_are_those_of_the_command_line(hct, checkpoint, tmp_path, options, flags):
    ours, theirs = tmp_path / "ours.hct", tmp_path / "theirs.hct"
    report = holotensor.compress(checkpoint, ours, **options)
    command = [hct, "compress", str(checkpoint), "-o", str(theirs), "--json", *flags]
    done = subprocess.run(command, capture_output=True, check=True)
    assert ours.read_bytes() == theirs.read_bytes()
    said = json.loads(done.stdout)
    assert {key: said[key] for key in report} == report


def test_reports_are_those_of_the_command_line(hct, checkpoint, tmp_path):
    path = tmp_path / "a.hct"
    holotensor.compress(checkpoint, path, quality=0.99)

    def said(*command):
        return json.loads(subprocess.run([hct, *command, "--json"], capture_output=True, check=True).stdout)

    assert holotensor.info(path) == said("info", str(path))
    assert holotensor.diff(checkpoint, path) == said("diff", str(checkpoint), str(path))
    verified = said("verify", str(path))
    assert {**holotensor.verify(path), "seconds": verified["seconds"]} == verified


def test_parts_make_the_file_that_one_run_makes(checkpoint, tmp_path):
    whole, merged = tmp_path / "whole.hct", tmp_path / "merged.hct"
    holotensor.compress(checkpoint, whole, quality=0.99)
    parts = [tmp_path / f"part-{i}.hct" for i in (1, 2)]
    for i, part in enumerate(parts):
        holotensor.compress(checkpoint, part, quality=0.99, part=(i + 1, 2))
    report = holotensor.merge(parts, merged)
    assert merged.read_bytes() == whole.read_bytes()
    assert report["parts"] == 2 and report["output_bytes"] == whole.stat().st_size
    with pytest.raises(holotensor.OutputExistsError):
        holotensor.merge(parts, merged)
    with pytest.raises(holotensor.CheckpointError, match="none of the parts"):
        holotensor.merge(parts[:1], tmp_path / "x.hct")
    with pytest.raises(holotensor.OptionError, match="I/N"):
        holotensor.compress(checkpoint, tmp_path / "x.hct", part=(3, 2))
    with pytest.raises(holotensor.CheckpointError, match="no GGUF file"):
        holotensor.compress(checkpoint, tmp_path / "x.hct", dequantize="f16")
    with pytest.raises(holotensor.OptionError, match="bf16"):
        holotensor.compress(checkpoint, tmp_path / "x.hct", dequantize="f64")
    assert not (tmp_path / "x.hct").exists()


def test_what_info_says_of_the_options_makes_the_same_bytes(checkpoint, tmp_path):
    a, b = tmp_path / "a.hct", tmp_path / "b.hct"
    scores = {"*norm*": 0.1, "*": 0.7}
    holotensor.compress(checkpoint, a, strategy="importance", importance_map=scores)
    spec = holotensor.info(a)["made_by"]["spec"]
    assert list(spec["importance_map"].items()) == list(scores.items())
    holotensor.compress(checkpoint, b, spec=spec)
    assert a.read_bytes() == b.read_bytes()


def test_a_checkpoint_comes_back_byte_for_byte(checkpoint, tmp_path):
    path = tmp_path / "a.hct"
    holotensor.compress(checkpoint, path, quality="lossless")
    written = holotensor.decompress(path, tmp_path / "back")
    files = {p.name: p.read_bytes() for p in (tmp_path / "back").iterdir()}
    assert files == {p.name: p.read_bytes() for p in checkpoint.iterdir()}
    assert written == sum(map(len, files.values()))
    assert load_file(path).keys() == {"embed.weight", "norm.weight", "ids", "scale", "nothing"}


def test_side_files_can_be_read_without_restoring(checkpoint, tmp_path):
    path = tmp_path / "a.hct"
    holotensor.compress(checkpoint, path)
    with holotensor.safe_open(path) as f:
        assert f.side_files() == {"config.json": b'{"model_type": "none"}'}
        assert f.metadata() == {"format": "pt"}


def test_what_arrays_make_can_be_restored_and_compressed_again(tensors, tmp_path):
    path = tmp_path / "a.hct"
    save_file(tensors, path, metadata={"b": "2", "a": "1"}, quality="lossless")
    holotensor.decompress(path, tmp_path / "model.safetensors")
    again = tmp_path / "again.hct"
    holotensor.compress(tmp_path / "model.safetensors", again, quality="lossless")
    assert again.read_bytes() == path.read_bytes()


def test_nothing_is_overwritten_unless_said(checkpoint, tmp_path):
    path = tmp_path / "a.hct"
    path.write_bytes(b"mine")
    with pytest.raises(holotensor.OutputExistsError):
        holotensor.compress(checkpoint, path)
    assert path.read_bytes() == b"mine"
    holotensor.compress(checkpoint, path, overwrite=True)
    with pytest.raises(holotensor.OutputExistsError):
        holotensor.decompress(path, checkpoint)


def test_the_input_is_never_replaced(checkpoint, tmp_path):
    before = (checkpoint / "model.safetensors").read_bytes()
    for output in (checkpoint / "model.safetensors", checkpoint / "config.json"):
        with pytest.raises(holotensor.OptionError, match="replace the input"):
            holotensor.compress(checkpoint, output, overwrite=True)
    assert (checkpoint / "model.safetensors").read_bytes() == before


def test_a_wrong_checkpoint_is_a_checkpoint_error(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(holotensor.CheckpointError):
        holotensor.compress(tmp_path / "model.safetensors", tmp_path / "a.hct")
    (tmp_path / "empty").mkdir()
    with pytest.raises(holotensor.CheckpointError):
        holotensor.compress(tmp_path / "empty", tmp_path / "a.hct")
    with pytest.raises(FileNotFoundError):
        holotensor.compress(tmp_path / "none", tmp_path / "a.hct")
    assert not (tmp_path / "a.hct").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"cosine": 0.9, "bpw": 4},
        {"spec": {"strategy": "rdo"}, "cosine": 0.9},
        {"spec": {"strategy": "rdo", "colour": 1}},
        {"spec": "no JSON"},
        {"size": 10},
        {"size": 10_000, "bpw": 4},
        {"plan": "plan.json", "cosine": 0.9},
        {"strategy": "calibrated"},
        {"cosine": True},
    ],
    ids=repr,
)
def test_options_that_do_not_go_together_are_option_errors(checkpoint, tmp_path, options):
    with pytest.raises(holotensor.OptionError):
        holotensor.compress(checkpoint, tmp_path / "a.hct", **options)
    assert not (tmp_path / "a.hct").exists()


def test_diff_says_how_far_models_are_apart(checkpoint, tmp_path, tensors):
    path = tmp_path / "a.hct"
    holotensor.compress(checkpoint, path, quality=0.99)
    report = holotensor.diff(checkpoint, path)
    assert 0.99 <= report["matrices"]["cosine"] < 0.995
    assert [t["name"] for t in report["tensors"]] == list(tensors)
    write_safetensors(tmp_path / "other.safetensors", {"x": gaussian(4, 4)})
    with pytest.raises(holotensor.CheckpointError, match="lacks"):
        holotensor.diff(checkpoint, tmp_path / "other.safetensors")


@pytest.mark.parametrize("rows", [(10, 20), slice(10, 20), range(10, 20), slice(-502, -492)], ids=repr)
def test_extract_writes_rows_that_numpy_loads(checkpoint, tmp_path, tensors, rows):
    path, output = tmp_path / "a.hct", tmp_path / "rows.npy"
    holotensor.compress(checkpoint, path, quality="lossless")
    report = holotensor.extract(path, "embed.weight", output, rows=rows)
    assert report["shape"] == [10, 256] and report["npy_dtype"] == "<f4"
    np.testing.assert_array_equal(np.load(output), tensors["embed.weight"][10:20])
    with pytest.raises(holotensor.OutputExistsError):
        holotensor.extract(path, "embed.weight", output, rows=rows)
    with pytest.raises(holotensor.TensorNotFoundError):
        holotensor.extract(path, "nobody", output, overwrite=True)
    with pytest.raises(holotensor.OptionError):
        holotensor.extract(path, "embed.weight", tmp_path / "rows.txt")
    with pytest.raises(holotensor.OptionError):
        holotensor.extract(path, "embed.weight", tmp_path / "b.npy", rows=(10, 100_000))


def test_progress_counts_all_bytes(checkpoint, tmp_path, tensors):
    calls = []
    progress = lambda done, total, tensor: calls.append((done, total, tensor))
    path = tmp_path / "a.hct"
    holotensor.compress(checkpoint, path, quality=0.99, progress=progress)
    total = sum(a.nbytes for a in tensors.values())
    assert calls[-1][:2] == (total, total)
    assert {tensor for _, _, tensor in calls} == set(tensors)
    calls.clear()
    holotensor.verify(path, progress=progress)  # Bytes as they are stored.
    assert 0 < calls[-1][0] == calls[-1][1] < total
    for run in (
        lambda: holotensor.diff(checkpoint, path, progress=progress),
        lambda: holotensor.decompress(path, tmp_path / "back", progress=progress),
    ):
        calls.clear()
        run()
        assert calls[-1][:2] == (total, total)


def test_progress_true_shows_a_bar_where_there_is_tqdm(checkpoint, tmp_path, capfd):
    pytest.importorskip("tqdm")
    holotensor.compress(checkpoint, tmp_path / "a.hct", quality=0.99, progress=True)
    assert "compressing" in capfd.readouterr().err


def test_an_exception_of_progress_stops_the_work_and_comes_out(checkpoint, tmp_path):
    class Enough(Exception):
        pass

    def progress(done, total, tensor):
        raise Enough

    with pytest.raises(Enough):
        holotensor.compress(checkpoint, tmp_path / "a.hct", progress=progress)


def test_other_threads_run_meanwhile(tmp_path):
    write_safetensors(tmp_path / "m.safetensors", {"w": gaussian(2048, 1024)})
    counted, running = 0, True

    def count():
        nonlocal counted
        while running:
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        before = counted
        begin = time.monotonic()
        holotensor.compress(tmp_path / "m.safetensors", tmp_path / "a.hct", quality=0.99)
        seconds, counts = time.monotonic() - begin, counted - before
    finally:
        running = False
        thread.join()
    assert counts > 20 * seconds, (counts, seconds)


def test_a_run_that_can_be_resumed_writes_the_same_file(tmp_path):
    # More than one batch, so that there is somewhere to stop.
    tensors = {f"w{i}": gaussian(2048, 2048, seed=i) for i in range(9)}
    write_safetensors(tmp_path / "m.safetensors", tensors)
    plain, kept, options = tmp_path / "plain.hct", tmp_path / "kept.hct", {"quality": 0.99, "effort": "fast"}
    report = holotensor.compress(tmp_path / "m.safetensors", plain, **options)

    def stop(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        holotensor.compress(tmp_path / "m.safetensors", kept, resume=True, progress=stop, **options)
    assert not kept.exists() and (tmp_path / "kept.hct.partial").is_dir()
    assert holotensor.compress(tmp_path / "m.safetensors", kept, resume=True, **options) == report
    assert kept.read_bytes() == plain.read_bytes()
    assert not (tmp_path / "kept.hct.partial").exists()
    with pytest.raises(holotensor.OptionError, match="several tries"):
        holotensor.compress(tmp_path / "m.safetensors", kept, bpw=5, resume=True, overwrite=True)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_stops_and_leaves_nothing(tmp_path):
    # More than one batch, so that there is somewhere to stop.
    tensors = {f"w{i}": gaussian(2048, 2048, seed=i) for i in range(12)}
    write_safetensors(tmp_path / "m.safetensors", tensors)
    program = (
        "import sys, holotensor\n"
        "def progress(*_):\n    print('going', flush=True)\n"
        "try: holotensor.compress(sys.argv[1], sys.argv[2], progress=progress)\n"
        "except KeyboardInterrupt: print('stopped', flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "m.safetensors"), str(tmp_path / "a.hct")]
    # Jobs in the background have it ignored, and pass that on.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heed)
    assert child.stdout.readline() == "going\n"
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=300)
    assert rest.splitlines()[-1] == "stopped"
    assert child.returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
