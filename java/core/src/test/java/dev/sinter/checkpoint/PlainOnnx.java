package dev.sinter.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A second reader of the initializers of an ONNX model: takes a message apart into a list of
 * fields, then looks for those it knows by number. Slow and plain; shares no code and no library
 * with {@link OnnxInitializers}. It knows nothing of nodes, so that it does not rename linear
 * layers.
 */
final class PlainOnnx {
  /** A field's number, its wire type, and its value: a Long, or the bytes. */
  private record Field(long number, int wire, Object value) {}

  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  private final byte[] bytes;
  private int at;

  private PlainOnnx(byte[] bytes) {
    this.bytes = bytes;
  }

  /** By name; null for those whose values lie elsewhere or have a type that is not known. */
  static Map<String, PlainTensor> parse(byte[] file) throws Malformed {
    List<Field> graphs = of(fields(file), 7, BYTES);
    require(graphs.size() == 1, graphs.size() + " graphs");
    Map<String, PlainTensor> tensors = new LinkedHashMap<>();
    for (Field f : of(fields((byte[]) graphs.getFirst().value), 5, BYTES)) {
      List<Field> tensor = fields((byte[]) f.value);
      List<Field> names = of(tensor, 8, BYTES);
      require(!names.isEmpty(), "no name");
      String name = "";
      for (Field n : names) {
        name = utf8((byte[]) n.value);
      }
      require(!name.isEmpty(), "no name");
      require(!tensors.containsKey(name), "a name twice");
      tensors.put(name, tensor(tensor));
    }
    return tensors;
  }

  private static PlainTensor tensor(List<Field> fields) throws Malformed {
    long kind = last(fields, 2);
    long[] dims = varints(fields, 1).stream().mapToLong(v -> v).toArray();
    require(dims.length <= 16, "rank");
    boolean known = List.of(1L, 2L, 3L, 6L, 7L, 10L, 16L).contains(kind);
    String type =
        !known
            ? null
            : switch ((int) kind) {
              case 1 -> "F32";
              case 2 -> "U8";
              case 3 -> "I8";
              case 6 -> "I32";
              case 7 -> "I64";
              case 10 -> "F16";
              default -> "BF16";
            };
    int width =
        type == null
            ? 1
            : switch (type) {
              case "I64" -> 8;
              case "F32", "I32" -> 4;
              case "F16", "BF16" -> 2;
              default -> 1;
            };
    long size = width;
    for (long d : dims) {
      require(d >= 0, "negative");
      require(d == 0 || size <= Long.MAX_VALUE / d, "too large");
      size *= d;
    }
    List<Field> raw = of(fields, 9, BYTES);
    require(raw.size() <= 1, "raw data twice");
    List<byte[]> reals = reals(fields);
    List<Long> integers = varints(fields, 5);
    List<Long> longs = varints(fields, 7);
    boolean hasReals = has(fields, 4);
    boolean hasIntegers = has(fields, 5);
    boolean hasLongs = has(fields, 7);
    int typed = (hasReals ? 1 : 0) + (hasIntegers ? 1 : 0) + (hasLongs ? 1 : 0);
    require(typed <= 1, "several typed fields");
    if (last(fields, 14) == 1 || has(fields, 3) || type == null) {
      return null;
    }
    if (!raw.isEmpty()) {
      require(typed == 0, "raw and typed");
      byte[] data = (byte[]) raw.getFirst().value;
      require(data.length == size, "size of raw data");
      return new PlainTensor(type, dims, data);
    }
    ByteBuffer out = ByteBuffer.allocate((int) Math.min(size, 1 << 20));

    if (type.equals("F32")) {
      require(typed == 0 || hasReals, "wrong field");
      require(reals.stream().mapToLong(r -> r.length).sum() == size, "count");
      reals.forEach(out::put);
    } else {
      require(typed == 0 || (type.equals("I64") ? hasLongs : hasIntegers), "wrong field");
      List<Long> values = type.equals("I64") ? longs : integers;
      require((long) values.size() * width == size, "count");
      for (long v : values) {
        long low = type.startsWith("I") ? -1L << (8 * width - 1) : 0;
        long high = width == 8 ? Long.MAX_VALUE : low + (1L << 8 * width) - 1;
        require(v >= low && v <= high, "range");
        for (int i = 0; i < width; i++) {
          out.put((byte) (v >> 8 * i));
        }
      }
    }
    return new PlainTensor(type, dims, out.array());
  }

  private static boolean has(List<Field> fields, int number) {
    return fields.stream().anyMatch(f -> f.number == number);
  }

  /** All fields of a number, which must have this wire type. */
  private static List<Field> of(List<Field> fields, int number, int wire) throws Malformed {
    List<Field> found = fields.stream().filter(f -> f.number == number).toList();
    for (Field f : found) {
      require(f.wire == wire, "wire type");
    }
    return found;
  }

  private static long last(List<Field> fields, int number) throws Malformed {
    List<Field> found = of(fields, number, VARINT);
    return found.isEmpty() ? 0 : (Long) found.getLast().value;
  }

  /** Repeated integers, packed or not. */
  private static List<Long> varints(List<Field> fields, int number) throws Malformed {
    List<Long> values = new ArrayList<>();
    for (Field f : fields) {
      if (f.number == number && f.wire == VARINT) {
        values.add((Long) f.value);
      } else if (f.number == number) {
        require(f.wire == BYTES, "wire type");
        PlainOnnx packed = new PlainOnnx((byte[]) f.value);
        while (packed.at < packed.bytes.length) {
          values.add(packed.varint());
        }
      }
    }
    return values;
  }

  private static List<byte[]> reals(List<Field> fields) throws Malformed {
    List<byte[]> values = new ArrayList<>();
    for (Field f : fields) {
      if (f.number == 4) {
        require(f.wire == BYTES || f.wire == FIXED32, "wire type");
        byte[] value = (byte[]) f.value;
        require(value.length % 4 == 0, "float data");
        values.add(value);
      }
    }
    return values;
  }

  private static List<Field> fields(byte[] message) throws Malformed {
    PlainOnnx in = new PlainOnnx(message);
    List<Field> fields = new ArrayList<>();
    while (in.at < message.length) {
      long tag = in.varint();
      require(tag >>> 3 > 0 && tag >>> 3 < 1 << 29, "field number");
      int wire = (int) (tag & 7);
      Object value =
          switch (wire) {
            case VARINT -> in.varint();
            case FIXED64 -> in.take(8);
            case BYTES -> in.take(in.varint());
            case FIXED32 -> in.take(4);
            default -> throw new Malformed("wire type " + wire);
          };
      fields.add(new Field(tag >>> 3, wire, value));
    }
    return fields;
  }

  private byte[] take(long length) throws Malformed {
    require(length >= 0 && length <= bytes.length - at, "past the end");
    at += (int) length;
    return Arrays.copyOfRange(bytes, at - (int) length, at);
  }

  private long varint() throws Malformed {
    long value = 0;
    for (int i = 0; i < 10; i++) {
      require(at < bytes.length, "ends in a varint");
      byte b = bytes[at++];
      value |= (long) (b & 0x7F) << 7 * i;
      if (b >= 0) {
        require(i < 9 || b <= 1, "more than 64 bits");
        return value;
      }
    }
    throw new Malformed("varint too long");
  }

  private static String utf8(byte[] name) throws Malformed {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(name)).toString();
    } catch (CharacterCodingException e) {
      throw new Malformed("not UTF-8");
    }
  }

  private static void require(boolean condition, String otherwise) throws Malformed {
    if (!condition) {
      throw new Malformed(otherwise);
    }
  }
}
