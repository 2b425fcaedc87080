package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.backend.Activation;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Packing;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.compress.Quantizer;
import dev.sinter.layer.Linear;
import dev.sinter.layout.PackedModel;
import dev.sinter.layout.PackedWeights;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.RowStack;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/** Makes the linear layers of a decoder, and knows them by their names in the checkpoint. */
final class LinearLoader {
  private static final long ALIGNMENT = 64;

  /** Enough that a slice is worth a worker's while, few enough that all have some. */
  private static final int ROWS_AT_ONCE = 128;

  private final Sinter sinter;
  private final DecoderTensors tensors;
  private final PackedModel packed;
  private final Map<String, Linear> linears;

  /**
   * @param packed has the weights that need not be read, and gets the others
   * @param linears gets the layers, by the names of their weights without {@code .weight}; several
   *     may be one and the same
   */
  LinearLoader(
      Sinter sinter, DecoderTensors tensors, PackedModel packed, Map<String, Linear> linears) {
    this.sinter = sinter;
    this.tensors = tensors;
    this.packed = packed;
    this.linears = linears;
  }

  Sinter sinter() {
    return sinter;
  }

  DecoderTensors tensors() {
    return tensors;
  }

  PackedModel packed() {
    return packed;
  }

  /**
   * A matrix and its bias in the checkpoint.
   *
   * @param module as {@code layers.0.mlp.up_proj}
   */
  record Part(String module, int rows, int columns, boolean bias) {}

  /** One matmul for matrices on top of each other. */
  Linear stack(LayerCompression compression, boolean residual, Part... parts) {
    return of(
        compression,
        List.of(parts),
        bias -> new Epilogue(bias, Activation.NONE, residual),
        compression.scheme().activations());
  }

  /** {@code activation(x gate^T) * (x up^T)}. */
  Linear gated(LayerCompression compression, Activation activation, Part gate, Part up) {
    return of(
        compression,
        List.of(gate, up),
        bias -> Epilogue.gate(bias, activation),
        compression.scheme().activations());
  }

  /** {@code activation(x part^T)}. */
  Linear activated(LayerCompression compression, Activation activation, Part part) {
    return of(
        compression,
        List.of(part),
        bias -> new Epilogue(bias, activation, false),
        compression.scheme().activations());
  }

  /** Whether a layer with an activation runs on as good a backend as one without does. */
  boolean hasActivation(LayerCompression compression, Activation activation, Part part) {
    return isAsGood(compression.scheme(), new Epilogue(part.bias(), activation, false), part);
  }

  /**
   * Whether a layer with a gate runs on as good a backend as one without does: one that has no gate
   * for a scheme may be much faster than the next, which has, or be the only one allowed. And
   * whether it is not the gate that keeps the weights from running as sparse ones.
   */
  boolean hasGate(LayerCompression compression, Activation activation, Part gate) {
    return isAsGood(compression.scheme(), Epilogue.gate(gate.bias(), activation), gate)
        && (compression.pruning() == null || !isSparseOnlyWithout(compression, activation, gate));
  }

  private boolean isAsGood(Scheme scheme, Epilogue epilogue, Part part) {
    int with;
    try {
      with = rank(scheme, epilogue, part);
    } catch (IllegalStateException e) {
      return false; // none runs it; if none runs the other either, making that will say so
    }
    return with <= rank(scheme, new Epilogue(part.bias(), Activation.NONE, false), part);
  }

  private boolean isSparseOnlyWithout(
      LayerCompression compression, Activation activation, Part gate) {
    Scheme scheme = compression.scheme();
    Epilogue with = Epilogue.gate(gate.bias(), activation);
    MatmulSpec gated =
        spec(scheme, gate.columns(), gate.rows(), scheme.activations(), with)
            .with(compression.pruning().structure());
    if (sinter.planner().choose(gated).keptDense() == null) {
      return false;
    }
    try (Arena arena = Arena.ofShared()) {
      CompressedTensor weights = compress(compression, List.of(gate), arena);
      Epilogue without = new Epilogue(gate.bias(), Activation.NONE, false);
      Packing plain =
          sinter.planner().pack(MatmulSpec.of(weights, scheme.activations(), without), weights);
      return plain.isBoth() || plain.few().keptDense() == null;
    }
  }

  /** How far down the list of backends the one is that the planner chooses. */
  private int rank(Scheme scheme, Epilogue epilogue, Part part) {
    MatmulSpec spec = spec(scheme, part.columns(), part.rows(), scheme.activations(), epilogue);
    return sinter.backends().indexOf(sinter.planner().choose(spec).backend());
  }

  private static MatmulSpec spec(
      Scheme scheme, int columns, int rows, ActivationScheme activations, Epilogue epilogue) {
    DType floats =
        switch (scheme.kind()) {
          case F32 -> DType.F32;
          case BF16 -> DType.BF16;
          default -> null;
        };
    return new MatmulSpec(
        columns, rows, floats, floats == null ? scheme.codes() : null, activations, epilogue);
  }

  /**
   * The matrix that makes logits.
   *
   * @param compression null for the values of the file, with f32 activations, or bf16 ones if the
   *     other layers are in bf16 like the file
   * @param others the scheme of the other layers
   */
  Linear head(LayerCompression compression, Scheme others, Part part) {
    if (compression != null) {
      return stack(compression, false, part);
    }
    DType stored = tensors.matrixType(part.module(), part.rows(), part.columns());
    if (stored == DType.BF16 && others.kind() == Scheme.Kind.BF16) {
      return stack(LayerCompression.of(Scheme.BF16), false, part);
    }
    if (stored == DType.BF16 && others.kind() != Scheme.Kind.F32) {
      MatmulSpec asStored =
          new MatmulSpec(
              part.columns(), part.rows(), DType.BF16, null, ActivationScheme.FLOAT, Epilogue.NONE);
      if (!(sinter.planner().choose(asStored).backend() instanceof ReferenceBackend)) {
        return of(
            LayerCompression.of(Scheme.BF16),
            List.of(part),
            _ -> Epilogue.NONE,
            ActivationScheme.FLOAT);
      }
    }
    return stack(LayerCompression.of(Scheme.F32), false, part); // the same values, wider
  }

  private interface EpilogueOf {
    Epilogue with(boolean bias);
  }

  private Linear of(
      LayerCompression compression,
      List<Part> parts,
      EpilogueOf epilogueOf,
      ActivationScheme activations) {
    float[] bias = biases(parts);
    Epilogue epilogue = epilogueOf.with(bias != null);
    List<String> names = parts.stream().map(part -> tensors.name(part.module())).toList();
    Linear linear =
        compression.pruning() == null
            ? kept(compression, parts, names, bias, activations, epilogue)
            : pack(compression, parts, bias, activations, epilogue);
    names.forEach(name -> linears.put(name, linear));
    return linear;
  }

  /** A layer of full weights, which are kept as they are packed. */
  private Linear kept(
      LayerCompression compression,
      List<Part> parts,
      List<String> names,
      float[] bias,
      ActivationScheme activations,
      Epilogue epilogue) {
    int rows = parts.stream().mapToInt(Part::rows).sum();
    MatmulSpec spec =
        spec(
            compression.scheme(),
            parts.getFirst().columns(),
            epilogue.gate() ? rows / 2 : rows,
            activations,
            epilogue);
    String key = String.join(" + ", names) + ": " + spec;
    PackedWeights found = packed.find(key, w -> isTaken(spec, w));
    if (found != null) {
      parts.forEach(part -> tensors.matrixType(part.module(), part.rows(), part.columns()));
      return Linear.of(sinter, spec, found, bias);
    }
    Linear linear = pack(compression, parts, bias, activations, epilogue);
    packed.keep(key, linear.packed());
    return linear;
  }

  private boolean isTaken(MatmulSpec spec, PackedWeights weights) {
    return sinter.planner().choose(spec).backend().takes(spec, weights);
  }

  private Linear pack(
      LayerCompression compression,
      List<Part> parts,
      float[] bias,
      ActivationScheme activations,
      Epilogue epilogue) {
    // Shared, because the workers pack from it; gone when the kernel has its own copy.
    try (Arena arena = Arena.ofShared()) {
      CompressedTensor weights = compress(compression, parts, arena);
      return Linear.of(sinter, weights, bias, activations, epilogue);
    }
  }

  /** Matrices on top of each other; zeros are chosen in each of them by itself. */
  private CompressedTensor compress(LayerCompression compression, List<Part> parts, Arena arena) {
    Scheme scheme = compression.scheme();
    Pruning pruning = compression.pruning();
    Dense[] matrices = new Dense[parts.size()];
    for (int i = 0; i < matrices.length; i++) {
      Part part = parts.get(i);
      matrices[i] = tensors.matrix(part.module(), part.rows(), part.columns());
    }
    if (pruning != null) {
      forEach(
          matrices.length, i -> matrices[i] = (Dense) pruning.apply(matrices[i], arena).values());
    }
    List<Dense> slices = new ArrayList<>();
    for (Dense matrix : matrices) {
      slice(matrix, scheme.kind() == Scheme.Kind.F32 && matrix.dtype() == DType.F32, slices);
    }
    CompressedTensor[] weights = new CompressedTensor[slices.size()];
    forEach(weights.length, i -> weights[i] = compress(slices.get(i), scheme, arena));
    String name = tensors.name(parts.getFirst().module()) + "+";
    CompressedTensor all =
        weights.length == 1 ? weights[0] : RowStack.of(name, List.of(weights), arena);
    return pruning == null ? all : new Sparse(pruning.structure(), all.full());
  }

  private void forEach(int count, IntConsumer task) {
    sinter.pool().run(worker -> worker.forEachTile(count, (_, i) -> task.accept(i)));
  }

  /**
   * Cuts a matrix into rows that workers compress side by side; what stays as it is, stays whole.
   */
  private static void slice(Dense matrix, boolean whole, List<Dense> slices) {
    int step = whole ? matrix.rows() : ROWS_AT_ONCE;
    long rowBytes = (long) matrix.columns() * matrix.dtype().bytes();
    for (int row = 0; row < matrix.rows(); row += step) {
      int rows = Math.min(step, matrix.rows() - row);
      String name = row == 0 ? matrix.name() : matrix.name() + " from row " + row + " on";
      MemorySegment data = matrix.data().asSlice(row * rowBytes, rows * rowBytes);
      slices.add(new Dense(name, rows, matrix.columns(), matrix.dtype(), data));
    }
  }

  /** A matrix as a scheme has it. */
  static CompressedTensor compress(Dense weights, Scheme scheme, Arena arena) {
    return switch (scheme.kind()) {
      case F32 -> widen(weights, arena);
      case BF16 -> weights.toBf16(arena);
      default -> Quantizer.quantize(weights, scheme.codes(), arena);
    };
  }

  private static Dense widen(Dense weights, Arena arena) {
    if (weights.dtype() == DType.F32) {
      return weights;
    }
    long count = (long) weights.rows() * weights.columns();
    MemorySegment values = arena.allocate(Float.BYTES * count, ALIGNMENT);
    for (long i = 0; i < count; i++) {
      values.setAtIndex(ValueLayout.JAVA_FLOAT, i, weights.dtype().readFloat(weights.data(), i));
    }
    return new Dense(weights.name(), weights.rows(), weights.columns(), DType.F32, values);
  }

  /** All biases in a row; null if there are none. */
  private float[] biases(List<Part> parts) {
    float[] all = new float[parts.stream().mapToInt(Part::rows).sum()];
    boolean any = false;
    int at = 0;
    for (Part part : parts) {
      float[] bias = tensors.bias(part.module(), part.rows(), part.bias());
      if (bias != null) {
        any = true;
        System.arraycopy(bias, 0, all, at, bias.length);
      }
      at += part.rows();
    }
    return any ? all : null;
  }
}
