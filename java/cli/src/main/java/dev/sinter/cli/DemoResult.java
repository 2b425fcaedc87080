package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.compress.ErrorReport;
import java.util.List;
import java.util.Map;

/**
 * What the demo found out.
 *
 * @param worst the layers with the largest quantization error, the worst first
 * @param explain how one layer runs
 */
record DemoResult(
    String model,
    int threads,
    List<SchemeResult> schemes,
    List<Map.Entry<String, ErrorReport>> worst,
    String explain) {

  /**
   * One scheme.
   *
   * @param bytes all resident tensors
   * @param sentencesPerSecond in the order of {@link DemoSize#ALL}
   * @param cosineMean to f32, over the sentences
   */
  record SchemeResult(
      String scheme,
      long bytes,
      List<Double> sentencesPerSecond,
      double cosineMean,
      double cosineMin) {}

  ObjectNode toJson() {
    ObjectNode json = Json.object().put("model", model).put("threads", threads);
    ArrayNode list = json.putArray("schemes");
    for (SchemeResult s : schemes) {
      ObjectNode node = list.addObject().put("scheme", s.scheme()).put("bytes", s.bytes());
      ObjectNode speeds = node.putObject("sentences_per_s");
      for (int i = 0; i < DemoSize.ALL.size(); i++) {
        speeds.set(DemoSize.ALL.get(i).label(), Json.number(s.sentencesPerSecond().get(i), 2));
      }
      node.set("cosine_mean", Json.number(s.cosineMean(), 6));
      node.set("cosine_min", Json.number(s.cosineMin(), 6));
    }
    ArrayNode layers = json.putArray("worst_layers");
    for (Map.Entry<String, ErrorReport> layer : worst) {
      layers
          .addObject()
          .put("layer", layer.getKey())
          .set("sqnr_db", Json.number(layer.getValue().sqnrDb(), 2));
    }
    return json.put("explain", explain);
  }
}
