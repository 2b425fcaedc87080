package dev.sinter.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EnabledOnOs(OS.LINUX)
class LibraryCacheTest {
  @TempDir private Path folder;
  private Path root;
  private URLClassLoader classPath;
  private LibraryCache cache;
  private Instant now = Instant.now();

  @BeforeEach
  void open() throws IOException {
    Path classes = Files.createDirectories(folder.resolve("classes/in"));
    Files.writeString(classes.resolve("one.so"), "first");
    Files.writeString(classes.resolve("two.so"), "second");
    root = folder.resolve("above/cache");
    classPath = new URLClassLoader(new URL[] {classes.getParent().toUri().toURL()}, null);
    cache = new LibraryCache(root, classPath, () -> now);
  }

  @AfterEach
  void close() throws IOException {
    classPath.close();
  }

  private static LibraryCache.Packed packed(String name, String content) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.US_ASCII));
      return new LibraryCache.Packed("in/" + name, HexFormat.of().formatHex(digest), "get org:it");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static final LibraryCache.Packed ONE = packed("one.so", "first");
  private static final LibraryCache.Packed TWO = packed("two.so", "second");

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void unpacksToAFolderNobodyElseMayEnter() throws IOException {
    Path path = cache.unpack(List.of(ONE, TWO));
    assertEquals(root.resolve("native/" + ONE.sha256().substring(0, 16) + "/one.so"), path);
    assertEquals("first", Files.readString(path));
    assertEquals("second", Files.readString(path.resolveSibling("two.so")));
    for (Path p = path.getParent(); !p.equals(folder); p = p.getParent()) {
      assertEquals("rwx------", permissions(p), p.toString());
    }
    try (var files = Files.list(path.getParent())) {
      assertEquals(2, files.count(), "a temporary file was left");
    }
  }

  @Test
  void keepsAGoodFileAndReplacesADamagedOne() throws IOException {
    Path path = cache.unpack(List.of(ONE, TWO));
    Object kept = Files.getAttribute(path, "unix:ino");
    for (String damage : List.of("", "firsT", "first and more")) {
      Files.writeString(path.resolveSibling("two.so"), damage);
      cache.unpack(List.of(ONE, TWO));
      assertEquals("second", Files.readString(path.resolveSibling("two.so")));
    }
    assertEquals(kept, Files.getAttribute(path, "unix:ino"), "written again");
  }

  @Test
  void sweepsFoldersThatNobodyUsedForThirtyDays() throws IOException {
    Path one = cache.unpack(List.of(ONE));
    Path other = Files.createDirectory(root.resolve("native/not one of ours"));
    now = now.plus(Duration.ofDays(20));
    Path two = cache.unpack(List.of(TWO));
    assertTrue(Files.exists(one), "swept after 20 days");
    now = now.plus(Duration.ofDays(9));
    cache.unpack(List.of(TWO));
    assertTrue(Files.exists(one), "swept after 29 days");
    cache.unpack(List.of(ONE));
    now = now.plus(Duration.ofDays(29));
    cache.unpack(List.of(TWO));
    assertTrue(Files.exists(one), "swept though used 29 days ago");
    now = now.plus(Duration.ofDays(2));
    cache.unpack(List.of(TWO));
    assertFalse(Files.exists(one.getParent()), "kept though not used for 31 days");
    assertTrue(Files.exists(two));
    assertTrue(Files.exists(other));
    now = now.plus(Duration.ofDays(1000));
    assertEquals("second", Files.readString(cache.unpack(List.of(TWO))), "swept its own");
  }

  @Test
  void sweepsWhatAKilledProcessLeft() throws IOException {
    Path one = cache.unpack(List.of(ONE));
    Path half = Files.createFile(one.resolveSibling("one.so123456.tmp"));
    Path link = one.resolveSibling(UUID.randomUUID() + "-one.so");
    Files.createLink(link, one);
    // Old by their content, but made just now.
    Files.setLastModifiedTime(one, FileTime.from(now.minus(Duration.ofDays(99))));
    cache.unpack(List.of(ONE));
    assertTrue(Files.exists(half) && Files.exists(link), "taken from a process that runs");
    now = now.plus(Duration.ofDays(2));
    cache.unpack(List.of(ONE));
    assertFalse(Files.exists(half));
    assertFalse(Files.exists(link));
    assertEquals("first", Files.readString(one));
  }

  /** Both folders are long unused, so whoever comes first sweeps that of the others. */
  @Test
  void manySweepAndUnpackAtOnce() throws Exception {
    int callers = 8;
    try (ExecutorService threads = Executors.newFixedThreadPool(callers)) {
      for (int round = 0; round < 50; round++) {
        for (LibraryCache.Packed packed : List.of(ONE, TWO)) {
          Path folder = cache.unpack(List.of(packed)).getParent();
          Files.setLastModifiedTime(folder, FileTime.from(now.minus(Duration.ofDays(99))));
        }
        CyclicBarrier start = new CyclicBarrier(callers);
        List<Future<String>> contents = new ArrayList<>();
        for (int c = 0; c < callers; c++) {
          LibraryCache.Packed mine = c % 2 == 0 ? ONE : TWO;
          contents.add(
              threads.submit(
                  () -> {
                    start.await();
                    return Files.readString(cache.unpack(List.of(mine)));
                  }));
        }
        for (int c = 0; c < callers; c++) {
          assertEquals(c % 2 == 0 ? "first" : "second", contents.get(c).get(), "round " + round);
        }
      }
    }
  }

  @Test
  void followsNoLinkInPlaceOfAFile() throws IOException {
    Path path = cache.unpack(List.of(ONE));
    Path elsewhere = Files.writeString(folder.resolve("elsewhere"), "first");
    Files.delete(path);
    Files.createSymbolicLink(path, elsewhere);
    assertThrows(IOException.class, () -> cache.unpack(List.of(ONE)));
  }

  @Test
  void refusesAnotherResourceThanThePinnedOne() {
    LibraryCache.Packed other = packed("one.so", "pinned");
    String message =
        assertThrows(IOException.class, () -> cache.unpack(List.of(other))).getMessage();
    assertTrue(message.contains("instead of " + other.sha256() + "; get org:it"), message);
    Path target = root.resolve("native/" + other.sha256().substring(0, 16) + "/one.so");
    assertFalse(Files.exists(target));
    assertEquals(0, target.getParent().toFile().list().length, "a temporary file was left");
  }

  @Test
  void saysWhatTheClassPathLacks() {
    String message =
        assertThrows(IOException.class, () -> cache.unpack(List.of(packed("three.so", ""))))
            .getMessage();
    assertEquals("in/three.so is not on the class path; get org:it", message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "native", "native/HASH"})
  void refusesAFolderOthersMayWriteTo(String level) throws IOException {
    cache.unpack(List.of(ONE));
    Path open = root.resolve(level.replace("HASH", ONE.sha256().substring(0, 16)));
    for (String mode : List.of("rwxrwx---", "rwx----w-")) {
      Files.setPosixFilePermissions(open, PosixFilePermissions.fromString(mode));
      String message =
          assertThrows(IOException.class, () -> cache.unpack(List.of(ONE))).getMessage();
      assertTrue(message.contains("writable by others"), message);
      assertTrue(message.endsWith(" " + open), message);
    }
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-xr-x"));
    cache.unpack(List.of(ONE));
  }

  @Test
  void refusesAFolderOfAnotherUser() throws IOException {
    Path foreign = Path.of("/usr");
    if (Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
      foreign = Files.createDirectory(folder.resolve("foreign"));
      Files.setAttribute(foreign, "unix:uid", 65534);
    }
    LibraryCache there = new LibraryCache(foreign, classPath, () -> now);
    String message = assertThrows(IOException.class, () -> there.unpack(List.of(ONE))).getMessage();
    assertTrue(message.startsWith(foreign + " belongs to user "), message);
    assertFalse(Files.exists(foreign.resolve("native")));
  }
}
