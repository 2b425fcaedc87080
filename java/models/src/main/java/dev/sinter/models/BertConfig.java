package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The sizes of a BERT encoder (Devlin et al., 2019).
 *
 * @param hidden width of the hidden states, a multiple of {@code heads}
 * @param intermediate width inside the MLP
 * @param maxPositions longest sentence in tokens
 * @param vocabulary number of token ids
 */
record BertConfig(
    int layers,
    int hidden,
    int heads,
    int intermediate,
    int maxPositions,
    int vocabulary,
    float layerNormEps) {
  private static final String WORDS = "embeddings.word_embeddings.weight";
  private static final String POSITIONS = "embeddings.position_embeddings.weight";
  private static final String TYPES = "embeddings.token_type_embeddings.weight";
  private static final Pattern LAYER = Pattern.compile("encoder\\.layer\\.(\\d{1,4})\\..*");
  private static final long ANY = -1;

  /**
   * Takes the sizes from the tensors' shapes. What shapes do not tell must be given.
   *
   * @throws CheckpointException if a tensor is missing, sizes contradict each other, or the heads
   *     do not divide the hidden size
   */
  static BertConfig infer(Checkpoint checkpoint, int heads, float layerNormEps) {
    int layers = layers(checkpoint);
    long[] words = shape(checkpoint, WORDS, ANY, ANY);
    long hidden = words[1];
    if (heads < 1 || hidden % heads != 0) {
      throw fail(checkpoint, WORDS, heads + " heads do not divide hidden size " + hidden);
    }
    long positions = shape(checkpoint, POSITIONS, ANY, hidden)[0];
    shape(checkpoint, TYPES, ANY, hidden);
    long intermediate = shape(checkpoint, layer(0) + "intermediate.dense.weight", ANY, hidden)[0];
    for (int i = 0; i < layers; i++) {
      String layer = layer(i);
      for (String square : new String[] {"self.query", "self.key", "self.value", "output.dense"}) {
        shape(checkpoint, layer + "attention." + square + ".weight", hidden, hidden);
      }
      shape(checkpoint, layer + "intermediate.dense.weight", intermediate, hidden);
      shape(checkpoint, layer + "output.dense.weight", hidden, intermediate);
    }
    return new BertConfig(
        layers,
        Math.toIntExact(hidden),
        heads,
        Math.toIntExact(intermediate),
        Math.toIntExact(positions),
        Math.toIntExact(words[0]),
        layerNormEps);
  }

  /**
   * Compares these sizes, which are the tensors', with what a config.json says.
   *
   * @throws CheckpointException naming the first that differs
   */
  void requireEqual(BertConfig stated, String file) {
    requireEqual(file, "num_hidden_layers", stated.layers, layers);
    requireEqual(file, "hidden_size", stated.hidden, hidden);
    requireEqual(file, "intermediate_size", stated.intermediate, intermediate);
    requireEqual(file, "max_position_embeddings", stated.maxPositions, maxPositions);
    requireEqual(file, "vocab_size", stated.vocabulary, vocabulary);
  }

  private static void requireEqual(String file, String setting, int stated, int found) {
    if (stated != found) {
      throw new CheckpointException(
          file,
          null,
          CheckpointException.UNKNOWN_OFFSET,
          setting + " is " + stated + ", the tensors have " + found);
    }
  }

  /** The same for sentences of at most {@code tokens} tokens, at most {@link #maxPositions}. */
  BertConfig withMaxTokens(int tokens) {
    return new BertConfig(
        layers,
        hidden,
        heads,
        intermediate,
        Math.min(maxPositions, tokens),
        vocabulary,
        layerNormEps);
  }

  private static String layer(int index) {
    return "encoder.layer." + index + ".";
  }

  private static int layers(Checkpoint checkpoint) {
    Set<Integer> found = new TreeSet<>();
    for (String name : checkpoint.names()) {
      Matcher m = LAYER.matcher(name);
      if (m.matches()) {
        found.add(Integer.valueOf(m.group(1)));
      }
    }
    int expected = 0;
    for (int index : found) {
      if (index != expected) {
        throw fail(checkpoint, null, "has " + layer(index) + "* but no " + layer(expected) + "*");
      }
      expected++;
    }
    if (expected == 0) {
      throw fail(checkpoint, null, "not a BERT encoder: it has no " + layer(0) + "*");
    }
    return expected;
  }

  /** The shape of a matrix, after checking it against the rows and columns that are not ANY. */
  private static long[] shape(Checkpoint checkpoint, String name, long rows, long columns) {
    long[] shape = checkpoint.info(name).shape();
    boolean matches =
        shape.length == 2
            && (rows == ANY ? shape[0] > 0 : shape[0] == rows)
            && (columns == ANY ? shape[1] > 0 : shape[1] == columns)
            && Math.max(shape[0], shape[1]) <= Integer.MAX_VALUE;
    if (!matches) {
      throw fail(
          checkpoint,
          name,
          "has shape "
              + Arrays.toString(shape)
              + ", expected ["
              + size(rows)
              + ", "
              + size(columns)
              + "]");
    }
    return shape;
  }

  private static String size(long size) {
    return size == ANY ? "any" : Long.toString(size);
  }

  private static CheckpointException fail(Checkpoint checkpoint, String tensor, String reason) {
    return new CheckpointException(
        checkpoint.file(), tensor, CheckpointException.UNKNOWN_OFFSET, reason);
  }
}
