package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.models.EmbeddingModel;
import dev.sinter.models.ModelCatalog;
import dev.sinter.models.ModelFiles;
import dev.sinter.models.Progress;
import dev.sinter.tensor.Scheme;
import java.util.List;
import java.util.function.Function;

/**
 * The rows of a sentence encoder, ours or a peer's: token ids in, pooled vectors of length 1 out,
 * the tokenizer left out on both sides.
 */
final class EncoderSeries {
  static final String MODEL = "minilm";

  // Ordinary English, as long as the longest sentence: ids picked at random would be harder to
  // quantize than what people write.
  private static final String TEXT =
      "The harbour was quiet in the early morning. Two boats had come in during the night, and"
          + " their crews were still asleep below deck. A woman from the fish market walked along"
          + " the quay, counted the boxes that stood there, and wrote the number in a small book."
          + " She had done this every day for twenty years, in rain and in snow, and she knew from"
          + " the smell alone how good the catch had been. When the sun rose over the breakwater"
          + " the first lorry arrived. Its driver, who was new, asked her where he should park, and"
          + " she pointed to the gate behind the ice house without looking up. By eight o'clock"
          + " everything was loaded, the square was washed clean, and the gulls went elsewhere.";

  // What an embedding must have in common with the reference's: chosen, not derived. In f32 only
  // rounding differs. int8 is asked for what retrieval can bear.
  private static final double LEAST_COSINE_F32 = 0.99999;
  private static final double LEAST_COSINE = 0.9;

  // Its three measurements together take as long as the row that they explain.
  private static final int PROFILE_SHARE = 3;

  private static final long WARM_UP_NANOS = 5_000_000_000L;

  private EncoderSeries() {}

  private record Timed(
      String backend, String isa, String impl, Function<List<int[]>, float[][]> embed) {}

  /** Ours, on the planner's choice of backends. */
  static void run(Job job, Results results) {
    ModelFiles files = ModelCatalog.resolve(MODEL, Progress.none());
    Scheme scheme = job.subject().asScheme();
    Judge judge = Judge.make();
    for (int threads : job.threads()) {
      try (Sinter sinter = Sinter.open(new SinterOptions(threads, job.subject().backend(), null));
          EmbeddingModel model = EmbeddingModel.load(sinter, files, scheme, Progress.none())) {
        Explanation first = Explanation.of(model.explain(model.layers().getFirst()));
        measure(
            job,
            judge,
            threads,
            new Timed(first.backend(), first.isa(), first.implementation(), model::embedIds),
            results);
        profile(job, judge, sinter, model, first.backend(), results);
      } catch (IllegalStateException | IllegalArgumentException e) {
        results.add(new Refusal(job.subject(), MODEL, e.getMessage(), false));
      }
    }
  }

  private static void profile(
      Job job, Judge judge, Sinter sinter, EmbeddingModel model, String backend, Results results) {
    Subject asked = job.subject();
    Subject subject = new Subject(asked.scheme(), asked.group(), backend, null);
    for (EncoderSize size : job.sizes()) {
      if (!job.outOfTime()) {
        List<int[]> batch = size.batchOf(judge.text);
        long nanos = job.timer().nanos() / PROFILE_SHARE;
        results.add(
            new Breakdown(
                subject,
                "encoder",
                size.batch(),
                null,
                size.tokens(),
                sinter.threads(),
                EncoderProfile.measure(sinter, model, size, batch, nanos)));
      }
    }
  }

  /** A peer's. */
  static void run(Job job, Peer peer, Results results) {
    int threads = job.threads().getFirst();
    try (Peer.Encoder encoder = peer.encoder(job.subject().scheme(), threads)) {
      measure(
          job,
          Judge.make(),
          threads,
          new Timed(null, null, encoder.implementation(), encoder::embed),
          results);
    } catch (IllegalStateException | IllegalArgumentException e) {
      results.add(new Refusal(job.subject(), MODEL, e.getMessage(), true));
    }
  }

  private static void measure(Job job, Judge judge, int threads, Timed timed, Results results) {
    double cosine = judge.cosine(timed.embed);
    boolean f32 = job.subject().scheme().equals("f32");
    if (!(cosine >= (f32 ? LEAST_COSINE_F32 : LEAST_COSINE))) {
      String reason = "cosine " + cosine + " to the f32 reference";
      results.add(new Refusal(job.subject(), MODEL, reason, true));
      return;
    }
    Subject asked = job.subject();
    Subject subject = new Subject(asked.scheme(), asked.group(), timed.backend, asked.peer());
    if (threads == job.threads().getFirst()) {
      job.timer().warmUp(WARM_UP_NANOS, () -> timed.embed.apply(judge.sentence));
    }
    for (EncoderSize size : job.sizes()) {
      if (job.outOfTime()) {
        results.add(new Refusal(subject, MODEL + " " + size.label(), "no time left", false));
        continue;
      }
      List<int[]> batch = size.batchOf(judge.text);
      RowTimer.Times times = job.timer().time(() -> timed.embed.apply(batch));
      results.add(
          new Measurement(
              subject,
              "encoder",
              timed.isa,
              timed.impl,
              size.batch(),
              null,
              size.tokens(),
              threads,
              times.median(),
              times.best(),
              null,
              null,
              null,
              size.batch(),
              cosine));
    }
  }

  /** The float64 reference's embedding of a short sentence, and the ids of the text. */
  private record Judge(int[] text, List<int[]> sentence, float[] expected) {
    static Judge make() {
      ModelFiles files = ModelCatalog.resolve(MODEL, Progress.none());
      int threads = Runtime.getRuntime().availableProcessors();
      try (Sinter sinter = Sinter.open(new SinterOptions(threads, "reference", null));
          EmbeddingModel model = EmbeddingModel.load(sinter, files, Scheme.F32, Progress.none())) {
        int[] text = model.tokenize(TEXT);
        List<int[]> sentence = EncoderSize.ALL.getFirst().batchOf(text);
        return new Judge(text, sentence, model.embedIds(sentence)[0]);
      }
    }

    /** Of an embedding to that of the reference; both have length 1. */
    double cosine(Function<List<int[]>, float[][]> embed) {
      float[] actual = embed.apply(sentence)[0];
      double cosine = 0;
      for (int i = 0; i < expected.length; i++) {
        cosine += (double) expected[i] * actual[i];
      }
      return cosine;
    }
  }
}
