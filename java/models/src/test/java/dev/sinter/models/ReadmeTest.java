package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of the README are compiled and run as they stand there. */
class ReadmeTest {
  private static final String FENCE = "```java\n";

  @TempDir private Path folder;

  @Test
  void theEncoderRuns() throws Exception {
    String before = System.getProperty("sinter.models.minilm");
    System.setProperty("sinter.models.minilm", TestModels.miniLmJar().toString());
    try {
      String output = run(0, "Example");
      assertTrue(output.contains("runs on"), output);
    } finally {
      if (before == null) {
        System.clearProperty("sinter.models.minilm");
      } else {
        System.setProperty("sinter.models.minilm", before);
      }
    }
  }

  @Test
  void theDecoderRuns() throws Exception {
    Path model = folder.resolve("tiny");
    SyntheticDecoder.write("tiny", 0, 0, model, Progress.none());
    assertFalse(run(1, "Story", model.toString()).isBlank());
  }

  /** Compiles and runs example {@code index} and returns what it prints. */
  private String run(int index, String name, String... args) throws Exception {
    String code = Files.readString(Path.of("../../README.md")).split(FENCE)[index + 1];
    Path source = folder.resolve(name + ".java");
    Files.writeString(source, code.substring(0, code.indexOf("\n```")));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    String classPath = System.getProperty("java.class.path");
    int status = compiler.run(null, errors, errors, "-cp", classPath, source.toString());
    assertEquals(0, status, errors.toString(StandardCharsets.UTF_8));

    PrintStream console = System.out;
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
      Method main = loader.loadClass(name).getDeclaredMethod("main", String[].class);
      main.setAccessible(true);
      main.invoke(null, (Object) args);
    } finally {
      System.setOut(console);
    }
    return output.toString(StandardCharsets.UTF_8);
  }
}
