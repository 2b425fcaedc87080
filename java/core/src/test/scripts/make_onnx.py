"""Writes the tiny ONNX files that OnnxInitializersTest reads.

python make_onnx.py ../resources/onnx      (needs onnx and numpy)

Element i of a tensor of n is i * 0.5 - n // 4 for floats and i - n // 2 for signed integers.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper


def floats(*shape):
    n = int(np.prod(shape))
    return (np.arange(n, dtype=np.float32) * 0.5 - n // 4).reshape(shape)


def raw(name, *shape):
    return numpy_helper.from_array(floats(*shape), name)


def save(folder, name, nodes, initializers, outputs=("y",)):
    values = [helper.make_tensor_value_info(o, T.FLOAT, None) for o in outputs]
    x = helper.make_tensor_value_info("x", T.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], values, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / name).write_bytes(model.SerializeToString(deterministic=True))


def linears(folder):
    def matmul(a, b, name):
        return helper.make_node("MatMul", [a, b], [name + "_output_0"], name=name)

    def gemm(b, name, **attributes):
        return helper.make_node("Gemm", ["x", b], [name + "_output_0"], name=name, **attributes)

    body = helper.make_graph(
        [matmul("x", "onnx::MatMul_16", "/inner/MatMul")],
        "body", [], [helper.make_tensor_value_info("z", T.FLOAT, None)])
    nodes = [
        matmul("x", "onnx::MatMul_10", "/encoder/layer.0/attention/self/query/MatMul"),
        gemm("onnx::Gemm_11", "/encoder/pooler/Gemm", transB=1),
        gemm("12", "/classifier/Gemm_3"),
        gemm("onnx::Gemm_13", "/scaled/Gemm", alpha=0.5),
        # What must keep its name: two consumers, the left operand, a user's own parameter,
        # a use in a subgraph as well, a graph output, no path, two claims to one name.
        matmul("x", "onnx::MatMul_14", "/shared/a/MatMul"),
        matmul("x", "onnx::MatMul_14", "/shared/b/MatMul"),
        matmul("onnx::MatMul_15", "x", "/left/MatMul"),
        matmul("x", "onnx::MatMul_16", "/outer/MatMul"),
        helper.make_node("If", ["x"], ["y"], name="/If", then_branch=body, else_branch=body),
        matmul("x", "encoder.projection", "/encoder/MatMul"),
        matmul("x", "onnx::MatMul_17", "/result/MatMul"),
        matmul("x", "onnx::MatMul_18", "MatMul_99"),
        matmul("x", "onnx::MatMul_19", "/twice/MatMul"),
        matmul("x", "onnx::MatMul_20", "/twice/MatMul"),
        matmul("x", "onnx::MatMul_21", "/taken/MatMul"),
    ]
    initializers = [
        raw("encoder.layer.0.attention.self.query.bias", 3),
        raw("onnx::MatMul_10", 5, 3),
        raw("onnx::Gemm_11", 4, 2),
        raw("12", 2, 4),
        raw("onnx::Gemm_13", 2, 3),
        raw("onnx::MatMul_14", 2, 3),
        raw("onnx::MatMul_15", 2, 3),
        raw("onnx::MatMul_16", 2, 3),
        raw("encoder.projection", 2, 3),
        raw("onnx::MatMul_17", 2, 3),
        raw("onnx::MatMul_18", 2, 3),
        raw("onnx::MatMul_19", 2, 3),
        raw("onnx::MatMul_20", 2, 3),
        raw("onnx::MatMul_21", 2, 3),
        raw("taken.weight", 3, 2),
    ]
    save(folder, "linears.onnx", nodes, initializers, ("y", "onnx::MatMul_17"))


def types(folder):
    values = floats(2, 6)
    signed = np.arange(12).reshape(2, 6) - 6
    bits16 = values.astype(np.float16).view(np.uint16)
    bf16 = (values.view(np.uint32) >> 16).astype(np.uint16)
    typed = [
        ("f32", T.FLOAT, values.ravel(), values),
        ("f16", T.FLOAT16, values.ravel(), bits16),
        ("bf16", T.BFLOAT16, values.ravel(), bf16),
        ("i8", T.INT8, signed.ravel(), signed.astype(np.int8)),
        ("u8", T.UINT8, signed.ravel() + 250 - 5, (signed + 250 - 5).astype(np.uint8)),
        ("i32", T.INT32, signed.ravel() * 300_000_000, (signed * 300_000_000).astype(np.int32)),
        ("i64", T.INT64, signed.ravel() * 10**18, signed * 10**18),
    ]
    initializers = []
    for name, kind, listed, stored in typed:
        initializers.append(helper.make_tensor("raw." + name, kind, [2, 6], stored.tobytes(), raw=True))
        initializers.append(helper.make_tensor("typed." + name, kind, [2, 6], listed))
    initializers.append(raw("scalar"))
    initializers.append(helper.make_tensor("empty", T.FLOAT, [0, 3], []))
    initializers.append(helper.make_tensor("double", T.DOUBLE, [2], [1.0, 2.0]))
    external = T(name="external", data_type=T.FLOAT, dims=[2], data_location=T.EXTERNAL)
    external.external_data.add(key="location", value="weights.bin")
    initializers.append(external)
    save(folder, "types.onnx", [helper.make_node("Identity", ["x"], ["y"])], initializers)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    linears(target)
    types(target)
