package dev.sinter.models;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.layer.Linear;
import dev.sinter.layer.RowOperation;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.stream.Stream;

/** A gated MLP: gate and up as one matmul where the backend has gates, else as two. */
final class DecoderMlp implements AutoCloseable {
  private final Activation activation;
  private Linear first; // both, or the gate alone
  private Linear up; // null if the first is both
  private Linear output;

  private DecoderMlp(Activation activation) {
    this.activation = activation;
  }

  static DecoderMlp load(
      LinearLoader loader, DecoderConfig config, LayerCompression scheme, String prefix) {
    DecoderConfig.Mlp c = config.mlp();
    int hidden = config.hidden();
    var gate = new LinearLoader.Part(prefix + "gate_proj", c.width(), hidden, c.bias());
    var up = new LinearLoader.Part(prefix + "up_proj", c.width(), hidden, c.bias());
    var down = new LinearLoader.Part(prefix + "down_proj", hidden, c.width(), c.bias());
    DecoderMlp mlp = new DecoderMlp(c.activation());
    try {
      // The error function is left to the kernels.
      if (c.activation() == Activation.GELU_ERF || loader.hasGate(scheme, c.activation(), gate)) {
        mlp.first = loader.gated(scheme, c.activation(), gate, up);
      } else {
        mlp.first =
            loader.hasActivation(scheme, c.activation(), gate)
                ? loader.activated(scheme, c.activation(), gate)
                : loader.stack(scheme, false, gate);
        mlp.up = loader.stack(scheme, false, up);
      }
      mlp.output = loader.stack(scheme, !config.norms().behindBlocks(), down);
      return mlp;
    } catch (RuntimeException | Error e) {
      mlp.close();
      throw e;
    }
  }

  /** The layer that takes the input; if there is a second, it takes the same codes. */
  Linear first() {
    return first;
  }

  Linear output() {
    return output;
  }

  boolean hasOwnUp() {
    return up != null;
  }

  Stream<Linear> linears() {
    return Stream.of(first, up, output).filter(Objects::nonNull);
  }

  /** Appends all but the output; the result is in {@link DecoderBuffers#gate}. */
  void planInner(PlanBuilder plan, String name, ActivationBuffer input, DecoderBuffers b) {
    plan.operation(first.operation(name + "MLP gate", input, b.gate(), b.batch()::rows));
    if (up != null) {
      plan.operation(up.operation(name + "MLP up", input, b.up(), b.batch()::rows));
      boolean done = first.spec().epilogue().activation() != Activation.NONE;
      Activation left = done ? Activation.NONE : activation;
      plan.step(name + "gate", gate(b.gate(), b.up(), first.spec().n(), left));
    }
  }

  /** {@code x = activation(x) * y}, row by row. */
  static RowOperation.Step gate(
      MemorySegment x, MemorySegment y, int width, Activation activation) {
    return (from, to) -> {
      for (long i = (long) from * width; i < (long) to * width; i++) {
        float gate = apply(activation, x.getAtIndex(JAVA_FLOAT, i));
        x.setAtIndex(JAVA_FLOAT, i, gate * y.getAtIndex(JAVA_FLOAT, i));
      }
    };
  }

  private static float apply(Activation activation, float x) {
    return switch (activation) {
      case NONE -> x;
      case SILU -> (float) (x / (1 + Math.exp(-x)));
      case GELU_TANH -> {
        double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
        yield (float) (x * (1 + Math.tanh(inner)) / 2);
      }
      case GELU_ERF -> throw new IllegalArgumentException(activation + " is left to the kernels");
    };
  }

  @Override
  public void close() {
    for (Linear linear : new Linear[] {first, up, output}) {
      if (linear != null) {
        linear.close();
      }
    }
  }
}
