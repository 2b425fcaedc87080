package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.tensor.Scheme;
import dev.sinter.testing.Allocation;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Once compiled, embedding token ids allocates the vectors it returns and nothing else. */
class EmbedAllocationTest {
  // Of arrays as HotSpot lays them out with compressed class pointers: a header of 16 bytes, then
  // the elements, in all a multiple of 8.
  private static final long HEADER = 16;
  private static final List<int[]> SENTENCES =
      List.of(new int[] {101, 4542, 102}, new int[] {101, 102});

  @ParameterizedTest
  @ValueSource(strings = {"f32", "w8a8"})
  void onlyTheVectorsAreAllocated(String scheme) {
    // A single worker is the caller, whose allocations can be counted.
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(1));
        EmbeddingModel model =
            EmbeddingModel.load(sinter, TestModels.miniLm(), Scheme.of(scheme), Progress.none())) {
      long references = 4L * SENTENCES.size();
      long vectors = SENTENCES.size() * (HEADER + 4L * model.dimension());
      Allocation.assertOnly(HEADER + references + vectors, scheme, () -> model.embedIds(SENTENCES));
    }
  }
}
