package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.Backend;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Planner;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparsity;
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

  /** Each scheme of a suite, in each structure, on every backend that says it can run it. */
  static Plan layers(Suite suite, List<Shape> shapes, List<Peer> peers) {
    Plan plan = new Plan(new ArrayList<>(), new ArrayList<>());
    int k = shapes.getFirst().k();
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(1).withBackend(null));
        Arena arena = Arena.ofShared()) {
      Dense dense = Data.weights(PROBED_OUTPUTS, k, arena);
      Data.makeZeros(new Sparsity.NofM(2, 4), 0, dense); // fits every structure
      for (Scheme scheme : suite.schemes()) {
        for (Sparsity structure : structures(suite, scheme)) {
          plan.probe(sinter, scheme, structure, dense, arena);
        }
      }
    }
    // Where the time is short, the fallback is what is missed least, and before it what runs on the
    // same kernel as another structure does.
    plan.subjects.sort(
        Comparator.comparing((Subject s) -> s.backend().equals(FALLBACK))
            .thenComparing(s -> Suite.isVariant(Format.sparsity(s.format()))));
    for (Peer peer : peers) {
      peer.layers()
          .forEach(v -> plan.subjects.add(new Subject(v.scheme(), v.group(), null, peer.name())));
    }
    return plan;
  }

  /** Null, for dense weights, comes first. */
  private static List<Sparsity> structures(Suite suite, Scheme scheme) {
    List<Sparsity> structures = new ArrayList<>();
    structures.add(null);
    structures.addAll(suite.structures(scheme));
    return structures;
  }

  private void probe(Sinter sinter, Scheme scheme, Sparsity structure, Dense dense, Arena arena) {
    CompressedTensor weights =
        structure == null
            ? Compression.of(scheme, dense, arena)
            : Compression.of(scheme, structure, dense, arena);
    String format =
        structure == null ? Format.DENSE : Format.of(structure, scheme.kind() != Scheme.Kind.F32);
    MatmulSpec spec = MatmulSpec.of(weights, scheme.activations(), Epilogue.NONE);
    for (Planner.Verdict verdict : sinter.planner().survey(spec)) {
      Subject subject = Subject.ours(scheme, format, null, verdict.backend());
      if (verdict.answer().equals("yes")) {
        if (!verdict.backend().equals(REFERENCE)) {
          subjects.add(subject);
        }
      } else if (hasMatmul(sinter, verdict.backend())) {
        refusals.add(new Refusal(subject, "all layers", verdict.answer(), false));
      }
    }
  }

  private static boolean hasMatmul(Sinter sinter, String name) {
    return sinter.backends().stream()
        .filter(b -> b.name().equals(name))
        .map(Backend::operations)
        .anyMatch(o -> o.contains(MatmulSpec.class));
  }

  /** The decoder, on the planner's choice of backends. */
  static Plan decoder(List<Peer> peers) {
    List<Subject> subjects = new ArrayList<>();
    for (Scheme scheme : Suite.DECODER.schemes()) {
      subjects.add(Subject.ours(scheme, null));
    }
    for (Peer peer : peers) {
      peer.decoders()
          .forEach(v -> subjects.add(new Subject(v.scheme(), v.group(), null, peer.name())));
    }
    return new Plan(subjects, List.of());
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
