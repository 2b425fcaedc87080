package dev.sinter.bench.peers;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * An ONNX model of a single node {@code y = op(x, initializers...)}, x f32 [M, K] and y f32 [M, N]
 * with any M. Field numbers are those of onnx.proto (onnx/onnx, IR version 8).
 */
final class OnnxModel {
  static final int FLOAT = 1;
  static final int UINT8 = 2;
  static final int INT8 = 3;

  private static final int IR_VERSION = 8;
  private static final int OPSET = 17;
  private static final int INT_ATTRIBUTE = 2;

  /** Writes the fields of a message. */
  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  private final String op;
  private final String domain;
  private final int k;
  private final int n;
  private final List<String> inputs = new ArrayList<>(List.of("x"));
  private final List<byte[]> initializers = new ArrayList<>();
  private final List<byte[]> attributes = new ArrayList<>();

  /**
   * @param domain of the operator; empty for ONNX's own
   */
  OnnxModel(String op, String domain, int k, int n) {
    this.op = op;
    this.domain = domain;
    this.k = k;
    this.n = n;
  }

  /** Adds an input that is constant. */
  OnnxModel initializer(String name, int type, byte[] data, long... shape) {
    inputs.add(name);
    initializers.add(
        message(
            tensor -> {
              for (long side : shape) {
                tensor.writeInt64(1, side); // dims
              }
              tensor.writeInt32(2, type); // data_type
              tensor.writeString(8, name); // name
              tensor.writeByteArray(9, data); // raw_data
            }));
    return this;
  }

  OnnxModel attribute(String name, long value) {
    attributes.add(
        message(
            attribute -> {
              attribute.writeString(1, name); // name
              attribute.writeInt64(3, value); // i
              attribute.writeInt32(20, INT_ATTRIBUTE); // type
            }));
    return this;
  }

  byte[] bytes() {
    byte[] node =
        message(
            out -> {
              for (String input : inputs) {
                out.writeString(1, input); // input
              }
              out.writeString(2, "y"); // output
              out.writeString(4, op); // op_type
              for (byte[] attribute : attributes) {
                out.writeByteArray(5, attribute); // attribute
              }
              out.writeString(7, domain); // domain
            });
    byte[] graph =
        message(
            out -> {
              out.writeByteArray(1, node); // node
              out.writeString(2, "bench"); // name
              for (byte[] initializer : initializers) {
                out.writeByteArray(5, initializer); // initializer
              }
              out.writeByteArray(11, value("x", k)); // input
              out.writeByteArray(12, value("y", n)); // output
            });
    return message(
        out -> {
          out.writeInt64(1, IR_VERSION); // ir_version
          out.writeByteArray(7, graph); // graph
          out.writeByteArray(8, opset("", OPSET)); // opset_import
          if (!domain.isEmpty()) {
            out.writeByteArray(8, opset(domain, 1));
          }
        });
  }

  private static byte[] opset(String domain, long version) {
    return message(
        out -> {
          out.writeString(1, domain); // domain
          out.writeInt64(2, version); // version
        });
  }

  private static byte[] value(String name, int columns) {
    byte[] shape =
        message(
            out -> {
              out.writeByteArray(1, message(rows -> rows.writeString(2, "M"))); // dim, dim_param
              out.writeByteArray(1, message(d -> d.writeInt64(1, columns))); // dim, dim_value
            });
    byte[] tensor =
        message(
            out -> {
              out.writeInt32(1, FLOAT); // elem_type
              out.writeByteArray(2, shape); // shape
            });
    return message(
        out -> {
          out.writeString(1, name); // name
          out.writeByteArray(2, message(type -> type.writeByteArray(1, tensor))); // type, tensor
        });
  }

  private static byte[] message(Fields fields) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      fields.write(out);
      out.flush();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
  }
}
