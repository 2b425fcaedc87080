package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.KvType;
import dev.sinter.models.DecoderModel;
import dev.sinter.models.DecoderOptions;
import dev.sinter.models.DecoderScheme;
import dev.sinter.models.DecoderSession;
import dev.sinter.models.Generation;
import dev.sinter.models.Progress;
import dev.sinter.models.Sampling;
import dev.sinter.tensor.Scheme;
import java.util.List;
import java.util.Locale;

/**
 * The rows of a decoder, ours or a peer's: a prompt, and the tokens after it, each chosen greedily
 * and turned into text; and, of ours, the attention of a long text.
 */
final class DecoderSeries {
  /** What attention is measured with. */
  static final List<KvType> CACHES = List.of(KvType.F32, KvType.BF16, KvType.INT8);

  private static final long WARM_UP_NANOS = 8_000_000_000L;
  private static final int WARM_UP_PROMPT = 16;

  // Of the time for a row: a text makes two of them, and a step of attention is short.
  private static final int TEXT_ROWS = 2;
  private static final int ATTENTION_SHARE = 5;

  private DecoderSeries() {}

  /** Ours, on the planner's choice of backends. */
  static void run(Job job, Results results) {
    DecoderOptions options = options(job.subject().asScheme());
    String wrong =
        DecoderAgreement.disagreement(job.decoder().check(), options, job.subject().backend());
    if (wrong != null) {
      results.add(new Refusal(job.subject(), "all rows", wrong, true));
      return;
    }
    for (int threads : job.threads()) {
      if (job.outOfTime()) {
        results.add(new Refusal(job.subject(), what(threads), "no time left", false));
        continue;
      }
      try (Sinter sinter = Sinter.open(new SinterOptions(threads, job.subject().backend(), null));
          DecoderModel model =
              DecoderModel.load(sinter, job.decoder().model(), options, Progress.none())) {
        new Ours(job, sinter, model, results).measure();
      } catch (IllegalStateException | IllegalArgumentException e) {
        results.add(new Refusal(job.subject(), what(threads), e.getMessage(), false));
      }
    }
  }

  private static String what(int threads) {
    return "decoder, " + threads + (threads == 1 ? " thread" : " threads");
  }

  /** The head is compressed like the layers, as a peer's is; embeddings stay as in the file. */
  static DecoderOptions options(Scheme scheme) {
    return DecoderOptions.of(scheme).withScheme(new DecoderScheme(scheme, scheme, scheme, null));
  }

  /** A peer's. */
  static void run(Job job, Peer peer, Results results) {
    DecoderLoad load = job.decoder();
    Subject subject = job.subject();
    int threads = job.threads().getFirst();
    DecoderShape shape = DecoderShape.read(load.model());
    Peer.Variant variant = new Peer.Variant(subject.scheme(), subject.group());
    try (Peer.Decoder decoder = peer.decoder(variant, load.model(), threads)) {
      warmUp(job, shape, decoder::write);
      TextTimer.Times times = time(job, shape, decoder::write);
      long read =
          decoder.weightBytes() + (load.prompt() + load.tokens() / 2) * decoder.tokenBytes();
      Described by =
          new Described(subject, null, decoder.implementation(), shape, decoder.cache(), threads);
      by.text(load, times, read, results);
    } catch (IllegalStateException | IllegalArgumentException e) {
      results.add(new Refusal(subject, what(threads), e.getMessage(), true));
    }
  }

  private static void warmUp(Job job, DecoderShape shape, TextTimer.Writer writer) {
    int[] prompt = DecoderLoad.ids(WARM_UP_PROMPT, shape.vocabulary());
    job.timer().warmUp(WARM_UP_NANOS, () -> writer.write(prompt, WARM_UP_PROMPT, () -> {}));
  }

  private static TextTimer.Times time(Job job, DecoderShape shape, TextTimer.Writer writer) {
    DecoderLoad load = job.decoder();
    return new TextTimer(TEXT_ROWS * job.timer().nanos())
        .time(DecoderLoad.ids(load.prompt(), shape.vocabulary()), load.tokens(), writer);
  }

  /** Who is measured, for its rows. */
  private record Described(
      Subject subject, String isa, String impl, DecoderShape shape, String cache, int threads) {

    /**
     * @param read bytes of weights, keys and values that a decoded token reads
     */
    void text(DecoderLoad load, TextTimer.Times times, long read, Results results) {
      double head = 2.0 * shape.headWeights();
      double layers = 2.0 * shape.layerWeights();
      double prompt = layers * load.prompt() + head; // the head has one row to do
      results.add(row("prefill", load.prompt(), 0, times.prompt(), prompt, null, null, null));
      results.add(
          row(
              "decode",
              1,
              load.prompt(),
              times.token(),
              layers + head,
              (double) read,
              "cold",
              null));
    }

    Measurement row(
        String kernel,
        int m,
        int before,
        RowTimer.Times times,
        Double operations,
        Double bytes,
        String weights,
        Double stepShare) {
      return new Measurement(
          subject,
          kernel,
          isa,
          impl,
          m,
          before,
          shape.hidden(),
          threads,
          times.median(),
          times.best(),
          operations,
          bytes,
          weights,
          null,
          null,
          new Decoding(cache, stepShare));
    }
  }

  /** One of ours with one number of threads. */
  private record Ours(Job job, Sinter sinter, DecoderModel model, Results results) {
    void measure() {
      DecoderLoad load = job.decoder();
      DecoderShape shape = DecoderShape.read(load.model());
      Explanation first = Explanation.of(model.explain(model.layers().getFirst()));
      Subject asked = job.subject();
      Subject subject = new Subject(asked.scheme(), asked.group(), first.backend(), null);
      String cache = id(model.options().cache());
      int threads = sinter.threads();
      Described by =
          new Described(subject, first.isa(), first.implementation(), shape, cache, threads);
      TextTimer.Times times;
      try (DecoderSession session = model.open()) {
        TextTimer.Writer writer = (prompt, tokens, token) -> write(session, prompt, tokens, token);
        if (threads == job.threads().getFirst()) {
          warmUp(job, shape, writer);
        }
        times = time(job, shape, writer);
        long perToken = model.cacheBytes() / session.length();
        long read = model.passBytes() + (load.prompt() + load.tokens() / 2) * perToken;
        by.text(load, times, read, results);
        breakdown(subject, shape, session, load);
      }
      attention(subject, shape, times.token().median());
    }

    private void write(DecoderSession session, int[] prompt, int tokens, Runnable token) {
      session.truncate(0);
      session.generate(
          prompt,
          new Generation.Settings(tokens, Sampling.greedy()),
          (_, _) -> {
            token.run();
            return true;
          });
    }

    private void breakdown(
        Subject subject, DecoderShape shape, DecoderSession session, DecoderLoad load) {
      session.truncate(load.prompt());
      int[] last = DecoderLoad.ids(1, shape.vocabulary());
      int[] count = {0};
      Runnable steps =
          () ->
              session.generate(
                  last,
                  new Generation.Settings(load.tokens(), Sampling.greedy()),
                  (_, _) -> {
                    count[0]++;
                    return true;
                  });
      steps.run(); // the events are new to the compiler, too
      session.truncate(load.prompt());
      count[0] = 0;
      results.add(
          new Breakdown(
              subject,
              "decode",
              1,
              load.prompt(),
              shape.hidden(),
              sinter.threads(),
              DecoderProfile.measure(load.tokens(), steps)));
    }

    private void attention(Subject subject, DecoderShape shape, double stepMillis) {
      DecoderLoad load = job.decoder();
      RowTimer timer = new RowTimer(job.timer().nanos() / ATTENTION_SHARE, 3);
      // What a step takes beside attention: the step was measured with a shorter text.
      double own;
      int shorter = load.prompt() + load.tokens() / 2;
      try (AttentionCase a =
          new AttentionCase(sinter, shape, model.options().cache(), shorter, true)) {
        own = timer.time(a::step).median();
      }
      for (KvType type : CACHES) {
        if (job.outOfTime()) {
          results.add(new Refusal(subject, "attention, " + id(type), "no time left", false));
          continue;
        }
        try (AttentionCase a = new AttentionCase(sinter, shape, type, load.context(), true)) {
          String wrong = a.disagreement();
          if (wrong != null) {
            results.add(new Refusal(subject, "attention, " + id(type), wrong, true));
            continue;
          }
          RowTimer.Times times = timer.time(a::step);
          Explanation kernel = a.explanation();
          double share = times.median() / (stepMillis - own + times.median());
          Subject by = new Subject(subject.scheme(), subject.group(), kernel.backend(), null);
          results.add(
              new Described(
                      by, kernel.isa(), kernel.implementation(), shape, id(type), sinter.threads())
                  .row(
                      "attention",
                      1,
                      load.context(),
                      times,
                      null,
                      (double) a.bytes(),
                      "cold",
                      share));
        }
      }
    }

    private static String id(KvType type) {
      return type.name().toLowerCase(Locale.ROOT);
    }
  }
}
