package dev.sinter.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.cli.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * The sizes of a decoder of the Llama family.
 *
 * @param width of the MLP
 * @param kvHeads heads of keys and values
 */
public record DecoderShape(
    int layers,
    int hidden,
    int width,
    int heads,
    int kvHeads,
    int vocabulary,
    int context,
    double theta,
    double epsilon) {

  /** From the config.json of a Hugging Face folder. */
  public static DecoderShape read(Path folder) {
    try {
      JsonNode config = Json.MAPPER.readTree(folder.resolve("config.json").toFile());
      return new DecoderShape(
          config.required("num_hidden_layers").intValue(),
          config.required("hidden_size").intValue(),
          config.required("intermediate_size").intValue(),
          config.required("num_attention_heads").intValue(),
          config.required("num_key_value_heads").intValue(),
          config.required("vocab_size").intValue(),
          config.required("max_position_embeddings").intValue(),
          config.required("rope_theta").doubleValue(),
          config.required("rms_norm_eps").doubleValue());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Elements of a head. */
  public int headDim() {
    return hidden / heads;
  }

  /** Weights of the matrices of all layers. */
  long layerWeights() {
    long attention = 2L * hidden * hidden + 2L * hidden * kvHeads * headDim();
    return layers * (attention + 3L * hidden * width);
  }

  /** Weights of the matrix that makes logits. */
  long headWeights() {
    return (long) hidden * vocabulary;
  }
}
