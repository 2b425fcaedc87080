package dev.sinter.backend;

import dev.sinter.runtime.PlanEvent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Chooses a backend for each operation: the first of an ordered list that supports it, or of those
 * that were timed on this machine the fastest, see {@link Timings}. Every refusal is kept, so that
 * {@link Choice#explain} can say why the others were passed over.
 *
 * <p>A forced backend is taken for every operation it has kernels for, and where it cannot run one
 * of those, planning fails; operations it has no kernels for at all (oneDNN has no attention of
 * ours) go by the list.
 *
 * <p>Sparse weights run as such if the first backend of the list that can run them in any form has
 * a kernel for their structure. Otherwise they are kept as dense ones, zeros and all: a kernel that
 * skips nothing may well be the fastest there is. Thread-safe.
 */
public final class Planner {
  /** One backend's answer. */
  public record Verdict(String backend, String answer) {}

  /**
   * What was decided for one operation.
   *
   * @param spec what to run: what was asked for, or that for sparse weights that are kept as dense
   * @param keptDense why they are, in words; null if they are not
   * @param others every other backend in list order, with its reason
   */
  public record Choice(OpSpec spec, String keptDense, Backend backend, List<Verdict> others) {
    /** The choice in words, one line a backend, given the kernel that was made from it. */
    public String explain(Kernel kernel) {
      StringBuilder text = new StringBuilder(spec.toString());
      if (keptDense != null) {
        text.append("\n  ").append(keptDense);
      }
      text.append("\n  runs on ").append(backend.name());
      text.append(": ").append(kernel.implementation()).append(" (").append(kernel.isa());
      text.append(")");
      for (Verdict other : others) {
        text.append("\n  not ").append(other.backend()).append(": ").append(other.answer());
      }
      return text.toString();
    }
  }

  /**
   * How much faster another backend must have been than the list's, so that noise decides nothing.
   */
  private static final double GAIN = 1.05;

  private final List<Backend> order;
  private final Backend forced;
  private final Timings timings;

  /**
   * @param order from the most to the least preferred
   * @param forced the name of the backend to force, or null
   * @param timings count for matmuls, between backends that are all in them
   * @throws IllegalArgumentException if no backend has that name
   */
  public Planner(List<Backend> order, String forced, Timings timings) {
    this.order = List.copyOf(order);
    this.forced = forced == null ? null : find(forced);
    this.timings = timings;
  }

  /**
   * @throws IllegalStateException if no backend supports the operation, or the forced one does not;
   *     the message gives every reason
   */
  public Choice choose(OpSpec spec) {
    if (spec instanceof MatmulSpec sparse && sparse.sparsity() != null) {
      for (Backend backend : isForced(spec) ? List.of(forced) : order) {
        Support support = supports(backend, sparse);
        if (support.supported()) {
          break;
        }
        if (supports(backend, sparse.dense()).supported()) {
          String reason = backend.name() + " " + support.reason();
          return choose(sparse.dense(), keptDense(sparse, reason));
        }
      }
    }
    return choose(spec, null);
  }

  private static String keptDense(MatmulSpec sparse, String reason) {
    String types = sparse.weightType() + " kept as dense " + sparse.dense().weightType();
    return types + ": " + reason;
  }

  private boolean isForced(OpSpec spec) {
    return forced != null && forced.operations().contains(spec.getClass());
  }

  private Choice choose(OpSpec spec, String keptDense) {
    boolean force = isForced(spec);
    Map<Backend, String> refusals = new LinkedHashMap<>();
    List<Backend> able = new ArrayList<>();
    for (Backend backend : order) {
      Support support = supports(backend, spec);
      if (!support.supported()) {
        refusals.put(backend, support.reason());
      } else if (force && backend != forced) {
        refusals.put(backend, "backend " + forced.name() + " is forced");
      } else {
        able.add(backend);
      }
    }
    if (able.isEmpty()) {
      throw new IllegalStateException(
          (force ? "forced backend " + forced.name() : "no backend")
              + (force ? " cannot run " : " can run ")
              + spec
              + refusals.entrySet().stream()
                  .map(e -> "\n  " + e.getKey().name() + ": " + e.getValue())
                  .collect(Collectors.joining()));
    }
    Map<String, Double> slowdowns = slowdowns(spec, able);
    Backend chosen = fastest(able, slowdowns);
    for (Backend other : able) {
      if (other != chosen) {
        refusals.put(other, passedOver(other, chosen, slowdowns));
      }
    }
    List<Verdict> others =
        order.stream()
            .filter(refusals::containsKey)
            .map(b -> new Verdict(b.name(), refusals.get(b)))
            .toList();
    PlanEvent.emit(spec.toString(), chosen.name(), others.toString());
    return new Choice(spec, keptDense, chosen, others);
  }

  /** Of the backends from the first on that were timed; empty unless these are two at least. */
  private Map<String, Double> slowdowns(OpSpec spec, List<Backend> able) {
    if (!(spec instanceof MatmulSpec matmul)) {
      return Map.of();
    }
    for (int count = able.size(); count > 1; count--) {
      Set<String> names =
          able.subList(0, count).stream().map(Backend::name).collect(Collectors.toSet());
      Map<String, Double> found = timings.slowdowns(matmul, names);
      if (!found.isEmpty()) {
        return found;
      }
    }
    return Map.of();
  }

  private static Backend fastest(List<Backend> able, Map<String, Double> slowdowns) {
    Backend chosen = able.getFirst();
    for (Backend other : able) {
      if (slowdowns.containsKey(other.name())
          && slowdowns.get(other.name()) * GAIN < slowdowns.get(chosen.name())) {
        chosen = other;
      }
    }
    return chosen;
  }

  private static String passedOver(Backend other, Backend chosen, Map<String, Double> slowdowns) {
    if (!slowdowns.containsKey(other.name())) {
      return "comes after " + chosen.name();
    }
    double times = slowdowns.get(other.name()) / slowdowns.get(chosen.name());
    return String.format(
        Locale.ROOT, "took %.2f times as long as %s when measured", times, chosen.name());
  }

  /** What each backend says of an operation, in list order, whatever is forced. */
  public List<Verdict> survey(OpSpec spec) {
    return order.stream()
        .map(
            b -> {
              Support s = supports(b, spec);
              return new Verdict(b.name(), s.supported() ? "yes" : s.reason());
            })
        .toList();
  }

  private static Support supports(Backend backend, OpSpec spec) {
    return backend.operations().contains(spec.getClass())
        ? backend.supports(spec)
        : Support.no("has no " + spec.operation() + " kernel");
  }

  private Backend find(String name) {
    for (Backend backend : order) {
      if (backend.name().equals(name)) {
        return backend;
      }
    }
    throw new IllegalArgumentException(
        "sinter.backend: unknown backend '"
            + name
            + "', expected one of "
            + order.stream().map(Backend::name).collect(Collectors.joining(", ")));
  }
}
