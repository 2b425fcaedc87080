package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_MACHINE_LIMITS_BF16;
import static dev.sinter.bindings.sinter.sinter_h.SINTER_MACHINE_LIMITS_F32;
import static dev.sinter.bindings.sinter.sinter_h.SINTER_MACHINE_LIMITS_INT8;
import static dev.sinter.bindings.sinter.sinter_h.SINTER_OK;
import static dev.sinter.bindings.sinter.sinter_h.sinter_status_text;

import dev.sinter.backend.LimitsProbe;
import dev.sinter.bindings.sinter.sinter_h;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeException;
import dev.sinter.runtime.NativeLibraries;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** {@code machine_limits_read} and {@code machine_limits_multiply} of libsinter. */
public final class LimitsNative implements LimitsProbe {
  private interface Reader {
    int call(MemorySegment data, long bytes, long repeats, MemorySegment sum);
  }

  private interface Multiplier {
    int call(int type, long iterations, MemorySegment operations, MemorySegment sum);
  }

  /** A variant, and the feature beyond AVX2 that it needs. */
  private record Variant<F>(String name, Predicate<CpuFeatures> runs, F function) {}

  private static final String READ = "sinter_machine_limits_read_";
  private static final String MULTIPLY = "sinter_machine_limits_multiply_";

  private static final Variant<Multiplier> FMA_AVX512 =
      new Variant<>(
          MULTIPLY + "avx512", Isa.AVX512::runsOn, sinter_h::sinter_machine_limits_multiply_avx512);
  private static final Variant<Multiplier> MULTIPLY_AVX2 =
      new Variant<>(
          MULTIPLY + "avx2", Isa.AVX2::runsOn, sinter_h::sinter_machine_limits_multiply_avx2);

  // The fastest first.
  private static final List<Variant<Reader>> READERS =
      List.of(
          new Variant<>(
              READ + "avx512", Isa.AVX512::runsOn, sinter_h::sinter_machine_limits_read_avx512),
          new Variant<>(
              READ + "avx2", Isa.AVX2::runsOn, sinter_h::sinter_machine_limits_read_avx2));

  private static final Map<Type, List<Variant<Multiplier>>> MULTIPLIERS =
      Map.of(
          Type.F32,
          List.of(FMA_AVX512, MULTIPLY_AVX2),
          Type.BF16,
          List.of(
              new Variant<>(
                  MULTIPLY + "avx512bf16",
                  cpu -> Isa.AVX512.runsOn(cpu) && cpu.has("avx512bf16"),
                  sinter_h::sinter_machine_limits_multiply_avx512bf16)),
          Type.INT8,
          List.of(
              new Variant<>(
                  MULTIPLY + "avx512vnni",
                  cpu -> Isa.AVX512.runsOn(cpu) && cpu.has("avx512vnni"),
                  sinter_h::sinter_machine_limits_multiply_avx512vnni),
              new Variant<>(
                  MULTIPLY + "avxvnni",
                  cpu -> Isa.AVX2.runsOn(cpu) && cpu.has("avxvnni"),
                  sinter_h::sinter_machine_limits_multiply_avxvnni),
              MULTIPLY_AVX2));

  private final Variant<Reader> reader;
  private final Map<Type, Variant<Multiplier>> multipliers = new EnumMap<>(Type.class);

  private LimitsNative(CpuFeatures cpu, Variant<Reader> reader) {
    this.reader = reader;
    MULTIPLIERS.forEach(
        (type, variants) ->
            variants.stream()
                .filter(v -> v.runs.test(cpu))
                .findFirst()
                .ifPresent(v -> multipliers.put(type, v)));
  }

  /** The best variants that this CPU has; empty without libsinter or below AVX2. */
  public static Optional<LimitsProbe> find() {
    if (!(NativeLibraries.sinter() instanceof NativeLibraries.Loaded)) {
      return Optional.empty();
    }
    CpuFeatures cpu = CpuFeatures.host();
    return READERS.stream()
        .filter(r -> r.runs.test(cpu))
        .findFirst()
        .map(r -> new LimitsNative(cpu, r));
  }

  @Override
  public String reader() {
    return reader.name;
  }

  @Override
  public String multiplier(Type type) {
    Variant<Multiplier> variant = multipliers.get(type);
    return variant == null ? null : variant.name;
  }

  @Override
  public long read(MemorySegment data, long repeats) {
    LimitsProbe.checkRead(data, repeats);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment sum = arena.allocate(ValueLayout.JAVA_LONG);
      check(reader.name, reader.function.call(data, data.byteSize(), repeats, sum));
      return sum.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  @Override
  public long multiply(Type type, long iterations) {
    checkMultiply(type, iterations);
    Variant<Multiplier> multiplier = multipliers.get(type);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment operations = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment sum = arena.allocate(ValueLayout.JAVA_DOUBLE);
      check(multiplier.name, multiplier.function.call(number(type), iterations, operations, sum));
      return operations.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  private static int number(Type type) {
    return switch (type) {
      case F32 -> SINTER_MACHINE_LIMITS_F32();
      case BF16 -> SINTER_MACHINE_LIMITS_BF16();
      case INT8 -> SINTER_MACHINE_LIMITS_INT8();
    };
  }

  private static void check(String function, int status) {
    if (status != SINTER_OK()) {
      throw new NativeException(function, status, sinter_status_text(status).getString(0));
    }
  }
}
