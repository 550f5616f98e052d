"""Sentence encoders of the package sentence-transformers, a small one made here."""

import json

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: check.sh --all")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: check.sh --all")
st = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

import holotensor
import holotensor.transformers as hct

try:
    from sentence_transformers.sentence_transformer import modules
except ImportError:  # before version 6
    from sentence_transformers import models as modules

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the cat sleeps on a warm sill shares lost much of their value".split()
SENTENCES = ["the cat sleeps on a warm sill", "shares lost much of their value"]


@pytest.fixture
def plain(tmp_path):
    """A folder as sentence-transformers writes it."""
    torch.manual_seed(0)
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=64,
        num_attention_heads=4,
        num_hidden_layers=2,
        intermediate_size=128,
        max_position_embeddings=64,
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "bert")
    word = modules.Transformer(str(tmp_path / "bert"))
    pooling = modules.Pooling(64, pooling_mode="mean")
    st.SentenceTransformer(modules=[word, pooling, modules.Normalize()]).save_pretrained(str(tmp_path / "plain"))
    return tmp_path / "plain"


def embed(model):
    return torch.as_tensor(model.encode(SENTENCES))


def test_an_encoder_comes_back_from_its_file(plain, tmp_path):
    holotensor.compress(plain, tmp_path / "a.hct", quality="lossless")
    model = hct.from_pretrained(st.SentenceTransformer, tmp_path / "a.hct", device="cpu")
    wanted = st.SentenceTransformer(str(plain), device="cpu")
    assert [type(module) for module in model] == [type(module) for module in wanted]
    assert torch.equal(embed(model), embed(wanted))
    with pytest.raises(holotensor.OptionError, match="base"):
        hct.from_pretrained(st.SentenceTransformer, tmp_path / "a.hct", base=plain)


def test_and_its_folder_is_loaded_by_sentence_transformers_itself(plain, tmp_path):
    wanted = st.SentenceTransformer(str(plain), device="cpu")
    hct.save_pretrained(wanted, tmp_path / "coded", quality="lossless")
    assert json.loads((tmp_path / "coded/config.json").read_text())["quantization_config"]["quant_method"] == "hct"
    assert torch.equal(embed(st.SentenceTransformer(str(tmp_path / "coded"), device="cpu")), embed(wanted))


def test_a_lossy_encoder_is_near(plain, tmp_path):
    wanted = st.SentenceTransformer(str(plain), device="cpu")
    holotensor.compress(plain, tmp_path / "a.hct", quality=0.9998)
    found = embed(hct.from_pretrained(st.SentenceTransformer, tmp_path / "a.hct", device="cpu"))
    assert torch.nn.functional.cosine_similarity(found, embed(wanted)).min() > 0.999
