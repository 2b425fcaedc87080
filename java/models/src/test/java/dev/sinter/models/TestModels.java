package dev.sinter.models;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the tests find real models and data. */
final class TestModels {
  private TestModels() {}

  /** all-MiniLM-L6-v2 in the jar that Maven put on the test class path. */
  static ModelFiles miniLm() {
    return ModelCatalog.resolve(miniLmJar().toString(), Progress.none());
  }

  static Path miniLmJar() {
    return jarOf("all-minilm-l6-v2.onnx");
  }

  /** bge-small-en-v1.5, likewise. */
  static ModelFiles bgeSmall() {
    return ModelCatalog.resolve(jarOf("bge-small-en-v1.5.onnx").toString(), Progress.none());
  }

  private static Path jarOf(String entry) {
    URL url = TestModels.class.getClassLoader().getResource(entry);
    if (url == null) {
      throw new AssertionError(entry + " is not on the test class path");
    }
    String jar = url.toString().replaceFirst("^jar:", "").replaceFirst("!/.*$", "");
    try {
      return Path.of(new URI(jar));
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** A file in the folder {@code shared} beside the checkout. */
  static Path shared(String file) {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("shared"))) {
      folder = folder.getParent();
    }
    return folder == null ? Path.of("shared", file) : folder.resolve("shared").resolve(file);
  }
}
