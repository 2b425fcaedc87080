package dev.sinter.cli;

import dev.sinter.compress.ErrorReport;
import dev.sinter.models.Pooling;
import dev.sinter.models.Progress;
import dev.sinter.models.Pruning;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparsity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Encodes a sentence as its counts of a, b, c and d; w8a8 turns the vector a little. Remembers the
 * batches it was given.
 */
final class FakeHost implements EncoderHost {
  static final int START = 101;
  static final int END = 102;

  final List<List<String>> batches = new ArrayList<>();
  Pooling pooling;
  int open;

  @Override
  public int threads() {
    return 3;
  }

  @Override
  public Encoder load(
      String model, Pooling pooling, Scheme scheme, Pruning pruning, Progress progress) {
    if (model.equals("broken")) {
      throw new IllegalStateException("layer 3: the file ends early\nsecond line");
    }
    progress.step("layer", 1, 1);
    this.pooling = pooling;
    open++;
    return new FakeEncoder(model, scheme, pruning);
  }

  @Override
  public void close() {
    if (open != 0) {
      throw new IllegalStateException(open + " encoders are still open");
    }
  }

  private final class FakeEncoder implements Encoder {
    private final String name;
    private final Scheme scheme;
    private final Pruning pruning;

    FakeEncoder(String name, Scheme scheme, Pruning pruning) {
      this.pruning = pruning;
      this.name = name;
      this.scheme = scheme;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public long bytes() {
      return scheme == Scheme.F32 ? 4_000 : 1_000;
    }

    @Override
    public float[][] embed(List<String> sentences) {
      batches.add(List.copyOf(sentences));
      return sentences.stream().map(this::encode).toArray(float[][]::new);
    }

    private float[] encode(String sentence) {
      float[] v = new float[4];
      sentence.chars().filter(c -> c >= 'a' && c <= 'd').forEach(c -> v[c - 'a']++);
      v[0] += scheme == Scheme.F32 ? 1e-5f : 0.01f;
      v[1] += pruning == null ? 0 : (float) pruning.share();
      return v;
    }

    @Override
    public float[][] embedIds(List<int[]> tokenIds) {
      return new float[tokenIds.size()][4];
    }

    @Override
    public int[] tokenize(String sentence) {
      int[] ids = new int[sentence.length() + 2];
      ids[0] = START;
      for (int i = 0; i < sentence.length(); i++) {
        ids[i + 1] = 1_000 + sentence.charAt(i);
      }
      ids[ids.length - 1] = END;
      return ids;
    }

    @Override
    public List<String> layers() {
      return List.of("l0", "l1", "l2", "l3", "l4", "l5");
    }

    @Override
    public String explain(String layer) {
      return pruning == null || !(pruning.structure() instanceof Sparsity.Blocks b)
          ? layer + " runs on fake"
          : layer + "\nmatmul 4x4 weights I8 per CHANNEL " + b + ", activations of a fake";
    }

    @Override
    public Map<String, ErrorReport> quantizationErrors() {
      Map<String, ErrorReport> errors = new LinkedHashMap<>();
      if (scheme != Scheme.F32) {
        errors.put("table", new ErrorReport(10, 0.9, 0.5));
        errors.put("exact", new ErrorReport(Double.POSITIVE_INFINITY, 1, 0));
        for (String layer : layers()) {
          errors.put(layer, new ErrorReport(40 - errors.size(), 0.99, 0.1));
        }
      }
      return errors;
    }

    @Override
    public void close() {
      open--;
    }
  }
}
