package dev.sinter.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import dev.sinter.tensor.RawTensor;
import dev.sinter.testing.TestRandom;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ten thousand damaged files. Each is read exactly as a second, independent parser reads it, or
 * refused with a CheckpointException; never anything else.
 *
 * <p>The two must agree on what is malformed, but for what ours alone refuses: of ONNX models,
 * everything amiss outside of the initializers (nodes, outputs, the maker's name), names of more
 * than 64 KiB.
 */
class HostileFilesTest {
  private static final int CASES = 5_000;

  // Bytes on the heap that reading a file may allocate: parsers' buffers, and a multiple of the
  // file. Off-heap memory is the tensors', whose sizes are checked against the file first.
  private static final long FIXED_BYTES = 1 << 18;
  private static final long BYTES_PER_BYTE = 64;

  // Far above what any case takes, far below what a person would wait for.
  private static final long HANG_NANOS = TimeUnit.SECONDS.toNanos(10);

  @TempDir private Path folder;

  @FunctionalInterface
  private interface Plain {
    Map<String, PlainTensor> parse(byte[] file) throws Malformed;
  }

  @Test
  @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void safetensors() throws IOException {
    byte[] file = SafetensorsBytes.resource("/safetensors/types.safetensors");
    Tally tally = run(file, SafetensorsFile::open, PlainSafetensors::parse);
    assertEquals(0, tally.stricter, "refused by ours alone");
    assertTrue(tally.accepted >= 100 && tally.refused >= 1000, tally.toString());
  }

  @Test
  @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void onnx() throws IOException {
    byte[] file = SafetensorsBytes.resource("/onnx/types.onnx");
    Tally tally = run(file, OnnxInitializers::open, PlainOnnx::parse);
    assertTrue(tally.accepted >= 100 && tally.refused >= 1000, tally.toString());
    assertTrue(tally.stricter < tally.refused / 10, tally.toString());
  }

  /** How the cases of a run went. */
  private static final class Tally {
    int accepted;
    int refused;
    int stricter;
    long slowest;
    long largest;

    @Override
    public String toString() {
      return "%d accepted, %d refused, %d of them by ours alone; at most %d ms and %d bytes"
          .formatted(accepted, refused, stricter, slowest / 1_000_000, largest);
    }
  }

  private Tally run(byte[] file, Function<Path, Checkpoint> opener, Plain plain)
      throws IOException {
    TestRandom random = new TestRandom();
    Tally tally = new Tally();
    long start = System.nanoTime();
    Path path = folder.resolve("case");
    for (int i = 0; i < CASES; i++) {
      byte[] bytes = i == 0 ? file : Mutation.of(file, random);
      Files.deleteIfExists(path);
      Files.write(path, bytes);
      check(i, bytes, path, opener, plain, tally, random);
    }
    long millis = (System.nanoTime() - start) / 1_000_000;
    System.out.println(CASES + " cases in " + millis + " ms: " + tally + " " + random);
    return tally;
  }

  private static void check(
      int index,
      byte[] bytes,
      Path path,
      Function<Path, Checkpoint> opener,
      Plain plain,
      Tally tally,
      TestRandom random) {
    String where = "case " + index + " " + random;
    Map<String, PlainTensor> ours = null;
    CheckpointException refusal = null;
    long allocated = allocated();
    long start = System.nanoTime();
    try (Checkpoint checkpoint = opener.apply(path)) {
      ours = read(checkpoint);
    } catch (CheckpointException e) {
      refusal = e;
      assertEquals(path.toString(), e.file(), where);
    } catch (Throwable t) {
      fail(where + " " + HexFormat.of().formatHex(bytes), t);
    }
    long nanos = System.nanoTime() - start;
    allocated = allocated() - allocated;
    assertTrue(nanos < HANG_NANOS, where + " took " + nanos + " ns");
    assertTrue(
        index == 0 || allocated <= FIXED_BYTES + BYTES_PER_BYTE * bytes.length,
        where + " allocated " + allocated + " bytes for a file of " + bytes.length);
    tally.slowest = Math.max(tally.slowest, index == 0 ? 0 : nanos);
    tally.largest = Math.max(tally.largest, index == 0 ? 0 : allocated);
    Map<String, PlainTensor> expected = null;
    Malformed malformed = null;
    try {
      expected = plain.parse(bytes);
    } catch (Malformed e) {
      malformed = e;
    }
    if (ours != null) {
      tally.accepted++;
      assertEquals(null, malformed, where + ": accepted, though malformed");
      assertEquals(expected, ours, where);
    } else {
      tally.refused++;
      tally.stricter += malformed == null ? 1 : 0;
      assertTrue(index > 0, where + ": " + refusal);
      assertTrue(malformed != null || refusal.tensor() == null, where + ": " + refusal);
    }
  }

  /** All tensors; null for those that are refused alone. */
  private static Map<String, PlainTensor> read(Checkpoint checkpoint) {
    Map<String, PlainTensor> tensors = new LinkedHashMap<>();
    for (String name : checkpoint.names()) {
      PlainTensor plain = null;
      try {
        RawTensor t = checkpoint.tensor(name);
        byte[] data = t.data().toArray(ValueLayout.JAVA_BYTE);
        plain = new PlainTensor(t.dtype().name(), t.shape(), data);
        assertEquals(t.dtype().name(), checkpoint.info(name).type());
      } catch (CheckpointException e) {
        assertEquals(name, e.tensor());
        assertEquals(-1, checkpoint.info(name).bytes());
      }
      tensors.put(name, plain);
    }
    if (checkpoint instanceof SafetensorsFile) {
      checkpoint
          .metadata()
          .forEach((key, text) -> tensors.put("metadata " + key, PlainTensor.metadata(text)));
    }
    return tensors;
  }

  private static long allocated() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    return threads.getThreadAllocatedBytes(Thread.currentThread().threadId());
  }
}
