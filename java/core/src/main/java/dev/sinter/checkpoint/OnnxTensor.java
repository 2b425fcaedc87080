package dev.sinter.checkpoint;

import static dev.sinter.checkpoint.OnnxFormat.LOCATION_EXTERNAL;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_DATA_LOCATION;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_DATA_TYPE;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_DIMS;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_FLOAT_DATA;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_INT32_DATA;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_INT64_DATA;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_NAME;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_RAW_DATA;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_SEGMENT;

import com.google.protobuf.WireFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One initializer: its values, or the reason why they cannot be had.
 *
 * @param tensor null if {@code refusal} is not
 * @param info type and shape, also of a refused one
 * @param offset where its message starts
 */
record OnnxTensor(String name, RawTensor tensor, TensorInfo info, long offset, String refusal) {
  private static final long ALIGNMENT = 64;
  private static final int MAX_RANK = 16;

  /**
   * Reads the fields of a TensorProto; its data goes into {@code arena}.
   *
   * @throws CheckpointException if type, shape and data do not agree
   */
  static OnnxTensor read(ProtoReader in, int wireType, Arena arena) {
    try (TypedValues values = new TypedValues()) {
      Parser parser = new Parser(in, arena, values);
      in.message(wireType, parser::field);
      return parser.finish();
    }
  }

  private static final class Parser {
    private final ProtoReader in;
    private final Arena arena;
    private final TypedValues values;
    private final long offset;
    private final long[] dims = new long[MAX_RANK];
    private int rank;
    private long type;
    private String name = "";
    private boolean external;
    private boolean segmented;
    private int valuesField;
    private MemorySegment raw;

    Parser(ProtoReader in, Arena arena, TypedValues values) {
      this.in = in;
      this.arena = arena;
      this.values = values;
      offset = in.offset();
    }

    boolean field(int number, int wireType) {
      switch (number) {
        case TENSOR_DIMS -> in.varints(wireType, this::dim);
        case TENSOR_DATA_TYPE -> type = in.varint(wireType);
        case TENSOR_NAME -> name = in.string(wireType);
        case TENSOR_DATA_LOCATION -> external = in.varint(wireType) == LOCATION_EXTERNAL;
        case TENSOR_RAW_DATA -> raw(wireType);
        case TENSOR_FLOAT_DATA -> floats(wireType);
        case TENSOR_INT32_DATA, TENSOR_INT64_DATA -> {
          useField(number);
          in.varints(wireType, values::addLong);
        }
        case TENSOR_SEGMENT -> {
          segmented = true;
          return false;
        }
        default -> {
          return false;
        }
      }
      return true;
    }

    private void dim(long dim) {
      if (dim < 0) {
        throw in.fail(label(), "negative dimension " + dim);
      }
      if (rank == MAX_RANK) {
        throw in.fail(label(), "more than " + MAX_RANK + " dimensions");
      }
      dims[rank++] = dim;
    }

    private void raw(int wireType) {
      int length = in.length(wireType);
      if (raw != null) {
        throw in.fail(label(), "raw_data twice");
      }
      raw = arena.allocate(length, ALIGNMENT);
      in.bytes(raw);
    }

    private void floats(int wireType) {
      useField(TENSOR_FLOAT_DATA);
      if (wireType == WireFormat.WIRETYPE_FIXED32) {
        values.addFloat(in.float32(wireType));
        return;
      }
      int length = in.length(wireType);
      if (length % Float.BYTES != 0) {
        throw in.fail(label(), "float_data of " + length + " bytes, not a multiple of 4");
      }
      in.bytes(values.add(length));
    }

    private void useField(int number) {
      if (valuesField != 0 && valuesField != number) {
        throw in.fail(label(), "values in several typed fields");
      }
      valuesField = number;
    }

    private String label() {
      return name.isEmpty() ? null : name;
    }

    private CheckpointException fail(String reason) {
      // The message has been read: its start says more than its end.
      CheckpointException here = in.fail(label(), reason);
      return new CheckpointException(here.file(), here.tensor(), offset, reason);
    }

    private OnnxTensor finish() {
      if (name.isEmpty()) {
        throw fail("an initializer without a name");
      }
      if (external) {
        return refused("its data lies in another file (external data), which is not supported");
      }
      if (segmented) {
        return refused("its data is cut into segments, which is not supported");
      }
      DType dtype = OnnxFormat.dtype(type);
      if (dtype == null) {
        return refused("data type " + OnnxFormat.typeName(type) + " is not supported");
      }
      long[] shape = Arrays.copyOf(dims, rank);
      long bytes = bytes(dtype.bytes(), shape);
      if (raw != null && valuesField != 0) {
        throw fail("values both in raw_data and in a typed field");
      }
      long actual = raw != null ? raw.byteSize() : typedCount(dtype) * dtype.bytes();
      if (actual != bytes) {
        throw fail(
            dtype
                + " "
                + Arrays.toString(shape)
                + " needs "
                + bytes
                + " bytes of data, the file"
                + " has "
                + actual);
      }
      if (raw == null) {
        raw = arena.allocate(bytes, ALIGNMENT);
        long wrong = values.convert(dtype, raw);
        if (wrong >= 0) {
          throw fail("value " + wrong + " is out of range for " + dtype);
        }
      }
      TensorInfo info = new TensorInfo(name, dtype.name(), shape, bytes);
      return new OnnxTensor(name, new RawTensor(name, dtype, shape, raw), info, offset, null);
    }

    private OnnxTensor refused(String reason) {
      DType dtype = OnnxFormat.dtype(type);
      String kind = dtype == null ? OnnxFormat.typeName(type) : dtype.name();
      long[] shape = Arrays.copyOf(dims, rank);
      bytes(1, shape); // elements can at least be counted
      TensorInfo info = new TensorInfo(name, kind, shape, -1);
      return new OnnxTensor(name, null, info, offset, reason);
    }

    private long bytes(int elementBytes, long[] shape) {
      try {
        long n = elementBytes;
        for (long d : shape) {
          n = Math.multiplyExact(n, d);
        }
        return n;
      } catch (ArithmeticException e) {
        throw fail("shape " + Arrays.toString(shape) + " has more elements than can be addressed");
      }
    }

    private long typedCount(DType dtype) {
      if (valuesField == 0) {
        return 0;
      }
      int expected =
          switch (dtype) {
            case F32 -> TENSOR_FLOAT_DATA;
            case I64 -> TENSOR_INT64_DATA;
            default -> TENSOR_INT32_DATA;
          };
      if (valuesField != expected) {
        throw fail(
            dtype
                + " values belong in field "
                + expected
                + ", the file has them in "
                + valuesField);
      }
      return values.bytes() / (dtype == DType.F32 ? Float.BYTES : Long.BYTES);
    }
  }
}
