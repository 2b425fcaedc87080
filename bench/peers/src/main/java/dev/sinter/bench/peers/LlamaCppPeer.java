package dev.sinter.bench.peers;

import dev.sinter.bench.Peer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** llama.cpp's CPU backend as its Java binding brings it, with weights in Q4_0. */
public final class LlamaCppPeer implements Peer {
  private static final String FILE = "decoder-q4_0.gguf";

  @Override
  public String name() {
    return "llama.cpp";
  }

  @Override
  public List<Variant> layers() {
    return List.of();
  }

  @Override
  public List<String> encoders() {
    return List.of();
  }

  @Override
  public List<Variant> decoders() {
    return List.of(new Variant("w4a8", Q40.BLOCK));
  }

  @Override
  public Matrix matrix(Variant variant, MemorySegment weights, int k, int n) {
    throw new IllegalArgumentException("no layer of " + variant);
  }

  @Override
  public Encoder encoder(String scheme, int threads) {
    throw new IllegalArgumentException("no encoder in " + scheme);
  }

  /**
   * {@inheritDoc}
   *
   * <p>What is checked is a small decoder of the same family, which is written the same way; of
   * this one that llama.cpp runs the same shape.
   */
  @Override
  public Decoder decoder(Variant variant, Path folder, int threads) {
    try {
      Path room = Files.createTempDirectory("sinter-llama");
      try (LlamaCheck check = LlamaCheck.make(room)) {
        String wrong = check.disagreement(threads);
        if (wrong != null) {
          throw new IllegalStateException("llama.cpp differs, " + wrong);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return LlamaDecoder.open(folder, folder.resolveSibling(FILE), threads);
  }
}
