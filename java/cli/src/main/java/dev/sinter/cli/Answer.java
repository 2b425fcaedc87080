package dev.sinter.cli;

import dev.sinter.backend.Activation;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.Backend;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.Kernel;
import dev.sinter.backend.KvType;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * What a backend says to an operation.
 *
 * @param isa of its kernel; null if it has none
 */
record Answer(String backend, String operation, Support support, String isa) {
  // The sizes of MiniLM, and heads of Llama's.
  private static final int HIDDEN = 384;
  private static final int INTERMEDIATE = 1536;

  /**
   * @param kernel makes one, where the spec is supported
   */
  private record Asked(String name, OpSpec spec, Function<Backend, Kernel> kernel) {
    Answer of(Backend backend) {
      Support support = backend.supports(spec);
      if (!support.supported()) {
        return new Answer(backend.name(), name, support, null);
      }
      try (Kernel made = kernel.apply(backend)) {
        return new Answer(backend.name(), name, support, made.isa());
      }
    }
  }

  /** Those of all backends to the operations of encoders and decoders. */
  static List<Answer> all(List<Backend> backends) {
    try (Arena arena = Arena.ofShared()) {
      List<Asked> questions = questions(arena);
      List<Answer> answers = new ArrayList<>();
      for (Backend backend : backends) {
        for (Asked asked : questions) {
          // Never having a kernel for a family is by design and no finding.
          if (backend.operations().contains(asked.spec().getClass())) {
            answers.add(asked.of(backend));
          }
        }
      }
      return answers;
    }
  }

  private static List<Asked> questions(Arena arena) {
    List<Asked> all = new ArrayList<>();
    Dense zeros =
        new Dense(
            "zeros",
            INTERMEDIATE,
            HIDDEN,
            DType.F32,
            arena.allocate((long) Float.BYTES * INTERMEDIATE * HIDDEN, Float.BYTES));
    for (Scheme scheme : Scheme.DEFAULTS) {
      all.add(matmul(scheme, zeros, arena));
    }
    AttentionSpec attention = new AttentionSpec(12, 32, 512);
    all.add(new Asked("attention", attention, b -> b.attention(attention)));
    for (KvType type : KvType.values()) {
      CachedAttentionSpec cached = new CachedAttentionSpec(32, 4, 64, type);
      String name = "cached attention " + type.name().toLowerCase(Locale.ROOT);
      all.add(new Asked(name, cached, b -> b.cachedAttention(cached)));
    }
    for (NormSpec.Kind kind : NormSpec.Kind.values()) {
      NormSpec norm = new NormSpec(kind, HIDDEN, 1e-5f, null);
      String name = kind.name().toLowerCase(Locale.ROOT) + " norm";
      all.add(new Asked(name, norm, b -> b.norm(norm, new float[HIDDEN], new float[HIDDEN])));
    }
    all.add(quantize("bf16", ActivationScheme.BF16));
    all.add(quantize("u8", ActivationScheme.U8_PER_TOKEN));
    all.add(quantize("s8", ActivationScheme.S8_PER_TOKEN));
    return all;
  }

  private static Asked matmul(Scheme scheme, Dense zeros, Arena arena) {
    CompressedTensor weights =
        switch (scheme.kind()) {
          case F32 -> zeros;
          case BF16 -> zeros.toBf16(arena);
          default -> Quantizer.quantize(zeros, scheme.codes(), arena);
        };
    MatmulSpec spec =
        MatmulSpec.of(
            weights, scheme.activations(), new Epilogue(true, Activation.GELU_ERF, false));
    return new Asked(
        "matmul " + scheme.kind().id(),
        spec,
        b -> b.matmul(spec, weights, new float[INTERMEDIATE]));
  }

  private static Asked quantize(String name, ActivationScheme scheme) {
    QuantizeSpec spec = new QuantizeSpec(HIDDEN, scheme);
    return new Asked("quantize " + name, spec, b -> b.quantize(spec));
  }
}
