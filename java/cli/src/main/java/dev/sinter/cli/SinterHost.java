package dev.sinter.cli;

import dev.sinter.Sinter;
import dev.sinter.compress.ErrorReport;
import dev.sinter.models.EmbeddingModel;
import dev.sinter.models.ModelCatalog;
import dev.sinter.models.ModelFiles;
import dev.sinter.models.Pooling;
import dev.sinter.models.Progress;
import dev.sinter.models.Pruning;
import dev.sinter.tensor.Scheme;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The real thing behind {@link EncoderHost}. */
final class SinterHost implements EncoderHost {
  private final Sinter sinter;
  private final EngineOptions options;
  private final Map<String, ModelFiles> resolved = new HashMap<>();

  private SinterHost(Sinter sinter, EngineOptions options) {
    this.sinter = sinter;
    this.options = options;
  }

  static SinterHost open(EngineOptions options) {
    return new SinterHost(options.open(), options);
  }

  @Override
  public int threads() {
    return sinter.threads();
  }

  @Override
  public Encoder load(
      String model, Pooling pooling, Scheme scheme, Pruning pruning, Progress progress) {
    ModelFiles files;
    try {
      files = resolved.computeIfAbsent(model, m -> ModelCatalog.resolve(m, progress));
    } catch (IllegalArgumentException e) {
      throw options.wrongUsage(e);
    }
    if (pooling != null) {
      files = files.withPooling(pooling);
    }
    return new Loaded(EmbeddingModel.load(sinter, files, scheme, pruning, progress));
  }

  @Override
  public void close() {
    sinter.close();
  }

  private record Loaded(EmbeddingModel model) implements Encoder {
    @Override
    public String name() {
      return model.name();
    }

    @Override
    public long bytes() {
      return model.bytes();
    }

    @Override
    public float[][] embed(List<String> sentences) {
      return model.embed(sentences);
    }

    @Override
    public float[][] embedIds(List<int[]> tokenIds) {
      return model.embedIds(tokenIds);
    }

    @Override
    public int[] tokenize(String sentence) {
      return model.tokenize(sentence);
    }

    @Override
    public List<String> layers() {
      return model.layers();
    }

    @Override
    public String explain(String layer) {
      return model.explain(layer);
    }

    @Override
    public Map<String, ErrorReport> quantizationErrors() {
      return model.quantizationErrors();
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
