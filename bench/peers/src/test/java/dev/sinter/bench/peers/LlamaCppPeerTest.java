package dev.sinter.bench.peers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.bench.Peer;
import dev.sinter.testing.TestRandom;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaCppPeerTest {
  private static final int THREADS = 2;

  private final TestRandom random = new TestRandom();

  @TempDir private Path folder;

  private static byte[] quantize(float[] row) {
    ByteBuffer blocks = ByteBuffer.allocate(row.length / 32 * 18).order(ByteOrder.LITTLE_ENDIAN);
    Q40.quantize(row, blocks);
    return blocks.array();
  }

  @Test
  void isFound() {
    assertTrue(Peer.all().stream().anyMatch(p -> p.name().equals("llama.cpp")));
  }

  @Test
  void aBlockHoldsItsLargestValueAndTheOthersToHalfAStep() {
    float[] row = random.normals(4 * Q40.BLOCK, 1);
    byte[] blocks = quantize(row);
    float[] held = Q40.dequantize(blocks, 0, row.length);
    for (int i = 0; i < row.length; i++) {
      float largest = 0;
      for (int j = i / 32 * 32; j < i / 32 * 32 + 32; j++) {
        largest = Math.max(largest, Math.abs(row[j]));
      }
      // The code +8 is missing: opposite the extreme, a whole step may be lost.
      assertTrue(Math.abs(held[i] - row[i]) <= largest / 8 * 1.01, i + " " + random);
    }
    assertArrayEquals(blocks, quantize(held), random.toString());
    float[] zeros = Q40.dequantize(quantize(new float[32]), 0, 32);
    assertArrayEquals(new float[32], zeros, Float.MIN_VALUE); // negative ones are equal
  }

  /** Byte j has value j in its low half, and j + 16 in the high one. */
  @Test
  void theCodesLieInHalves() {
    float[] row = new float[32];
    row[0] = -8;
    row[16] = 7;
    byte[] blocks = quantize(row);
    assertEquals(1, Float.float16ToFloat((short) (blocks[0] & 255 | blocks[1] << 8)));
    assertEquals((byte) 0xF0, blocks[2]);
    assertEquals((byte) 0x88, blocks[3]);
  }

  @Test
  void llamaCppComputesWhatTheReferenceDoes() throws Exception {
    Path room = Files.createDirectory(folder.resolve("check"));
    try (LlamaCheck check = LlamaCheck.make(room)) {
      assertNull(check.disagreement(THREADS));
      Path file = folder.resolve("again.gguf");
      try (LlamaDecoder decoder = LlamaDecoder.open(room, file, THREADS)) {
        int[] count = {0};
        decoder.write(new int[] {3, 40, 95}, 9, () -> count[0]++);
        assertEquals(9, count[0]);
        assertTrue(decoder.weightBytes() < Files.size(file));
        assertEquals(2 * 2 * 2 * 2 * 16, decoder.tokenBytes());
      }
    }
  }

  @Test
  void anotherTokenIsSeen() {
    float[] logits = random.normals(96, 1);
    logits[50] = 9;
    assertNull(LlamaCheck.disagreement(logits, LlamaGguf.piece(50)));
    assertNotNull(LlamaCheck.disagreement(logits, LlamaGguf.piece(51)), random.toString());
    assertNotNull(LlamaCheck.disagreement(logits, ""), random.toString());
  }

  @Test
  void aRowThatIsNoWholeNumberOfBlocksIsRefused() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> new GgufWriter().add("x", GgufWriter.Type.Q4_0, 2, 33, () -> new byte[0]))
            .getMessage();
    assertTrue(message.contains("multiple of 32"), message);
  }
}
