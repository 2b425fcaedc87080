package dev.sinter.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.testing.NativeBuild;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Each question is put to a fresh JVM: a process loads a library once. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class NativeLibrariesTest {
  @TempDir private Path folder;

  private static ProcessBuilder jvm(List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx256m"));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LibraryProbe.class.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    for (String name : List.of("SINTER_CACHE", "SINTER_LIBRARY_SINTER", "SINTER_LIBRARY_ONEDNN")) {
      builder.environment().remove(name);
    }
    return builder;
  }

  private static List<String> lines(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    return output
        .lines()
        .filter(line -> line.startsWith(LibraryProbe.PREFIX))
        .map(line -> line.substring(LibraryProbe.PREFIX.length()))
        .toList();
  }

  private static List<String> run(ProcessBuilder jvm) throws IOException, InterruptedException {
    return lines(jvm.start());
  }

  private static String option(String name, Object value) {
    return "-Dsinter." + name + "=" + value;
  }

  private List<Path> filesInCache() throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths
          .filter(Files::isRegularFile)
          .filter(p -> !p.endsWith("native/lock"))
          .sorted()
          .toList();
    }
  }

  private Path fileInCache(String name) throws IOException {
    return filesInCache().stream()
        .filter(p -> p.getFileName().toString().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private void assertBothLoaded(String sinter, String oneDnn) throws IOException {
    assertEquals(
        NativeBuild.isOff()
            ? "Unavailable[reason=" + NativeBuild.REASON + "]"
            : "Loaded[path=" + fileInCache("libsinter.so") + "]",
        sinter);
    assertEquals("Loaded[path=" + fileInCache("libdnnl.so.3") + "]", oneDnn);
  }

  @Test
  void twoProcessesUnpackIntoAnEmptyCache() throws IOException, InterruptedException {
    ProcessBuilder jvm = jvm(List.of(option("cache", folder)), "twice");
    Process one = jvm.start();
    Process other = jvm.start();
    for (List<String> answer : List.of(lines(one), lines(other))) {
      assertEquals(5, answer.size(), answer.toString());
      assertEquals(folder.toString(), answer.get(0));
      assertBothLoaded(answer.get(1), answer.get(2));
      assertBothLoaded(answer.get(3), answer.get(4));
    }
    assertEquals(
        NativeBuild.isOff() ? 2 : 3, filesInCache().size(), "leftovers: " + filesInCache());
    assertEquals(fileInCache("libdnnl.so.3").getParent(), fileInCache("libgomp.so.1").getParent());

    for (Path file : filesInCache()) {
      Files.write(file, new byte[100]);
    }
    List<String> answer = run(jvm);
    assertBothLoaded(answer.get(1), answer.get(2));
    assertTrue(Files.size(fileInCache("libgomp.so.1")) > 100, "libgomp was not mended");
  }

  @Test
  void loadsTheFileASettingNames() throws IOException, InterruptedException {
    // oneDNN's own helper library loads, but is not libsinter.
    Path notSinter = folder.resolve("libgomp.so.1");
    try (var in =
        NativeLibraries.class.getResourceAsStream("/org/bytedeco/dnnl/linux-x86_64/libgomp.so.1")) {
      Files.copy(in, notSinter);
    }
    Path text = Files.writeString(folder.resolve("text.so"), "no library");
    Path absent = folder.resolve("absent.so");

    List<String> answer =
        run(jvm(List.of(option("library.sinter", notSinter), option("library.onednn", absent))));
    assertTrue(answer.get(1).contains(notSinter + " is not libsinter"), answer.toString());
    assertEquals(
        "Unavailable[reason=sinter.library.onednn names no file: " + absent + "]", answer.get(2));

    answer = run(jvm(List.of(option("library.sinter", absent), option("library.onednn", text))));
    assertEquals(
        "Unavailable[reason=sinter.library.sinter names no file: " + absent + "]", answer.get(1));
    assertTrue(answer.get(2).startsWith("Unavailable[reason=" + text), answer.toString());

    ProcessBuilder jvm = jvm(List.of());
    jvm.environment().put("SINTER_LIBRARY_ONEDNN", notSinter.toString());
    jvm.environment().put("SINTER_LIBRARY_SINTER", absent.toString());
    answer = run(jvm);
    assertTrue(answer.get(1).contains(absent.toString()), answer.toString());
    assertEquals("Loaded[path=" + notSinter + "]", answer.get(2));
  }

  @Test
  void findsTheCache() throws IOException, InterruptedException {
    // Nothing is unpacked, since both libraries are overridden.
    List<String> none = List.of(option("library.sinter", "none"), option("library.onednn", "none"));
    ProcessBuilder jvm = jvm(none);
    jvm.environment().remove("XDG_CACHE_HOME");
    String home = System.getProperty("user.home");
    assertEquals(home + "/.cache/sinter", run(jvm).getFirst());
    jvm.environment().put("XDG_CACHE_HOME", "relative");
    assertEquals(home + "/.cache/sinter", run(jvm).getFirst());
    jvm.environment().put("XDG_CACHE_HOME", "/xdg");
    assertEquals("/xdg/sinter", run(jvm).getFirst());
    jvm.environment().put("SINTER_CACHE", "/environment");
    assertEquals("/environment", run(jvm).getFirst());
  }

  @Test
  void isUnavailableElsewhere() throws IOException, InterruptedException {
    List<String> answer = run(jvm(List.of("-Dos.arch=aarch64", option("cache", folder))));
    String reason =
        "Unavailable[reason=there is native code for Linux on x86-64 only, not Linux on aarch64]";
    assertEquals(List.of(reason, reason), answer.subList(1, 3));
    assertEquals(List.of(), filesInCache());
  }

  @Test
  void isUnavailableWhereTheCacheCannotBeUsed() throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("file"), "");
    List<String> answer = run(jvm(List.of(option("cache", file))));
    assertTrue(answer.get(2).startsWith("Unavailable[reason="), answer.toString());
    assertTrue(answer.get(2).contains(file.toString()), answer.toString());
  }
}
