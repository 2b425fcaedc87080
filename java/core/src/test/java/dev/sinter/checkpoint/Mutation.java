package dev.sinter.checkpoint;

import dev.sinter.testing.TestRandom;
import java.util.Arrays;

/** Damages a file the way that accidents and attackers do. */
final class Mutation {
  private static final int MAX_SPLICE = 64;

  // Where a signed or unsigned comparison, an addition or a multiplication turns over.
  private static final long[] LENGTHS = {
    0,
    1,
    -1,
    7,
    8,
    9,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    100_000_000,
    100_000_001,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xFFFF_FFFFL,
    0x1_0000_0000L,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  // What turns one well-formed text into another.
  private static final byte[] TELLING = {
    '{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '-', '+', '.', 'e', '0', '1', '9', 'F', 'I',
    'u'
  };

  private Mutation() {}

  /** One to three changes to a copy. */
  static byte[] of(byte[] file, TestRandom random) {
    byte[] bytes = file.clone();
    for (int i = random.integer(1, 4); i > 0 && bytes.length > 0; i--) {
      bytes = once(bytes, random);
    }
    return bytes;
  }

  private static byte[] once(byte[] bytes, TestRandom random) {
    int at = place(bytes.length, random);
    return switch (random.integer(0, 9)) {
      case 0 -> {
        bytes[at] ^= (byte) (1 << random.integer(0, 8));
        yield bytes;
      }
      case 1 -> {
        bytes[at] = (byte) random.integer(0, 256);
        yield bytes;
      }
      case 2 -> {
        bytes[at] = TELLING[random.integer(0, TELLING.length)];
        yield bytes;
      }
      case 3 -> digit(bytes, at, random);
      case 4 -> Arrays.copyOf(bytes, at);
      case 5 -> spliced(bytes, at, noise(random), at);
      case 6 -> {
        int from = place(bytes.length, random);
        int to = Math.min(bytes.length, from + random.integer(1, MAX_SPLICE));
        yield spliced(bytes, at, Arrays.copyOfRange(bytes, from, to), at);
      }
      case 7 -> {
        int end = Math.min(bytes.length, at + random.integer(1, MAX_SPLICE));
        yield spliced(bytes, at, new byte[0], end);
      }
      default -> length(bytes, at, random);
    };
  }

  /** Half of all changes fall into the first quarter, where headers are. */
  private static int place(int length, TestRandom random) {
    int limit = random.integer(0, 2) == 0 ? Math.max(1, length / 4) : length;
    return random.integer(0, limit);
  }

  /** Changes the next digit of a number in text: the file often stays well-formed. */
  private static byte[] digit(byte[] bytes, int at, TestRandom random) {
    for (int i = at; i < bytes.length; i++) {
      if (bytes[i] >= '0' && bytes[i] <= '9') {
        bytes[i] = (byte) ('0' + random.integer(0, 10));
        break;
      }
    }
    return bytes;
  }

  private static byte[] noise(TestRandom random) {
    byte[] noise = new byte[random.integer(1, MAX_SPLICE)];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (byte) random.integer(0, 256);
    }
    return noise;
  }

  /** Puts {@code middle} in place of bytes {@code from} to {@code to}. */
  private static byte[] spliced(byte[] bytes, int from, byte[] middle, int to) {
    byte[] all = Arrays.copyOf(bytes, from + middle.length + bytes.length - to);
    System.arraycopy(middle, 0, all, from, middle.length);
    System.arraycopy(bytes, to, all, from + middle.length, bytes.length - to);
    return all;
  }

  /** Overwrites what may be a length: the first 8 bytes, a varint, or 8 bytes anywhere. */
  private static byte[] length(byte[] bytes, int at, TestRandom random) {
    long value = LENGTHS[random.integer(0, LENGTHS.length)] + random.integer(-1, 2);
    int kind = random.integer(0, 3);
    if (kind == 0) {
      return spliced(bytes, at, varint(value), Math.min(bytes.length, at + 1));
    }
    int start = kind == 1 ? 0 : at;
    for (int i = 0; i < Long.BYTES && start + i < bytes.length; i++) {
      bytes[start + i] = (byte) (value >>> 8 * i);
    }
    return bytes;
  }

  private static byte[] varint(long value) {
    byte[] bytes = new byte[10];
    int n = 0;
    long left = value;
    do {
      bytes[n++] = (byte) (left & 0x7F | (left >>> 7 == 0 ? 0 : 0x80));
      left >>>= 7;
    } while (left != 0);
    return Arrays.copyOf(bytes, n);
  }
}
