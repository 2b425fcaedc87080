"""Writes tiny decoders of every family as transformers lays them out, and what they compute.

python make_decoders.py ../resources/golden/decoders     (needs torch, transformers)
python make_decoders.py --stories FOLDER                 (prints a greedy text of stories260K-hf)

Random weights, strong enough that attention is peaked, sizes odd wherever the architecture lets
them be. One folder a model. golden.safetensors has for each case NAME the ids (NAME.ids) and the
logits behind each of them (NAME.logits), in f32 by eager attention. cases.json says which folder a
case reads and what it changes in config.json. rope.json has the inverse frequencies and the factor
of cosine and sine that ROPE_INIT_FUNCTIONS gives for a number of settings.
"""
import copy
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

TOKENS = 29
COMMON = dict(vocab_size=61, num_hidden_layers=3, intermediate_size=45, max_position_embeddings=64,
              bos_token_id=1, eos_token_id=2)

MODELS = {
    # Separate head, biases everywhere, one key and value head for three.
    "llama": (transformers.LlamaConfig, torch.float32, dict(
        hidden_size=42, num_attention_heads=3, num_key_value_heads=1, attention_bias=True,
        mlp_bias=True, tie_word_embeddings=False, rms_norm_eps=1e-5)),
    # The head size is not hidden / heads.
    "mistral": (transformers.MistralConfig, torch.bfloat16, dict(
        hidden_size=36, num_attention_heads=4, num_key_value_heads=2, head_dim=10,
        sliding_window=7)),
    # The window counts from layer 1 on.
    "qwen2": (transformers.Qwen2Config, torch.bfloat16, dict(
        hidden_size=40, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
        use_sliding_window=True, sliding_window=9, max_window_layers=1)),
    "qwen3": (transformers.Qwen3Config, torch.bfloat16, dict(
        hidden_size=36, num_attention_heads=6, num_key_value_heads=2, head_dim=14)),
    # Scores are scaled by 1 / sqrt(20), not by that of the head size; caps that matter.
    "gemma2": (transformers.Gemma2Config, torch.bfloat16, dict(
        hidden_size=40, num_attention_heads=4, num_key_value_heads=2, head_dim=12,
        query_pre_attn_scalar=20, sliding_window=6, attn_logit_softcapping=4.0,
        final_logit_softcapping=5.0)),
}

ROPES = {
    "linear": dict(rope_type="linear", factor=2.5, rope_theta=10000.0),
    "llama3": dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=16, rope_theta=500.0),
    "yarn": dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16,
                 rope_theta=1000.0, beta_fast=4.0, beta_slow=1.0),
    # 29 tokens are more than the model was made for: the frequencies are those of 29.
    "dynamic": dict(rope_type="dynamic", factor=4.0, rope_theta=10000.0),
}

# What real models have (Llama 3.2, Qwen2.5 with yarn, DeepSeek's mscale) and what is at the edge.
ROPE_SETTINGS = [
    dict(head_dim=64, rope=dict(rope_type="default", rope_theta=10000.0)),
    dict(head_dim=128, rope=dict(rope_type="linear", factor=4.0, rope_theta=1e6)),
    dict(head_dim=64, max=131072, rope=dict(
        rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=8192, rope_theta=500000.0)),
    dict(head_dim=128, max=32768, rope=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=32768, rope_theta=1e6)),
    dict(head_dim=64, max=4096, rope=dict(
        rope_type="yarn", factor=40.0, original_max_position_embeddings=4096, rope_theta=10000.0,
        mscale=0.707, mscale_all_dim=1.0, beta_fast=32.0, beta_slow=1.0)),
    dict(head_dim=64, max=4096, rope=dict(
        rope_type="yarn", factor=2.0, original_max_position_embeddings=2048, rope_theta=10000.0,
        attention_factor=1.25, truncate=False)),
    dict(head_dim=64, max=2048, seq=2048, rope=dict(
        rope_type="dynamic", factor=2.0, rope_theta=10000.0)),
    dict(head_dim=64, max=2048, seq=5000, rope=dict(
        rope_type="dynamic", factor=2.0, rope_theta=10000.0)),
]


def strong(model):
    """Random values for every parameter: norms near 1, the others large."""
    torch.manual_seed(7)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1 and "norm" in name:
                p.add_(torch.randn_like(p) * 0.2)
            elif p.dim() == 1:
                p.copy_(torch.randn_like(p) * 0.3)
            elif "embed" in name or "lm_head" in name:
                p.copy_(torch.randn_like(p))
            else:
                p.copy_(torch.randn_like(p) * 1.6 / p.shape[1] ** 0.5)


def logits(folder, config, ids):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, config=config, dtype=torch.float32, attn_implementation="eager").eval()
    stored = json.loads((folder / "config.json").read_text())["dtype"]
    if config.model_type == "gemma2" and stored == "bfloat16":
        # As the model computes when it is loaded in the type of its file.
        scale = model.model.embed_tokens.embed_scale
        scale.copy_(scale.to(torch.bfloat16).float())
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].contiguous()


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    golden, cases = {}, []

    def case(name, model, change, config, ids):
        golden[name + ".ids"] = torch.tensor(ids, dtype=torch.int32)
        golden[name + ".logits"] = logits(folder / model, config, ids)
        cases.append({"name": name, "model": model, "config": change})

    for name, (kind, dtype, sizes) in MODELS.items():
        config = kind(**{**COMMON, **sizes})
        model = transformers.AutoModelForCausalLM.from_config(config)
        strong(model)
        model.to(dtype).save_pretrained(folder / name)
        (folder / name / "generation_config.json").unlink(missing_ok=True)
        torch.manual_seed(11)
        ids = torch.randint(3, config.vocab_size, (TOKENS,)).tolist()
        case(name, name, {}, transformers.AutoConfig.from_pretrained(folder / name), ids)
        if name == "llama":
            for rope, parameters in ROPES.items():
                change = {"rope_parameters": parameters}
                if rope == "dynamic":
                    change["max_position_embeddings"] = 16
                changed = copy.deepcopy(json.loads((folder / name / "config.json").read_text()))
                changed.update(change)
                case("llama-" + rope, name, change, kind(**changed), ids)

    save_file(golden, folder / "golden.safetensors")
    (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")

    ropes = []
    for setting in ROPE_SETTINGS:
        heads = 2
        config = transformers.LlamaConfig(
            hidden_size=heads * setting["head_dim"], num_attention_heads=heads,
            max_position_embeddings=setting.get("max", 2048),
            rope_parameters=dict(setting["rope"]))
        if setting["rope"]["rope_type"] == "default":
            from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
            frequencies, factor = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
        else:
            frequencies, factor = ROPE_INIT_FUNCTIONS[setting["rope"]["rope_type"]](
                config, None, setting.get("seq"))
        ropes.append({
            "head_dim": setting["head_dim"], "max_position_embeddings": setting.get("max", 2048),
            "context": setting.get("seq", setting.get("max", 2048)),
            "rope_parameters": setting["rope"], "factor": factor,
            "inverse_frequencies": [float("%.9g" % f) for f in frequencies.tolist()]})
    (folder / "rope.json").write_text(json.dumps(ropes) + "\n")


def stories(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    prompt = "Once upon a time"
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    out = model.generate(ids, do_sample=False, max_new_tokens=120)[0].tolist()
    new = out[ids.shape[1]:]
    print(json.dumps({"prompt": prompt, "prompt_ids": ids[0].tolist(), "ids": new,
                      "text": tokenizer.decode(new)}))


if __name__ == "__main__":
    if sys.argv[1] == "--stories":
        stories(sys.argv[2])
    else:
        main(pathlib.Path(sys.argv[1]))
