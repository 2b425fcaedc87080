package dev.sinter.cli;

import dev.sinter.cli.DemoResult.SchemeResult;
import dev.sinter.compress.ErrorReport;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The demo's findings for a person, printed part by part as they come. */
final class DemoReport {
  private static final int SENTENCE_COLUMNS = 31;

  private final PrintStream out;

  DemoReport(PrintStream out) {
    this.out = out;
  }

  void title(String model, int threads, int sentences) {
    out.println(
        model
            + ", "
            + sentences
            + " sentences, f32 against w8a8 (int8 weights and activations), "
            + threads
            + (threads == 1 ? " thread" : " threads"));
    out.flush();
  }

  void neighbours(List<String> sentences, float[][] f32, float[][] w8a8) {
    section("Nearest neighbour of each sentence, found with w8a8");
    TextTable table = new TextTable("sentence", "nearest", ">w8a8", ">f32");
    int same = 0;
    for (int i = 0; i < sentences.size(); i++) {
      int nearest = Cosine.nearest(w8a8, i);
      same += nearest == Cosine.nearest(f32, i) ? 1 : 0;
      table.row(
          TextTable.cut(sentences.get(i), SENTENCE_COLUMNS),
          TextTable.cut(sentences.get(nearest), SENTENCE_COLUMNS),
          fixed(Cosine.of(w8a8[i], w8a8[nearest]), 3),
          fixed(Cosine.of(f32[i], f32[nearest]), 3));
    }
    table.print(out);
    out.println("f32 finds the same neighbour for " + same + " of " + sentences.size() + ".");
    out.flush();
  }

  void schemes(SchemeResult f32, SchemeResult w8a8) {
    section("f32 against w8a8 (sentences/s at batch x length; cosine to f32)");
    TextTable table = new TextTable("", ">f32", ">w8a8", ">w8a8/f32");
    table.row(
        "bytes, all tensors",
        String.format(Locale.ROOT, "%,d", f32.bytes()),
        String.format(Locale.ROOT, "%,d", w8a8.bytes()),
        fixed((double) w8a8.bytes() / f32.bytes(), 3));
    for (int i = 0; i < DemoSize.ALL.size(); i++) {
      double before = f32.sentencesPerSecond().get(i);
      double after = w8a8.sentencesPerSecond().get(i);
      table.row(
          "sentences/s " + DemoSize.ALL.get(i).label(),
          fixed(before, 1),
          fixed(after, 1),
          fixed(after / before, 2));
    }
    table.row("cosine, mean", fixed(f32.cosineMean(), 5), fixed(w8a8.cosineMean(), 5), "");
    table.row("cosine, minimum", fixed(f32.cosineMin(), 5), fixed(w8a8.cosineMin(), 5), "");
    table.print(out);
    out.flush();
  }

  void worstLayers(List<Map.Entry<String, ErrorReport>> worst) {
    section("Layers with the largest quantization error");
    TextTable table = new TextTable("layer", ">SQNR dB", ">cosine", ">max error");
    for (Map.Entry<String, ErrorReport> layer : worst) {
      ErrorReport error = layer.getValue();
      table.row(
          layer.getKey(),
          fixed(error.sqnrDb(), 2),
          fixed(error.cosine(), 6),
          String.format(Locale.ROOT, "%.3g", error.maxError()));
    }
    table.print(out);
    out.flush();
  }

  void explain(String text) {
    section("How one of them runs, and why");
    out.println(text.stripTrailing());
    out.flush();
  }

  private void section(String title) {
    out.println();
    out.println(title);
  }

  private static String fixed(double value, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
