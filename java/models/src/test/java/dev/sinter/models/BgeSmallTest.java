package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.tensor.Scheme;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The true bge-small-en-v1.5: twelve layers, vectors of the first token. */
class BgeSmallTest {
  @Test
  void sizesAndPoolingAreThoseOfTheModel() {
    ModelFiles files = TestModels.bgeSmall();
    assertEquals(
        new EncoderSettings(12, 1e-12f, Integer.MAX_VALUE, Pooling.CLS, false, true),
        files.settings());
    try (Checkpoint checkpoint = files.openCheckpoint()) {
      assertEquals(
          new BertConfig(12, 384, 12, 1536, 512, 30522, 1e-12f),
          BertConfig.infer(checkpoint, 12, 1e-12f));
    }
  }

  /** Spearman x 100 on the 879 pairs; ONNX Runtime has 85.69 with the same weights. */
  @Test
  void stsBenchmarkHolds() {
    Path csv = TestModels.shared("data/stsbenchmark/sts-test.csv");
    Assumptions.assumeTrue(Files.exists(csv), "no STS benchmark beside this checkout: " + csv);
    List<StsPairs.Pair> pairs = StsPairs.read(csv);
    assertEquals(879, pairs.size());
    assertEquals(85.69, spearman(pairs, Scheme.F32), 0.05);
    double quantized = spearman(pairs, Scheme.W8A8);
    assertTrue(quantized >= 85.4, "w8a8: " + quantized);
  }

  private static double spearman(List<StsPairs.Pair> pairs, Scheme scheme) {
    float[][] vectors;
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(2));
        EmbeddingModel model =
            EmbeddingModel.load(sinter, TestModels.bgeSmall(), scheme, Progress.none())) {
      vectors = model.embed(pairs.stream().flatMap(p -> Stream.of(p.first(), p.second())).toList());
    }
    double[] cosines = new double[pairs.size()];
    for (int i = 0; i < cosines.length; i++) {
      for (int k = 0; k < vectors[0].length; k++) {
        cosines[i] += (double) vectors[2 * i][k] * vectors[2 * i + 1][k];
      }
    }
    double[] scores = pairs.stream().mapToDouble(StsPairs.Pair::score).toArray();
    return 100 * Spearman.correlation(scores, cosines);
  }
}
