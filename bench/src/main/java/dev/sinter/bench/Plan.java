package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.Backend;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Planner;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Scheme;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What is going to be measured.
 *
 * @param subjects ours, and then the peers'
 * @param refusals schemes and backends that do not go together here
 */
record Plan(List<Subject> subjects, List<Refusal> refusals) {
  // Too slow to be timed: it judges the others.
  private static final String REFERENCE = "reference";

  private static final String FALLBACK = "vector";

  // Backends decide by type and by K; few outputs make the question cheap.
  private static final int PROBED_OUTPUTS = 64;

  /** Each scheme on every backend that says it can run it. */
  static Plan layers(List<Scheme> schemes, List<Shape> shapes, List<Peer> peers) {
    List<Subject> subjects = new ArrayList<>();
    List<Refusal> refusals = new ArrayList<>();
    int k = shapes.getFirst().k();
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(1).withBackend(null));
        Arena arena = Arena.ofShared()) {
      for (Scheme scheme : schemes) {
        CompressedTensor weights =
            Compression.of(scheme, Data.weights(PROBED_OUTPUTS, k, arena), arena);
        MatmulSpec spec = MatmulSpec.of(weights, scheme.activations(), Epilogue.NONE);
        for (Planner.Verdict verdict : sinter.planner().survey(spec)) {
          Subject subject = Subject.ours(scheme, verdict.backend());
          if (verdict.answer().equals("yes")) {
            if (!verdict.backend().equals(REFERENCE)) {
              subjects.add(subject);
            }
          } else if (hasMatmul(sinter, verdict.backend())) {
            refusals.add(new Refusal(subject, "all layers", verdict.answer(), false));
          }
        }
      }
    }
    // Where the time is short, the fallback is what is missed least.
    subjects.sort(Comparator.comparing((Subject s) -> s.backend().equals(FALLBACK)));
    for (Peer peer : peers) {
      peer.layers()
          .forEach(v -> subjects.add(new Subject(v.scheme(), v.group(), null, peer.name())));
    }
    return new Plan(subjects, refusals);
  }

  private static boolean hasMatmul(Sinter sinter, String name) {
    return sinter.backends().stream()
        .filter(b -> b.name().equals(name))
        .map(Backend::operations)
        .anyMatch(o -> o.contains(MatmulSpec.class));
  }

  /** The encoder, on the planner's choice of backends. */
  static Plan encoder(List<Peer> peers) {
    List<Subject> subjects = new ArrayList<>();
    for (Scheme scheme : Suite.ENCODER.schemes()) {
      subjects.add(Subject.ours(scheme, null));
    }
    for (Peer peer : peers) {
      peer.encoders().forEach(s -> subjects.add(new Subject(s, null, null, peer.name())));
    }
    return new Plan(subjects, List.of());
  }
}
