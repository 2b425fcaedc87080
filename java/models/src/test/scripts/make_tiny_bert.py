"""Writes a tiny BERT as transformers and sentence-transformers lay it out, and what it computes.

python make_tiny_bert.py ../resources/golden/tiny-bert      (needs torch, transformers, tokenizers)

Random weights; BertForMaskedLM, so that names start with "bert.", in bfloat16. golden.json has
token ids and the first token's last hidden state, not scaled, in float64 from the rounded weights.
"""
import json
import pathlib
import sys

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] a b c rain falls on the old town ##s ##ing . , é 中").split()
TEXTS = ["Rain falls on the old town.", "rains, RAINING; é", "a b c " * 20, ""]
MAX_LENGTH = 24


def tokenizer():
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(20)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=40, initializer_range=0.4)
    model = transformers.BertForMaskedLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # biases and norms are constant at the start
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.to(torch.bfloat16).save_pretrained(folder)
    t = tokenizer()
    t.save(str(folder / "tokenizer.json"))

    def write(name, value):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value, indent=2) + "\n")

    kinds = ["Transformer", "Pooling"]
    write("modules.json", [
        {"idx": i, "name": str(i), "path": ["", "1_Pooling"][i],
         "type": "sentence_transformers.models." + kind} for i, kind in enumerate(kinds)])
    write("1_Pooling/config.json", {
        "word_embedding_dimension": 32, "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False, "include_prompt": True})
    write("sentence_bert_config.json", {"max_seq_length": MAX_LENGTH, "do_lower_case": False})
    write("tokenizer_config.json", {
        "do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True,
        "model_max_length": 40, "tokenizer_class": "BertTokenizer"})

    exact = transformers.BertModel.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager").eval()
    golden = []
    t.enable_truncation(MAX_LENGTH)
    for text in TEXTS:
        ids = t.encode(text).ids
        with torch.no_grad():
            state = exact(torch.tensor([ids])).last_hidden_state[0, 0]
        golden.append({"text": text, "ids": ids, "embedding": [float(v) for v in state]})
    write("golden.json", golden)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
