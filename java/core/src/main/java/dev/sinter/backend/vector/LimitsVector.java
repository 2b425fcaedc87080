package dev.sinter.backend.vector;

import dev.sinter.backend.LimitsProbe;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The limits as far as Vector API code reaches them, for machines without libsinter: reads and f32
 * multiply-adds. It has no multiply-add for bf16 and int8.
 */
public final class LimitsVector {
  // Calls until the compiler has replaced what is interpreted a thousand times slower.
  private static final int WARM_UP_CALLS = 1_000;
  private static final int WARM_UP_ITERATIONS = 200;
  private static final long WARM_UP_BYTES = 1 << 15;

  private LimitsVector() {}

  /** Empty where the vector backend does not run either. Takes a part of a second to warm up. */
  public static Optional<LimitsProbe> find() {
    try (VectorBackend backend = new VectorBackend(1, 0)) {
      return backend.supports(new QuantizeSpec(1, ActivationScheme.U8_PER_TOKEN)).supported()
          ? Optional.of(warm(new Probe()))
          : Optional.empty();
    }
  }

  private static LimitsProbe warm(LimitsProbe probe) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(WARM_UP_BYTES, 64);
      for (int i = 0; i < WARM_UP_CALLS; i++) {
        probe.multiply(LimitsProbe.Type.F32, WARM_UP_ITERATIONS);
        probe.read(data, 1);
      }
    }
    return probe;
  }

  /** Apart, because this class cannot be loaded without the module of the Vector API. */
  private static final class Probe implements LimitsProbe {
    private static final VectorSpecies<Long> WORDS = LongVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    @Override
    public String reader() {
      return "LimitsVector read";
    }

    @Override
    public String multiplier(Type type) {
      return type == Type.F32 ? "LimitsVector multiply" : null;
    }

    @Override
    public long read(MemorySegment data, long repeats) {
      LimitsProbe.checkRead(data, repeats);
      long sum = 0;
      for (long r = 0; r < repeats; r++) {
        sum += read(data);
      }
      return sum;
    }

    // BLOCK is a multiple of four vectors of any width.
    private static long read(MemorySegment data) {
      LongVector a = LongVector.zero(WORDS);
      LongVector b = a;
      LongVector c = a;
      LongVector d = a;
      long step = WORDS.vectorByteSize();
      for (long i = 0; i < data.byteSize(); i += 4 * step) {
        a = a.add(LongVector.fromMemorySegment(WORDS, data, i, ORDER));
        b = b.add(LongVector.fromMemorySegment(WORDS, data, i + step, ORDER));
        c = c.add(LongVector.fromMemorySegment(WORDS, data, i + 2 * step, ORDER));
        d = d.add(LongVector.fromMemorySegment(WORDS, data, i + 3 * step, ORDER));
      }
      long sum = 0;
      for (long word : a.add(b).add(c.add(d)).toArray()) {
        sum += word;
      }
      return sum;
    }

    @Override
    public long multiply(Type type, long iterations) {
      checkMultiply(type, iterations);
      FloatVector x = FloatVector.broadcast(FLOATS, 1);
      FloatVector a = FloatVector.zero(FLOATS);
      FloatVector b = a;
      FloatVector c = a;
      FloatVector d = a;
      FloatVector e = a;
      FloatVector f = a;
      FloatVector g = a;
      FloatVector h = a;
      for (long i = 0; i < iterations; i++) {
        a = x.fma(x, a);
        b = x.fma(x, b);
        c = x.fma(x, c);
        d = x.fma(x, d);
        e = x.fma(x, e);
        f = x.fma(x, f);
        g = x.fma(x, g);
        h = x.fma(x, h);
      }
      float[] lanes = new float[a.length()];
      a.add(b).add(c.add(d)).add(e.add(f).add(g.add(h))).intoArray(lanes, 0);
      // The lanes hold whole numbers below 2^24, and eight times such a number is exact as well.
      double sum = 0;
      for (float lane : lanes) {
        sum += lane;
      }
      return (long) (2 * sum);
    }
  }
}
