package dev.sinter.backend.vector;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Prints the single-thread speed of {@link AttentionVector} for 12 heads of 32; not a test. The
 * argument is the vector width, 0 or none for the preferred one.
 */
final class AttentionVectorTiming {
  private static final int HEADS = 12;
  private static final int HEAD_DIM = 32;
  private static final int WINDOWS = 15;

  private AttentionVectorTiming() {}

  public static void main(String[] args) {
    int bits = args.length == 0 ? 0 : Integer.parseInt(args[0]);
    AttentionSpec spec = new AttentionSpec(HEADS, HEAD_DIM, 512);
    try (Arena arena = Arena.ofShared();
        AttentionKernel kernel = new VectorBackend(1, bits).attention(spec)) {
      MemorySegment[] qkvo = new MemorySegment[4];
      for (int i = 0; i < 4; i++) {
        qkvo[i] = arena.allocate(4L * 512 * HEADS * HEAD_DIM, 64);
        for (long at = 0; at < qkvo[i].byteSize() / 4; at++) {
          qkvo[i].setAtIndex(
              java.lang.foreign.ValueLayout.JAVA_FLOAT, at, (float) Math.sin(at * (i + 1)));
        }
      }
      for (int length : new int[] {16, 64, 128, 512, 16, 20, 64, 128, 512}) {
        double flops = 4.0 * length * length * HEAD_DIM * HEADS;
        int repeats = (int) Math.max(1, 2e8 / flops);
        double[] gflops = new double[WINDOWS];
        for (int w = 0; w < WINDOWS; w++) {
          long begin = System.nanoTime();
          for (int i = 0; i < repeats; i++) {
            for (int head = 0; head < HEADS; head++) {
              kernel.run(0, qkvo[0], qkvo[1], qkvo[2], HEADS * HEAD_DIM, qkvo[3], 0, length, head);
            }
          }
          gflops[w] = flops * repeats / (System.nanoTime() - begin);
        }
        Arrays.sort(gflops);
        System.out.printf(
            "%s length %d: median %.0f GFLOP/s, best %.0f%n",
            kernel.implementation(), length, gflops[WINDOWS / 2], gflops[WINDOWS - 1]);
      }
    }
  }
}
