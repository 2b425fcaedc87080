package dev.sinter.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sinter.tensor.RawTensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Writes safetensors files. The same tensors give the same bytes, in whatever order they come:
 * those with the largest elements come first, then by name, so that each lies aligned to its
 * element behind a header padded to 8 bytes. A file appears whole or not at all: it is written
 * beside its place, forced to disk and then moved there. Thread-safe, no state.
 */
public final class CheckpointWriter {
  private static final int HEADER_ALIGNMENT = 8;
  private static final long CHUNK = 1L << 30;
  private static final JsonFactory JSON = new JsonFactory();

  private static final Comparator<RawTensor> ORDER =
      Comparator.comparingInt((RawTensor t) -> -t.dtype().bytes()).thenComparing(RawTensor::name);

  private CheckpointWriter() {}

  @FunctionalInterface
  private interface Content {
    void write(FileChannel out) throws IOException;
  }

  @FunctionalInterface
  private interface Members {
    void write(JsonGenerator json) throws IOException;
  }

  /**
   * Writes one file, over one that may be there.
   *
   * @param metadata for {@code __metadata__}; left out if empty
   * @throws IllegalArgumentException if two tensors have one name, or a name cannot be written
   * @throws UncheckedIOException if writing fails; what was there before is still there
   */
  public static void write(Path file, List<RawTensor> tensors, Map<String, String> metadata) {
    List<RawTensor> ordered = ordered(tensors);
    byte[] header = header(ordered, metadata);
    replace(
        file,
        out -> {
          ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          writeAll(out, length.putLong(header.length).flip());
          writeAll(out, ByteBuffer.wrap(header));
          for (RawTensor t : ordered) {
            writeAll(out, t.data());
          }
        });
  }

  /**
   * Writes {@code model-00001-of-0000N.safetensors} and so on, and last {@code
   * model.safetensors.index.json}, which names them.
   *
   * @param folder is made if it is not there
   * @param shardBytes most bytes of tensors in a file; a larger tensor has a file of its own
   * @return the index
   * @throws IllegalArgumentException if two tensors have one name, or a name cannot be written
   * @throws UncheckedIOException if writing fails
   */
  public static Path writeShards(
      Path folder, List<RawTensor> tensors, Map<String, String> metadata, long shardBytes) {
    if (shardBytes < 1) {
      throw new IllegalArgumentException("shardBytes is " + shardBytes + ", must be at least 1");
    }
    List<List<RawTensor>> shards = new ArrayList<>();
    long left = 0;
    for (RawTensor t : ordered(tensors)) {
      long bytes = t.data().byteSize();
      if (shards.isEmpty() || bytes > left) {
        shards.add(new ArrayList<>());
        left = shardBytes;
      }
      shards.getLast().add(t);
      left -= bytes;
    }
    Path index = folder.resolve("model.safetensors.index.json");
    Map<String, String> placed = new TreeMap<>();
    try {
      Files.createDirectories(folder);
      for (int i = 0; i < shards.size(); i++) {
        String name =
            String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
        write(folder.resolve(name), shards.get(i), metadata);
        shards.get(i).forEach(t -> placed.put(t.name(), name));
      }
    } catch (IOException e) {
      throw failed(folder, e);
    }
    long total = tensors.stream().mapToLong(t -> t.data().byteSize()).sum();
    byte[] json =
        object(
            out -> {
              out.writeObjectFieldStart("metadata");
              out.writeNumberField("total_size", total);
              out.writeEndObject();
              out.writeObjectFieldStart("weight_map");
              for (Map.Entry<String, String> e : placed.entrySet()) {
                out.writeStringField(e.getKey(), e.getValue());
              }
              out.writeEndObject();
            });
    replace(index, out -> writeAll(out, ByteBuffer.wrap(json)));
    return index;
  }

  private static List<RawTensor> ordered(List<RawTensor> tensors) {
    Set<String> names = new HashSet<>();
    for (RawTensor t : tensors) {
      if (t.name().equals(SafetensorsHeader.METADATA) || !names.add(t.name())) {
        throw new IllegalArgumentException(
            "tensor name \""
                + t.name()
                + "\" is taken: it must differ from all others and from "
                + SafetensorsHeader.METADATA);
      }
      requireUtf8(t.name());
    }
    return tensors.stream().sorted(ORDER).toList();
  }

  private static void requireUtf8(String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new IllegalArgumentException("\"" + text + "\" has half a surrogate pair: no UTF-8");
    }
  }

  private static byte[] header(List<RawTensor> tensors, Map<String, String> metadata) {
    byte[] json =
        object(
            out -> {
              if (!metadata.isEmpty()) {
                out.writeObjectFieldStart(SafetensorsHeader.METADATA);
                for (Map.Entry<String, String> e : new TreeMap<>(metadata).entrySet()) {
                  requireUtf8(e.getKey());
                  requireUtf8(e.getValue());
                  out.writeStringField(e.getKey(), e.getValue());
                }
                out.writeEndObject();
              }
              long at = 0;
              for (RawTensor t : tensors) {
                long end = at + t.data().byteSize();
                out.writeObjectFieldStart(t.name());
                out.writeStringField("dtype", t.dtype().name());
                out.writeFieldName("shape");
                out.writeArray(t.shape(), 0, t.rank());
                out.writeFieldName("data_offsets");
                out.writeArray(new long[] {at, end}, 0, 2);
                out.writeEndObject();
                at = end;
              }
            });
    int padded = Math.ceilDiv(json.length, HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
    if (padded > SafetensorsHeader.MAX_BYTES) {
      throw new IllegalArgumentException(
          "the header has " + padded + " bytes, at most " + SafetensorsHeader.MAX_BYTES);
    }
    byte[] header = Arrays.copyOf(json, padded);
    Arrays.fill(header, json.length, padded, (byte) ' ');
    return header;
  }

  private static byte[] object(Members members) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      members.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new AssertionError("nothing fails that is written to memory", e);
    }
    return bytes.toByteArray();
  }

  private static void replace(Path file, Content content) {
    Path temporary =
        file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try (FileChannel out =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        content.write(out);
        out.force(true);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw failed(file, e);
    } finally {
      deleteQuietly(temporary);
    }
  }

  /** Gone already if all went well; if not, the first failure says more than this one. */
  private static void deleteQuietly(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      temporary.toFile().deleteOnExit();
    }
  }

  private static UncheckedIOException failed(Path file, IOException e) {
    return new UncheckedIOException(file + " cannot be written: " + e, e);
  }

  private static void writeAll(FileChannel out, MemorySegment data) throws IOException {
    for (long at = 0; at < data.byteSize(); at += CHUNK) {
      writeAll(out, data.asSlice(at, Math.min(CHUNK, data.byteSize() - at)).asByteBuffer());
    }
  }

  private static void writeAll(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
