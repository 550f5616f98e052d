"""What users of safetensors know of ``safetensors.torch``."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: check.sh --all")

import numpy as np

import holotensor
from holotensor import safe_open
from holotensor.torch import load, load_file, load_model, save, save_file, save_model

from conftest import gaussian


def test_a_file_comes_back_as_tensors(file, tensors):
    found = load_file(file)
    assert found.keys() == tensors.keys()
    for name, array in tensors.items():
        assert torch.equal(found[name], torch.from_numpy(array))


@pytest.mark.parametrize(
    "name",
    "bool uint8 int8 int16 uint16 int32 uint32 int64 uint64 float16 bfloat16 float32 float64 complex64 "
    "float8_e4m3fn float8_e5m2 float8_e8m0fnu float8_e4m3fnuz float8_e5m2fnuz".split(),
)
def test_every_dtype_comes_back_bit_for_bit(name):
    dtype = getattr(torch, name, None)
    if dtype is None:
        pytest.skip(f"this PyTorch has no {name}")
    bits = torch.arange(64, dtype=torch.uint8) % (2 if name == "bool" else 120)
    tensor = bits.view(dtype)
    found = load(save({"x": tensor}))["x"]
    assert found.dtype == dtype and found.shape == tensor.shape
    assert torch.equal(found.view(torch.uint8), bits)


def test_numpy_and_torch_write_the_same_file(tensors):
    from holotensor.numpy import save as save_numpy

    as_torch = {name: torch.from_numpy(array) for name, array in tensors.items()}
    assert save(as_torch, quality=0.99) == save_numpy(tensors, quality=0.99)


def test_safe_open_gives_tensors_and_slices(file, tensors):
    wanted = torch.from_numpy(tensors["embed.weight"])
    with safe_open(file, framework="pt", device="cpu") as f:
        assert torch.equal(f.get_tensor("embed.weight"), wanted)
        part = f.get_slice("embed.weight")
        for index in (3, slice(2, 9), (slice(2, 9), slice(None, 4)), (..., 1), [1, 5], slice(None, None, 9)):
            assert torch.equal(part[index], wanted[index])
        assert torch.equal(part[9:2:-2, ::-1], wanted[[9, 7, 5, 3]].flip(1))
        assert part[...].dtype == torch.float32


def test_tensors_can_be_trained_on(file):
    tensor = load_file(file)["embed.weight"].requires_grad_()
    (tensor**2).sum().backward()
    assert tensor.grad is not None


def test_a_slice_keeps_only_its_own_memory(file):
    with safe_open(file, framework="pt") as f:
        part = f.get_slice("embed.weight")[:, :2]
    assert part.untyped_storage().nbytes() == part.numel() * 4


def test_tensors_that_share_memory_are_refused():
    tensor = torch.zeros(4, 4)
    for shared in ({"a": tensor, "b": tensor}, {"a": tensor[:3], "b": tensor[1:]}):
        with pytest.raises(RuntimeError, match="share memory: a, b"):
            save(shared)
    apart = {"a": tensor[:2], "b": tensor[2:]}
    assert torch.equal(load(save(apart))["b"], tensor[2:])


def test_tensors_that_are_not_contiguous_are_saved_by_value():
    tensor = torch.from_numpy(gaussian(6, 4))
    assert torch.equal(load(save({"x": tensor.t()}))["x"], tensor.t())


def test_what_is_no_dense_tensor_is_refused():
    with pytest.raises(TypeError):
        save({"x": np.zeros(3)})
    with pytest.raises(holotensor.OptionError, match="sparse"):
        save({"x": torch.eye(3).to_sparse()})


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(96, 64)
        self.norm = torch.nn.LayerNorm(64)
        self.head = torch.nn.Linear(64, 96, bias=False)
        self.head.weight = self.embed.weight


def test_tied_tensors_are_stored_once_and_loaded_tied(tmp_path):
    torch.manual_seed(0)
    model, other = Tied(), Tied()
    path = tmp_path / "a.hct"
    save_model(model, path, metadata={"by": "us"}, quality="lossless")
    with safe_open(path, framework="pt") as f:
        assert f.keys() == ["embed.weight", "norm.bias", "norm.weight"]
        assert f.metadata() == {"by": "us", "head.weight": "embed.weight"}
    missing, unexpected = load_model(other, path)
    assert (missing, unexpected) == (set(), [])
    assert torch.equal(other.head.weight, model.embed.weight)
    assert other.head.weight is other.embed.weight


def test_a_partly_shared_memory_cannot_be_saved_as_a_model(tmp_path):
    model = torch.nn.Module()
    whole = torch.zeros(4, 4)
    model.register_buffer("a", whole[:3])
    model.register_buffer("b", whole[1:])
    with pytest.raises(RuntimeError, match="a, b"):
        save_model(model, tmp_path / "a.hct")


def test_what_does_not_fit_is_an_error_unless_it_is_not_strict(tmp_path):
    path = tmp_path / "a.hct"
    save_file({"weight": torch.zeros(3, 3), "more": torch.zeros(1)}, path)
    model = torch.nn.Linear(3, 3)
    with pytest.raises(RuntimeError, match="lacks bias") as raised:
        load_model(model, path)
    assert "more" in str(raised.value)
    assert load_model(model, path, strict=False) == ({"bias"}, ["more"])
    assert not model.weight.any()
    with pytest.raises(RuntimeError, match="weight is"):
        load_model(torch.nn.Linear(2, 2), path, strict=False)


def test_loading_on_another_device_type_is_passed_on(file):
    tensors = load_file(file, device="meta")
    assert tensors["embed.weight"].device.type == "meta"
