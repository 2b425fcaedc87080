package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.cli.DemoResult.SchemeResult;
import dev.sinter.models.Pruning;
import dev.sinter.tensor.Sparsity;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** What {@code demo --sparse} found out: int8, and int8 pruned in several ways. */
record SparseDemo(String model, int threads, List<Outcome> outcomes) {
  /**
   * A way to prune.
   *
   * @param label for tables and JSON
   * @param pruning null for none
   */
  record Variant(String label, Pruning pruning) {}

  static final List<Variant> VARIANTS =
      List.of(
          new Variant("dense", null),
          new Variant("16x4 blocks, 50%", new Pruning(new Sparsity.Blocks(16, 4), 0.5)),
          new Variant("2:4", new Pruning(new Sparsity.NofM(2, 4), 0.5)),
          new Variant("unstructured, 50%", new Pruning(Sparsity.UNSTRUCTURED, 0.5)),
          new Variant("unstructured, 70%", new Pruning(Sparsity.UNSTRUCTURED, 0.7)));

  /**
   * How one did.
   *
   * @param layers linear layers of the encoder
   * @param sparse those that run as sparse ones, for some numbers of rows at least
   * @param explain how the first of them runs
   */
  record Outcome(String label, SchemeResult result, int layers, int sparse, String explain) {
    static Outcome of(Variant variant, Encoder encoder, SchemeResult result) {
      List<String> texts = encoder.layers().stream().map(encoder::explain).toList();
      long sparse =
          variant.pruning() == null
              ? 0
              : texts.stream().filter(t -> isSparse(t, variant.pruning().structure())).count();
      return new Outcome(variant.label(), result, texts.size(), (int) sparse, texts.getFirst());
    }

    /** Whether a matmul in an explanation is of weights in that structure. */
    private static boolean isSparse(String explain, Sparsity structure) {
      return explain
          .lines()
          .anyMatch(l -> l.startsWith("matmul ") && l.contains(" " + structure + ","));
    }
  }

  /** The speeds of a variant by those of the dense one, in the order of {@link DemoSize#ALL}. */
  List<Double> speedups(Outcome outcome) {
    List<Double> own = outcome.result().sentencesPerSecond();
    List<Double> dense = outcomes.getFirst().result().sentencesPerSecond();
    return IntStream.range(0, own.size()).mapToObj(i -> own.get(i) / dense.get(i)).toList();
  }

  void print(PrintStream out) {
    out.println(
        model + ", w8a8, linear layers pruned by magnitude in one shot, without training after it");
    out.println("(cosine to f32; speed beside dense w8a8 at batch x length), threads: " + threads);
    out.println();
    TextTable table =
        new TextTable(
            "zeros", ">cosine", ">worst", ">1x16", ">8x128", ">32x128", ">MB", ">run sparse");
    for (Outcome o : outcomes) {
      List<Double> speedups = speedups(o);
      table.row(
          o.label(),
          fixed(o.result().cosineMean(), 4),
          fixed(o.result().cosineMin(), 4),
          fixed(speedups.get(0), 2),
          fixed(speedups.get(1), 2),
          fixed(speedups.get(2), 2),
          fixed(o.result().bytes() / 1e6, 1),
          o.sparse() + " of " + o.layers());
    }
    table.print(out);
    out.println();
    out.println("How the planner decided on the first layer (--json has all it says)");
    for (Outcome o : outcomes.subList(1, outcomes.size())) {
      out.println(o.label() + ": " + decision(o.explain()));
    }
    out.flush();
  }

  /** What an explanation says of a matmul before it says what runs it. */
  static String decision(String explain) {
    List<String> lines = explain.lines().map(String::strip).toList();
    int matmul = 0;
    while (matmul < lines.size() && !lines.get(matmul).startsWith("matmul ")) {
      matmul++;
    }
    return matmul + 1 < lines.size() ? lines.get(matmul + 1) : explain.strip();
  }

  ObjectNode toJson() {
    ObjectNode json = Json.object().put("model", model).put("threads", threads);
    json.put("scheme", "w8a8");
    ArrayNode list = json.putArray("sparse");
    for (Outcome o : outcomes) {
      ObjectNode node = list.addObject().put("zeros", o.label());
      node.put("bytes", o.result().bytes());
      ObjectNode speeds = node.putObject("sentences_per_s");
      ObjectNode speedups = node.putObject("speed_to_dense");
      for (int i = 0; i < DemoSize.ALL.size(); i++) {
        String size = DemoSize.ALL.get(i).label();
        speeds.set(size, Json.number(o.result().sentencesPerSecond().get(i), 2));
        speedups.set(size, Json.number(speedups(o).get(i), 4));
      }
      node.set("cosine_mean", Json.number(o.result().cosineMean(), 6));
      node.set("cosine_min", Json.number(o.result().cosineMin(), 6));
      node.put("layers", o.layers()).put("layers_run_sparse", o.sparse());
      node.put("explain", o.explain());
    }
    return json;
  }

  private static String fixed(double value, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
