package dev.sinter.bench.peers;

import dev.sinter.bench.peers.GgufWriter.Type;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Q4_0 of GGUF: blocks of 32 values with an f16 scale, codes 0 to 15 that stand for -8 to 7. The
 * value of largest magnitude gets -8, so that one end of the range is used in full; byte j holds
 * the codes of values j and, in the high half, j + 16.
 */
final class Q40 {
  static final int BLOCK = 32;

  private Q40() {}

  /** Rounds a row to the nearest. */
  static void quantize(float[] row, ByteBuffer to) {
    for (int block = 0; block < row.length; block += BLOCK) {
      float extreme = 0;
      for (int i = 0; i < BLOCK; i++) {
        extreme = Math.abs(row[block + i]) > Math.abs(extreme) ? row[block + i] : extreme;
      }
      float scale = extreme / -8;
      to.putShort(Float.floatToFloat16(scale));
      for (int i = 0; i < BLOCK / 2; i++) {
        int low = code(row[block + i], scale);
        int high = code(row[block + BLOCK / 2 + i], scale);
        to.put((byte) (low | high << 4));
      }
    }
  }

  private static int code(float value, float scale) {
    return scale == 0 ? 8 : Math.clamp(Math.round(value / scale) + 8, 0, 15);
  }

  /** The values that a row of blocks stands for. */
  static float[] dequantize(byte[] blocks, int row, int columns) {
    ByteBuffer from = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN);
    from.position((int) (row * Type.Q4_0.bytes(columns)));
    float[] values = new float[columns];
    for (int block = 0; block < columns; block += BLOCK) {
      float scale = Float.float16ToFloat(from.getShort());
      for (int i = 0; i < BLOCK / 2; i++) {
        int codes = from.get();
        values[block + i] = ((codes & 15) - 8) * scale;
        values[block + BLOCK / 2 + i] = ((codes >> 4 & 15) - 8) * scale;
      }
    }
    return values;
  }
}
