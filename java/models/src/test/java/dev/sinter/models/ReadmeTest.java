package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
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

/** The example of the README is compiled and run as it stands there. */
class ReadmeTest {
  @Test
  void theExampleCompilesAndRuns(@TempDir Path folder) throws Exception {
    String readme = Files.readString(Path.of("../../README.md"));
    int start = readme.indexOf("```java\n") + "```java\n".length();
    String code = readme.substring(start, readme.indexOf("\n```", start));
    Path source = folder.resolve("Example.java");
    Files.writeString(source, code);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    String classPath = System.getProperty("java.class.path");
    int status = compiler.run(null, errors, errors, "-cp", classPath, source.toString());
    assertEquals(0, status, errors.toString(StandardCharsets.UTF_8));

    String before = System.getProperty("sinter.models.minilm");
    System.setProperty("sinter.models.minilm", TestModels.miniLmJar().toString());
    PrintStream console = System.out;
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
      Method main = loader.loadClass("Example").getDeclaredMethod("main", String[].class);
      main.setAccessible(true);
      main.invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(console);
      if (before == null) {
        System.clearProperty("sinter.models.minilm");
      } else {
        System.setProperty("sinter.models.minilm", before);
      }
    }
    assertTrue(output.toString(StandardCharsets.UTF_8).contains("runs on"), output.toString());
  }
}
