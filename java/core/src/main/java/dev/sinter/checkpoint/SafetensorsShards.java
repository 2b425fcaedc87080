package dev.sinter.checkpoint;

import dev.sinter.tensor.RawTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A checkpoint that is spread over several safetensors files beside an index ({@code
 * model.safetensors.index.json}), which says in {@code weight_map} which file has which tensor.
 * Index and files must name the same tensors, each once.
 */
public final class SafetensorsShards implements Checkpoint {
  private static final String MAP = "weight_map";
  private static final String SUFFIX = ".safetensors";

  private final String file;
  private final Map<String, SafetensorsFile> shards; // by file name
  private final Map<String, SafetensorsFile> shardOf; // by tensor

  private SafetensorsShards(
      String file, Map<String, SafetensorsFile> shards, Map<String, SafetensorsFile> shardOf) {
    this.file = file;
    this.shards = shards;
    this.shardOf = Collections.unmodifiableMap(shardOf);
  }

  /**
   * Opens all files that an index names.
   *
   * @throws CheckpointException if one is missing or malformed, or they contradict the index
   */
  public static SafetensorsShards open(Path index) {
    String file = index.toString();
    Map<String, String> placed = placed(file, bytes(index));
    Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, String> e : placed.entrySet()) {
        if (!shards.containsKey(e.getValue())) {
          Path shard = index.resolveSibling(e.getValue());
          if (!Files.isRegularFile(shard)) {
            throw fail(file, e.getKey(), "lies in " + e.getValue() + ", which is not there");
          }
          shards.put(e.getValue(), SafetensorsFile.open(shard));
        }
      }
      return new SafetensorsShards(file, shards, match(file, placed, shards));
    } catch (Throwable t) {
      shards.values().forEach(SafetensorsFile::close);
      throw t;
    }
  }

  /** The files that an index names, in the order of their names. */
  static List<Path> files(Path index) {
    return placed(index.toString(), bytes(index)).values().stream()
        .distinct()
        .sorted()
        .map(index::resolveSibling)
        .toList();
  }

  private static byte[] bytes(Path index) {
    try {
      long size = Files.size(index);
      if (size > SafetensorsHeader.MAX_BYTES) {
        throw fail(
            index.toString(),
            null,
            "has " + size + " bytes, at most " + SafetensorsHeader.MAX_BYTES + " are read");
      }
      return Files.readAllBytes(index);
    } catch (IOException e) {
      throw new CheckpointException(
          index.toString(), null, CheckpointException.UNKNOWN_OFFSET, "cannot be read: " + e, e);
    }
  }

  /** The name of the file of each tensor. */
  private static Map<String, String> placed(String file, byte[] json) {
    Map<String, String> placed = new LinkedHashMap<>();
    boolean[] found = new boolean[1];
    StrictJson.read(
        file,
        stripped(json),
        0,
        (in, key) -> {
          if (!key.equals(MAP)) {
            in.skip(); // "metadata" has sizes that some programs get wrong
            return;
          }
          found[0] = true;
          in.object(
              tensor -> {
                in.about(tensor);
                placed.put(tensor, plainName(in, in.string(MAP)));
                in.about(null);
              });
        });
    if (!found[0]) {
      throw fail(file, null, "has no " + MAP);
    }
    return placed;
  }

  /** Without white space at the end: people edit these files, and editors end them by a newline. */
  private static byte[] stripped(byte[] json) {
    int end = json.length;
    while (end > 0 && (json[end - 1] == '\n' || json[end - 1] == '\r' || json[end - 1] == ' ')) {
      end--;
    }
    return Arrays.copyOf(json, end);
  }

  /** A file beside the index, and no other. */
  private static String plainName(StrictJson in, String name) {
    boolean plain =
        name.endsWith(SUFFIX)
            && name.length() > SUFFIX.length()
            && name.chars().noneMatch(c -> c == '/' || c == '\\' || c < ' ');
    if (!plain) {
      throw in.fail("lies in \"" + name + "\", which is no *" + SUFFIX + " beside the index");
    }
    return name;
  }

  private static Map<String, SafetensorsFile> match(
      String file, Map<String, String> placed, Map<String, SafetensorsFile> shards) {
    for (Map.Entry<String, SafetensorsFile> shard : shards.entrySet()) {
      for (String name : shard.getValue().names()) {
        String place = placed.get(name);
        if (place == null) {
          throw fail(file, name, "is in " + shard.getKey() + ", but not in the index");
        }
        if (!place.equals(shard.getKey())) {
          throw fail(file, name, "is in " + shard.getKey() + ", by the index in " + place);
        }
      }
    }
    Map<String, SafetensorsFile> shardOf = new LinkedHashMap<>();
    placed.forEach(
        (name, place) -> {
          SafetensorsFile shard = shards.get(place);
          if (!shard.contains(name)) {
            throw fail(file, name, "is not in " + place + ", where the index has it");
          }
          shardOf.put(name, shard);
        });
    return shardOf;
  }

  private static CheckpointException fail(String file, String tensor, String reason) {
    return new CheckpointException(file, tensor, CheckpointException.UNKNOWN_OFFSET, reason);
  }

  @Override
  public String file() {
    return file;
  }

  /** In the order of the index. */
  @Override
  public List<String> names() {
    return List.copyOf(shardOf.keySet());
  }

  @Override
  public boolean contains(String name) {
    return shardOf.containsKey(name);
  }

  @Override
  public TensorInfo info(String name) {
    return shard(name).info(name);
  }

  @Override
  public RawTensor tensor(String name) {
    return shard(name).tensor(name);
  }

  private SafetensorsFile shard(String name) {
    SafetensorsFile shard = shardOf.get(name);
    if (shard == null) {
      throw NearestNames.missing(file, name, shardOf.keySet());
    }
    return shard;
  }

  /** That of the files together; where they differ, the first file's. */
  @Override
  public Map<String, String> metadata() {
    Map<String, String> all = new LinkedHashMap<>();
    shards.values().forEach(shard -> shard.metadata().forEach(all::putIfAbsent));
    return all;
  }

  /** Closes all files. Idempotent. */
  @Override
  public void close() {
    shards.values().forEach(SafetensorsFile::close);
  }
}
