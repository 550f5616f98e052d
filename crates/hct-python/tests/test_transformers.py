"""Models of transformers, small ones made here."""

import json

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: check.sh --all")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: check.sh --all")

import holotensor
import holotensor.transformers as hct

SIZES = dict(
    vocab_size=320,
    hidden_size=64,
    num_attention_heads=4,
    num_hidden_layers=2,
    intermediate_size=128,
    max_position_embeddings=64,
)


@pytest.fixture
def llama():
    """A language model whose embedding is its head, too."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SIZES, num_key_value_heads=2, tie_word_embeddings=True)
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture
def folder(llama, tmp_path):
    hct.save_pretrained(llama, tmp_path / "llama", quality="lossless")
    return tmp_path / "llama"


def logits(model):
    with torch.no_grad():
        return model(torch.arange(40).reshape(2, 20)).logits


def test_a_model_comes_back_from_its_file(llama, folder):
    model = hct.from_pretrained(transformers.AutoModelForCausalLM, folder / "model.hct")
    assert torch.equal(logits(model.eval()), logits(llama))
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert not hasattr(model.config, "quantization_config")


def test_and_from_its_folder(llama, folder):
    model = hct.from_pretrained(transformers.LlamaForCausalLM, folder)
    assert torch.equal(logits(model.eval()), logits(llama))


def test_transformers_loads_the_folder_by_itself(llama, folder):
    config = json.loads((folder / "config.json").read_text())
    assert config["quantization_config"]["quant_method"] == "hct"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert torch.equal(logits(model.eval()), logits(llama))
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert not any(p.is_meta for p in model.parameters()) and not any(b.is_meta for b in model.buffers())


def test_loading_warns_of_nothing_and_makes_up_no_weights(llama, folder, capfd, monkeypatch):
    made = []
    empty_like = torch.empty_like
    monkeypatch.setattr(torch, "empty_like", lambda t, **o: made.append(t.shape) or empty_like(t, **o))
    transformers.AutoModelForCausalLM.from_pretrained(folder)
    written = capfd.readouterr()
    assert "corrupted" not in written.err + written.out
    # Buffers are made, no matrix is.
    assert not [shape for shape in made if len(shape) > 1]


def test_the_body_can_be_loaded_without_its_head(llama, folder):
    body = hct.from_pretrained(transformers.AutoModel, folder)
    assert torch.equal(body.embed_tokens.weight, llama.model.embed_tokens.weight)
    assert torch.equal(body.layers[1].mlp.up_proj.weight, llama.model.layers[1].mlp.up_proj.weight)


def test_a_loaded_model_can_be_saved_and_trained_as_any(folder, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    model(torch.arange(8)[None], labels=torch.arange(8)[None]).loss.backward()
    model.save_pretrained(tmp_path / "plain")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "plain")
    assert torch.equal(logits(again.eval()), logits(model.eval()))


def test_the_dtype_is_that_of_the_file_unless_given(llama, tmp_path):
    hct.save_pretrained(llama.to(torch.bfloat16), tmp_path / "short", quality="lossless")
    file = tmp_path / "short" / "model.hct"
    assert hct.from_pretrained(transformers.AutoModelForCausalLM, file).dtype == torch.bfloat16
    wide = hct.from_pretrained(transformers.AutoModelForCausalLM, file, dtype=torch.float32)
    assert wide.dtype == torch.float32


def test_the_file_is_whole_in_itself(folder, tmp_path):
    holotensor.decompress(folder / "model.hct", tmp_path / "plain")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "plain")
    assert model.config.hidden_size == 64
    assert "quantization_config" not in json.loads((tmp_path / "plain" / "config.json").read_text())


def test_a_lossy_model_is_near(llama, tmp_path):
    report = hct.save_pretrained(llama, tmp_path / "lossy", quality=0.9998)
    assert report["ratio"] > 2
    model = hct.from_pretrained(transformers.AutoModelForCausalLM, tmp_path / "lossy")
    a, b = logits(model.eval()).flatten(), logits(llama).flatten()
    assert torch.nn.functional.cosine_similarity(a, b, dim=0) > 0.999


def test_what_is_not_there_is_said(folder, tmp_path):
    with pytest.raises(FileNotFoundError):
        hct.from_pretrained(transformers.AutoModel, tmp_path / "none.hct")
    with pytest.raises(holotensor.CheckpointError, match="0 .hct files"):
        hct.from_pretrained(transformers.AutoModel, tmp_path)
    (folder / "model.hct").unlink()
    with pytest.raises(FileNotFoundError):
        transformers.AutoModelForCausalLM.from_pretrained(folder)


def test_a_folder_cannot_send_the_loader_elsewhere(folder):
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"]["file"] = "../elsewhere.hct"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(holotensor.CheckpointError, match="no .hct file"):
        transformers.AutoModelForCausalLM.from_pretrained(folder)
