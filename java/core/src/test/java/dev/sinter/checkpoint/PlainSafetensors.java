package dev.sinter.checkpoint;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A second reader of safetensors, written from the format's description alone: a whole JSON
 * document first, then its meaning; a map of the bytes that are taken instead of sorted offsets.
 * Slow and plain. It shares no code and no library with {@link SafetensorsFile}.
 */
final class PlainSafetensors {
  private static final Map<String, Integer> SIZES =
      Map.ofEntries(
          Map.entry("F64", 8),
          Map.entry("I64", 8),
          Map.entry("U64", 8),
          Map.entry("F32", 4),
          Map.entry("I32", 4),
          Map.entry("U32", 4),
          Map.entry("F16", 2),
          Map.entry("BF16", 2),
          Map.entry("I16", 2),
          Map.entry("U16", 2),
          Map.entry("F8_E4M3", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("I8", 1),
          Map.entry("U8", 1),
          Map.entry("BOOL", 1));

  private final String text;
  private int at;

  private PlainSafetensors(String text) {
    this.text = text;
  }

  static Map<String, PlainTensor> parse(byte[] file) throws Malformed {
    require(file.length >= 8, "no length");
    BigInteger length = BigInteger.ZERO;
    for (int i = 7; i >= 0; i--) {
      length = length.shiftLeft(8).add(BigInteger.valueOf(file[i] & 0xFF));
    }
    require(length.compareTo(BigInteger.valueOf(100_000_000)) <= 0, "header too long");
    require(length.compareTo(BigInteger.valueOf(file.length - 8)) <= 0, "header past the end");
    byte[] json = Arrays.copyOfRange(file, 8, 8 + length.intValue());
    byte[] data = Arrays.copyOfRange(file, 8 + length.intValue(), file.length);
    PlainSafetensors parser = new PlainSafetensors(utf8(json));
    require(parser.text.startsWith("{"), "must start with {");
    Object root = parser.value(0);
    require(parser.text.substring(parser.at).isBlank(), "something follows");
    require(parser.text.substring(parser.at).chars().allMatch(c -> c == ' '), "other blanks");
    Map<String, PlainTensor> tensors = new LinkedHashMap<>();
    int[] taken = new int[data.length];
    List<long[]> ranges = new ArrayList<>();
    for (Map.Entry<?, ?> e : ((Map<?, ?>) root).entrySet()) {
      if (e.getKey().equals("__metadata__")) {
        require(e.getValue() instanceof Map, "metadata");
        for (Map.Entry<?, ?> m : ((Map<?, ?>) e.getValue()).entrySet()) {
          require(m.getValue() instanceof String, "metadata value");
          tensors.put("metadata " + m.getKey(), PlainTensor.metadata((String) m.getValue()));
        }
      } else {
        tensors.put((String) e.getKey(), tensor(e.getValue(), data, taken, ranges));
      }
    }
    for (int t : taken) {
      require(t == 1, "a byte taken " + t + " times");
    }
    // Tensors without bytes must lie between others, not inside one.
    for (long[] empty : ranges) {
      for (long[] other : ranges) {
        require(
            empty[0] != empty[1] || empty[0] <= other[0] || empty[0] >= other[1], "inside another");
      }
    }
    return tensors;
  }

  private static PlainTensor tensor(Object json, byte[] data, int[] taken, List<long[]> ranges)
      throws Malformed {
    require(json instanceof Map, "a tensor is an object");
    Map<?, ?> map = (Map<?, ?>) json;
    require(map.size() == 3, "three members");
    require(map.get("dtype") instanceof String, "dtype");
    require(map.get("shape") instanceof List, "shape");
    require(map.get("data_offsets") instanceof List, "data_offsets");
    Integer size = SIZES.get(map.get("dtype"));
    require(size != null, "type");
    List<?> dims = (List<?>) map.get("shape");
    List<?> offsets = (List<?>) map.get("data_offsets");
    require(offsets.size() == 2, "two offsets");
    BigInteger begin = count(offsets.get(0));
    BigInteger end = count(offsets.get(1));
    BigInteger bytes = BigInteger.valueOf(size);
    long[] shape = new long[dims.size()];
    require(shape.length <= 64, "rank");
    for (int i = 0; i < shape.length; i++) {
      BigInteger dim = count(dims.get(i));
      bytes = bytes.multiply(dim);
      require(dim.bitLength() < 64 && bytes.bitLength() < 64, "too large");
      shape[i] = dim.longValue();
    }
    require(begin.compareTo(end) <= 0, "reversed");
    require(end.compareTo(BigInteger.valueOf(data.length)) <= 0, "past the end");
    require(end.subtract(begin).equals(bytes), "span");
    for (int i = begin.intValue(); i < end.intValue(); i++) {
      taken[i]++;
    }
    ranges.add(new long[] {begin.longValue(), end.longValue()});
    return new PlainTensor(
        (String) map.get("dtype"),
        shape,
        Arrays.copyOfRange(data, begin.intValue(), end.intValue()));
  }

  private static BigInteger count(Object json) throws Malformed {
    require(json instanceof Number && json instanceof BigInteger, "an integer");
    return (BigInteger) json;
  }

  private static String utf8(byte[] bytes) throws Malformed {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new Malformed("not UTF-8");
    }
  }

  private static void require(boolean condition, String otherwise) throws Malformed {
    if (!condition) {
      throw new Malformed(otherwise);
    }
  }

  // ---- JSON (RFC 8259), no key twice: objects are maps, arrays lists, integers of at least 0
  // BigIntegers, other numbers doubles; null is the string's opposite, a Void.

  private char next() throws Malformed {
    require(at < text.length(), "ends early");
    return text.charAt(at++);
  }

  private void blanks() {
    while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private Object value(int depth) throws Malformed {
    require(depth < 900, "too deep");
    blanks();
    char c = next();
    return switch (c) {
      case '{' -> object(depth);
      case '[' -> array(depth);
      case '"' -> string();
      case 't' -> word("rue", Boolean.TRUE);
      case 'f' -> word("alse", Boolean.FALSE);
      case 'n' -> word("ull", Void.TYPE);
      default -> number(c);
    };
  }

  private Object word(String rest, Object value) throws Malformed {
    require(text.startsWith(rest, at), "a word");
    at += rest.length();
    return value;
  }

  private Map<String, Object> object(int depth) throws Malformed {
    Map<String, Object> map = new HashMap<>();
    blanks();
    char c = next();
    while (c != '}') {
      require(c == '"', "a key");
      String key = string();
      blanks();
      require(next() == ':', "a colon");
      require(map.put(key, value(depth + 1)) == null, "a key twice");
      blanks();
      c = next();
      require(c == ',' || c == '}', "a comma");
      if (c == ',') {
        blanks();
        c = next();
        require(c == '"', "a key after a comma");
      }
    }
    return map;
  }

  private List<Object> array(int depth) throws Malformed {
    List<Object> list = new ArrayList<>();
    blanks();
    if (at < text.length() && text.charAt(at) == ']') {
      at++;
      return list;
    }
    while (true) {
      list.add(value(depth + 1));
      blanks();
      char c = next();
      require(c == ',' || c == ']', "a comma");
      if (c == ']') {
        return list;
      }
    }
  }

  private String string() throws Malformed {
    StringBuilder s = new StringBuilder();
    for (char c = next(); c != '"'; c = next()) {
      require(c >= ' ', "a control character");
      s.append(c == '\\' ? escape() : c);
    }
    for (int i = 0; i < s.length(); i++) {
      if (Character.isHighSurrogate(s.charAt(i))) {
        i++;
        require(i < s.length() && Character.isLowSurrogate(s.charAt(i)), "half a pair");
      } else {
        require(!Character.isLowSurrogate(s.charAt(i)), "half a pair");
      }
    }
    return s.toString();
  }

  private char escape() throws Malformed {
    char c = next();
    int plain = "\"\\/bfnrt".indexOf(c);
    if (plain >= 0) {
      return "\"\\/\b\f\n\r\t".charAt(plain);
    }
    require(c == 'u', "an escape");
    int code = 0;
    for (int i = 0; i < 4; i++) {
      char hex = next();
      int digit = hex < 128 ? Character.digit(hex, 16) : -1;
      require(digit >= 0, "a digit");
      code = code * 16 + digit;
    }
    return (char) code;
  }

  private Object number(char first) throws Malformed {
    int start = at - 1;
    while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String number = text.substring(start, at);
    require(number.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?"), "number " + first);
    return number.matches("[0-9]+") ? (Object) new BigInteger(number) : (Object) 0.5;
  }
}
