package dev.sinter.backend.vector;

import dev.sinter.tensor.Mask;
import java.util.Arrays;

/**
 * The inputs that strips of outputs have any weight for.
 *
 * @param starts strip s has {@code inputs} from {@code starts[s]} to {@code starts[s + 1]}
 * @param inputs ascending in a strip; filled up by repeating the last one
 */
record KeptInputs(int[] starts, int[] inputs) {
  /**
   * @param height outputs of a strip
   * @param strips whose number may exceed that of the outputs
   * @param multiple of inputs that each strip is to have
   */
  static KeptInputs of(Mask mask, int height, int strips, int multiple) {
    int[] starts = new int[strips + 1];
    int[] inputs = new int[mask.columns()];
    long[] row = new long[mask.words()];
    long[] any = new long[mask.words()];
    int count = 0;
    for (int s = 0; s < strips; s++) {
      Arrays.fill(any, 0);
      for (int r = s * height; r < Math.min(mask.rows(), (s + 1) * height); r++) {
        mask.readRow(r, row);
        for (int i = 0; i < any.length; i++) {
          any[i] |= row[i];
        }
      }
      int most = count + mask.columns() + multiple;
      if (most > inputs.length) {
        inputs = Arrays.copyOf(inputs, Math.max(most, 2 * inputs.length));
      }
      for (int i = 0; i < any.length; i++) {
        for (long left = any[i]; left != 0; left &= left - 1) {
          inputs[count++] = Long.SIZE * i + Long.numberOfTrailingZeros(left);
        }
      }
      for (; (count - starts[s]) % multiple != 0; count++) {
        inputs[count] = inputs[count - 1];
      }
      starts[s + 1] = count;
    }
    return new KeptInputs(starts, Arrays.copyOf(inputs, count));
  }

  int count(int strip) {
    return starts[strip + 1] - starts[strip];
  }

  /** Whether it is there to fill up. */
  boolean isRepeated(int strip, int index) {
    int at = starts[strip] + index;
    return index > 0 && inputs[at] == inputs[at - 1];
  }
}
