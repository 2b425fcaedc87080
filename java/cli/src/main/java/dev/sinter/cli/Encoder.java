package dev.sinter.cli;

import dev.sinter.compress.ErrorReport;
import java.util.List;
import java.util.Map;

/**
 * What the commands ask of a loaded embedding model. The methods are those of {@link
 * dev.sinter.models.EmbeddingModel}.
 */
interface Encoder extends AutoCloseable {
  String name();

  /** Bytes of all resident tensors. */
  long bytes();

  float[][] embed(List<String> sentences);

  float[][] embedIds(List<int[]> tokenIds);

  int[] tokenize(String sentence);

  List<String> layers();

  String explain(String layer);

  Map<String, ErrorReport> quantizationErrors();

  @Override
  void close();
}
