"""Writes the tiny file that SafetensorsFileTest reads.

python make_safetensors.py ../resources/safetensors      (needs safetensors and torch)

Element i of a tensor of n is i * 0.5 - n // 4 for floats and i - n // 2 for signed integers;
unsigned ones start at 0.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

FLOATS = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "f8_e4m3": torch.float8_e4m3fn,
    "f8_e5m2": torch.float8_e5m2,
}
SIGNED = {"i64": torch.int64, "i32": torch.int32, "i16": torch.int16, "i8": torch.int8}
UNSIGNED = {"u64": torch.uint64, "u32": torch.uint32, "u16": torch.uint16, "u8": torch.uint8}


def main(folder):
    n = 12
    tensors = {}
    for name, dtype in FLOATS.items():
        tensors[name] = (torch.arange(n) * 0.5 - n // 4).reshape(3, 4).to(dtype)
    for name, dtype in SIGNED.items():
        tensors[name] = (torch.arange(n) - n // 2).reshape(3, 4).to(dtype)
    for name, dtype in UNSIGNED.items():
        tensors[name] = torch.arange(n).reshape(3, 4).to(dtype)
    tensors["bool"] = (torch.arange(n) % 3 == 0).reshape(3, 4)
    tensors["scalar"] = torch.tensor(7.0)
    tensors["empty"] = torch.zeros(0, 3)
    tensors["name with \"quotes\" and ünïcode"] = torch.tensor([1.0, 2.0])
    # Every value of the types that we decode ourselves, and what PyTorch makes of them.
    for name in ("f8_e4m3", "f8_e5m2"):
        every = torch.arange(256).to(torch.uint8).view(FLOATS[name])
        tensors["every." + name] = every
        tensors["every." + name + ".f32"] = every.to(torch.float32)
    save_file(tensors, folder / "types.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
