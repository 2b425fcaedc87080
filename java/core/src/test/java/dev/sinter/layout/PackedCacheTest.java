package dev.sinter.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.runtime.WorkerPool;
import dev.sinter.testing.JavaProcess;
import dev.sinter.testing.TestRandom;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedCacheTest {
  private static final long ROOM = 1L << 30;
  private static final List<String> KEY = List.of("a model", "w4a8");

  // What is ignored on purpose here would fill the log.
  private static final Logger LOG = Logger.getLogger("dev.sinter.layout");

  @TempDir private Path scratch;

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();
  private final WorkerPool pool = new WorkerPool("packed-cache-test", 2);

  @BeforeAll
  static void quiet() {
    LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void loud() {
    LOG.setLevel(null);
  }

  @AfterEach
  void close() {
    pool.close();
    arena.close();
  }

  private PackedWeights weights(String layout, int bytes) {
    MemorySegment data = arena.allocate(bytes, 64);
    for (int i = 0; i < bytes; i++) {
      data.set(ValueLayout.JAVA_BYTE, i, (byte) random.integer(-128, 128));
    }
    return new PackedWeights(layout, data);
  }

  /** Odd sizes, and one that takes several pieces. */
  private Map<String, PackedWeights> model() {
    Map<String, PackedWeights> model = new LinkedHashMap<>();
    model.put("first \"quoted\" \u00e9", weights("rows", 1));
    model.put("second", weights("panels", 4097));
    model.put("third", weights("panels", 2 * PackedFormat.PIECE + 5));
    return model;
  }

  private PackedCache cache() {
    return new PackedCache(scratch.resolve("packed"), ROOM);
  }

  /**
   * Loads a model as a server would.
   *
   * @return how many tensors were found
   */
  private int load(PackedCache cache, List<String> key, Map<String, PackedWeights> model) {
    int found = 0;
    try (PackedModel packed = cache.open(key, pool)) {
      for (Map.Entry<String, PackedWeights> e : model.entrySet()) {
        PackedWeights right = e.getValue();
        PackedWeights had = packed.find(e.getKey(), w -> w.layout().equals(right.layout()));
        if (had == null) {
          packed.keep(e.getKey(), right);
        } else {
          found++;
          assertEquals(-1, had.data().mismatch(right.data()), e.getKey() + random);
          assertEquals(0, had.data().address() % 64);
        }
      }
      packed.finish(() -> true);
    }
    return found;
  }

  private Path onlyFile() throws IOException {
    List<Path> files = files();
    assertEquals(1, files.size(), files.toString());
    return files.getFirst();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> list = Files.list(scratch.resolve("packed"))) {
      return list.toList();
    }
  }

  @Test
  void whatIsKeptIsFound() throws IOException {
    Map<String, PackedWeights> model = model();
    assertEquals(0, load(cache(), KEY, model));
    assertEquals(3, load(cache(), KEY, model));
    assertEquals(3, load(cache(), KEY, model));
    onlyFile();
  }

  @Test
  void tellsWhereWeightsCameFrom() throws IOException {
    PackedWeights weights = weights("rows", 1000);
    try (PackedModel first = cache().open(KEY, pool)) {
      assertNull(first.find("x", _ -> true));
      first.keep("x", weights);
      assertEquals(0, first.written());
      first.finish(() -> true);
      assertTrue(first.written() >= 1000);
      assertEquals(0, first.mapped());
      assertEquals(onlyFile(), first.path());
    }
    try (PackedModel second = cache().open(KEY, pool)) {
      assertNotNull(second.find("x", _ -> true));
      second.finish(() -> true);
      assertEquals(0, second.written());
      assertEquals(1000, second.mapped());
    }
  }

  @Test
  void whatIsMissingIsWrittenWithTheRest() {
    Map<String, PackedWeights> model = model();
    load(cache(), KEY, model);
    model.put("fourth", weights("rows", 70));
    assertEquals(3, load(cache(), KEY, model));
    assertEquals(4, load(cache(), KEY, model));
    model.put("second", weights("other panels", 5000));
    assertEquals(3, load(cache(), KEY, model), "a layout that is not accepted");
    assertEquals(4, load(cache(), KEY, model));
  }

  @Test
  void anotherKeyIsAnotherModel() throws IOException {
    Map<String, PackedWeights> model = model();
    load(cache(), KEY, model);
    assertEquals(0, load(cache(), List.of("a model", "w8a8"), model));
    assertEquals(0, load(cache(), List.of("another", "w4a8"), model));
    assertEquals(3, files().size());
    // Under the wrong name, too.
    Path other = scratch.resolve("packed").resolve(cache().open(List.of("x"), pool).path());
    Files.copy(files().getFirst(), other);
    assertEquals(0, load(cache(), List.of("x"), model));
    assertEquals(3, load(cache(), List.of("x"), model));
  }

  @Test
  void truncatedFilesAreIgnoredAndWrittenAnew() throws IOException {
    Map<String, PackedWeights> model = model();
    load(cache(), KEY, model);
    byte[] whole = Files.readAllBytes(onlyFile());
    long table = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong(16);
    for (long size :
        new long[] {
          0,
          7,
          PackedFormat.HEAD_BYTES - 1,
          PackedFormat.HEAD_BYTES,
          PackedFormat.PAGE,
          PackedFormat.PAGE + 2,
          whole.length / 2,
          table - 1,
          table,
          table + 1,
          whole.length - 1
        }) {
      Files.write(onlyFile(), Arrays.copyOf(whole, (int) size));
      assertEquals(0, load(cache(), KEY, model), "of " + size + " bytes");
      assertEquals(-1, Files.mismatch(onlyFile(), write(whole)), "after " + size + " bytes");
    }
    Files.write(onlyFile(), Arrays.copyOf(whole, whole.length + 1));
    assertEquals(0, load(cache(), KEY, model), "one byte more");
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(scratch.resolve("right"), bytes);
  }

  @Test
  void flippedBitsAreIgnoredAndWrittenAnew() throws IOException {
    Map<String, PackedWeights> model = model();
    load(cache(), KEY, model);
    byte[] whole = Files.readAllBytes(onlyFile());
    int table = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong(16);
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < PackedFormat.HEAD_BYTES; i++) {
      places.add(i);
    }
    for (int i = table; i < whole.length; i += 1 + (whole.length - table) / 40) {
      places.add(i);
    }
    places.add((int) PackedFormat.PAGE);
    places.add(4 * (int) PackedFormat.PAGE + PackedFormat.PIECE + 3); // second piece of the third
    for (int place : places) {
      byte[] bad = whole.clone();
      bad[place] ^= (byte) (1 << random.integer(0, 8));
      Files.write(onlyFile(), bad);
      assertEquals(0, load(cache(), KEY, model), "flipped at " + place + random);
      assertEquals(-1, Files.mismatch(onlyFile(), write(whole)), "after " + place + random);
    }
  }

  @Test
  void otherVersionsAreIgnored() throws IOException {
    Map<String, PackedWeights> model = model();
    load(cache(), KEY, model);
    byte[] whole = Files.readAllBytes(onlyFile());
    ByteBuffer head = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
    head.putInt(8, PackedFormat.VERSION + 1);
    head.putInt(
        PackedFormat.HEAD_BYTES - 4, PackedFormat.crc(head.slice(0, PackedFormat.HEAD_BYTES - 4)));
    Files.write(onlyFile(), whole);
    assertEquals(0, load(cache(), KEY, model));
    assertEquals(3, load(cache(), KEY, model));
  }

  @Test
  void tablesThatLieAreRefused() throws IOException {
    long end = 3 * PackedFormat.PAGE;
    String entry = "{\"name\":\"x\",\"layout\":\"l\",\"offset\":%d,\"bytes\":%d,\"sums\":[%s]}";
    assertEquals(1, decode(entry.formatted(4096, 8192, "1"), end).entries().size());
    for (String bad :
        new String[] {
          entry.formatted(4096, 8193, "1"),
          entry.formatted(4096, 0, ""),
          entry.formatted(4096, -1, ""),
          entry.formatted(0, 10, "1"),
          entry.formatted(4100, 10, "1"),
          entry.formatted(Long.MAX_VALUE / 4096 * 4096, Long.MAX_VALUE, "1"),
          entry.formatted(4096, 10, "1,2"),
          entry.formatted(4096, 10, ""),
          entry.formatted(4096, 10, "99999999999"),
          entry.formatted(4096, 10, "\"1\""),
          entry.formatted(4096, 10, "1") + "," + entry.formatted(8192, 10, "1"),
          "{}",
          "[",
        }) {
      assertThrows(IOException.class, () -> decode(bad, end), bad);
    }
  }

  private static PackedFormat.Table decode(String entries, long end) throws IOException {
    String json = "{\"key\":[\"k\"],\"entries\":[" + entries + "]}";
    return PackedFormat.decode(json.getBytes(StandardCharsets.UTF_8), end);
  }

  @Test
  void aFolderThatCannotBeWrittenToKeepsNothing() throws IOException {
    Path file = Files.createFile(scratch.resolve("file"));
    Map<String, PackedWeights> model = model();
    PackedCache cache = new PackedCache(file.resolve("packed"), ROOM);
    assertEquals(0, load(cache, KEY, model));
    assertEquals(0, load(cache, KEY, model));
    assertEquals(0, Files.size(file));
  }

  @Test
  void noCacheKeepsNothing() {
    try (PackedModel none = PackedModel.none()) {
      assertNull(none.find("x", _ -> true));
      none.keep("x", weights("rows", 10));
      none.finish(() -> true);
      assertEquals(0, none.written());
      assertNull(none.path());
    }
  }

  @Test
  void weightsThatCannotBeKeptAreLeftOut() throws IOException {
    try (PackedModel packed = cache().open(KEY, pool)) {
      packed.keep("x", null);
      packed.finish(() -> true);
    }
    assertTrue(Files.notExists(scratch.resolve("packed")));
  }

  @Test
  void aCheckpointThatChangedMeanwhileIsNotKept() throws IOException {
    try (PackedModel packed = cache().open(KEY, pool)) {
      packed.keep("x", weights("rows", 10));
      packed.finish(() -> false);
      assertEquals(0, packed.written());
    }
    assertEquals(List.of(), files());
  }

  @Test
  void nothingIsLeftOfALoadThatFailed() throws IOException {
    try (PackedModel packed = cache().open(KEY, pool)) {
      packed.keep("x", weights("rows", 10));
    }
    assertEquals(List.of(), files());
  }

  @Test
  void theLeastRecentlyUsedMakeRoom() throws IOException {
    Map<String, PackedWeights> model = Map.of("x", weights("rows", 100_000));
    PackedCache cache = new PackedCache(scratch.resolve("packed"), 350_000);
    for (String name : new String[] {"a", "b", "c"}) {
      load(cache, List.of(name), model);
      FileTime past =
          FileTime.from(Instant.now().minus(Duration.ofHours(name.equals("a") ? 3 : 2)));
      Files.setLastModifiedTime(cache.open(List.of(name), pool).path(), past);
    }
    assertEquals(1, load(cache, List.of("a"), model), "used again");
    Path abandoned = Files.createFile(scratch.resolve("packed").resolve("x.packed1.tmp"));
    Files.setLastModifiedTime(abandoned, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
    Path young = Files.createFile(scratch.resolve("packed").resolve("x.packed2.tmp"));
    load(cache, List.of("d"), model);
    assertTrue(Files.notExists(abandoned));
    assertTrue(Files.exists(young));
    assertEquals(4, files().size());
    assertEquals(1, load(cache, List.of("a"), model));
    assertEquals(1, load(cache, List.of("d"), model));
  }

  @Test
  void whatExceedsTheLimitIsNotKept() throws IOException {
    PackedCache cache = new PackedCache(scratch.resolve("packed"), 100_000);
    load(cache, KEY, Map.of("x", weights("rows", 60_000), "y", weights("rows", 60_000)));
    assertEquals(List.of(), files());
    assertThrows(IllegalArgumentException.class, () -> new PackedCache(scratch, -1));
  }

  @Test
  void mappedWeightsOutliveTheirFile() throws IOException {
    PackedWeights weights = weights("rows", 100_000);
    load(cache(), KEY, Map.of("x", weights));
    PackedModel packed = cache().open(KEY, pool);
    MemorySegment data = packed.find("x", _ -> true).data();
    load(cache(), KEY, Map.of("x", weights("others", 50_000))); // renamed over
    Files.delete(onlyFile());
    assertEquals(-1, data.mismatch(weights.data()), random.toString());
    assertTrue(data.isReadOnly());
    packed.close();
    packed.close();
    assertThrows(IllegalStateException.class, () -> data.get(ValueLayout.JAVA_BYTE, 0));
  }

  /** Writes and reads the same file again and again; for a process of its own. */
  static final class Writer {
    public static void main(String[] args) throws Exception {
      write(Path.of(args[0]));
    }

    static void write(Path folder) throws Exception {
      try (Arena arena = Arena.ofShared();
          WorkerPool pool = new WorkerPool("writer", 1)) {
        MemorySegment data = arena.allocate(300_000, 64).fill((byte) 7);
        PackedCache cache = new PackedCache(folder, ROOM);
        for (int i = 0; i < 20; i++) {
          try (PackedModel packed = cache.open(KEY, pool)) {
            PackedWeights found = packed.find("x", _ -> true);
            if (found != null && found.data().mismatch(data) != -1) {
              throw new AssertionError("read what nobody wrote");
            }
            packed.keep("y" + i, new PackedWeights("rows", data));
            packed.keep("x", new PackedWeights("rows", data));
            packed.finish(() -> true);
            if (packed.written() == 0) {
              throw new AssertionError("not kept");
            }
          }
        }
      }
    }
  }

  @Test
  void threadsAndProcessesMayWriteAtOnce() throws Exception {
    Path folder = scratch.resolve("packed");
    try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Callable<Void> inside =
            () -> {
              Writer.write(folder);
              return null;
            };
        all.add(threads.submit(inside));
      }
      List<String> flags =
          List.of("--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector");
      all.add(threads.submit(() -> JavaProcess.run(flags, 120, Writer.class, folder.toString())));
      for (Future<?> one : all) {
        one.get();
      }
    }
    onlyFile();
    try (PackedModel packed = cache().open(KEY, pool)) {
      assertNotNull(packed.find("x", _ -> true));
    }
  }
}
