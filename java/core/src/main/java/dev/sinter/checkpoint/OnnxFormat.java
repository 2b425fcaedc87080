package dev.sinter.checkpoint;

import dev.sinter.tensor.DType;

/** Field numbers and data types of onnx.proto (onnx/onnx, IR version 10), those that are read. */
final class OnnxFormat {
  static final int MODEL_PRODUCER_NAME = 2;
  static final int MODEL_PRODUCER_VERSION = 3;
  static final int MODEL_GRAPH = 7;
  static final int MODEL_METADATA = 14;

  static final int ENTRY_KEY = 1;
  static final int ENTRY_VALUE = 2;

  static final int GRAPH_NODE = 1;
  static final int GRAPH_INITIALIZER = 5;
  static final int GRAPH_OUTPUT = 12;

  static final int VALUE_INFO_NAME = 1;

  static final int NODE_INPUT = 1;
  static final int NODE_NAME = 3;
  static final int NODE_OP_TYPE = 4;
  static final int NODE_ATTRIBUTE = 5;

  static final int ATTRIBUTE_NAME = 1;
  static final int ATTRIBUTE_FLOAT = 2;
  static final int ATTRIBUTE_INT = 3;
  static final int ATTRIBUTE_GRAPH = 6;
  static final int ATTRIBUTE_GRAPHS = 11;

  static final int TENSOR_DIMS = 1;
  static final int TENSOR_DATA_TYPE = 2;
  static final int TENSOR_SEGMENT = 3;
  static final int TENSOR_FLOAT_DATA = 4;
  static final int TENSOR_INT32_DATA = 5;
  static final int TENSOR_INT64_DATA = 7;
  static final int TENSOR_NAME = 8;
  static final int TENSOR_RAW_DATA = 9;
  static final int TENSOR_DATA_LOCATION = 14;

  static final long LOCATION_EXTERNAL = 1;

  // TensorProto.DataType, by number.
  private static final String[] TYPE_NAMES = {
    "UNDEFINED",
    "FLOAT",
    "UINT8",
    "INT8",
    "UINT16",
    "INT16",
    "INT32",
    "INT64",
    "STRING",
    "BOOL",
    "FLOAT16",
    "DOUBLE",
    "UINT32",
    "UINT64",
    "COMPLEX64",
    "COMPLEX128",
    "BFLOAT16",
    "FLOAT8E4M3FN",
    "FLOAT8E4M3FNUZ",
    "FLOAT8E5M2",
    "FLOAT8E5M2FNUZ",
    "UINT4",
    "INT4",
    "FLOAT4E2M1"
  };

  private OnnxFormat() {}

  static String typeName(long type) {
    return type >= 0 && type < TYPE_NAMES.length ? TYPE_NAMES[(int) type] : "number " + type;
  }

  /** Null if the type is not supported. */
  static DType dtype(long type) {
    return switch (typeName(type)) {
      case "FLOAT" -> DType.F32;
      case "UINT8" -> DType.U8;
      case "INT8" -> DType.I8;
      case "INT32" -> DType.I32;
      case "INT64" -> DType.I64;
      case "FLOAT16" -> DType.F16;
      case "BFLOAT16" -> DType.BF16;
      default -> null;
    };
  }
}
