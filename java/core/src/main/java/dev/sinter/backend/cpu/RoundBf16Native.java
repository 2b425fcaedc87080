package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** {@code round_bf16} of libsinter. Writes exactly the rows it is asked for. */
final class RoundBf16Native implements QuantizeKernel {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);

  private final QuantizeSpec spec;
  private final Isa isa;
  private final String function; // made once: a call allocates nothing

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  RoundBf16Native(QuantizeSpec spec, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    function = "sinter_round_bf16_" + isa.text();
  }

  @Override
  public String implementation() {
    return function;
  }

  @Override
  public String isa() {
    return isa.text();
  }

  /**
   * @throws IllegalArgumentException if x is on the heap or too short, if out is for another scheme
   *     or width, or if it lacks the rows
   */
  @Override
  public void run(MemorySegment x, ActivationBuffer out, int from, int to) {
    Rows.check(spec, x, out, from, to);
    int width = spec.width();
    int status =
        switch (isa) {
          case SCALAR ->
              sinter_round_bf16_scalar(x, from, to - from, width, out.data(), out.stride());
          case AVX2, AVXVNNI ->
              sinter_round_bf16_avx2(x, from, to - from, width, out.data(), out.stride());
          case AVX512, AVX512VNNI, AVX512BF16 ->
              sinter_round_bf16_avx512(x, from, to - from, width, out.data(), out.stride());
        };
    Rows.check(function, status);
  }
}
