package dev.sinter.backend;

import dev.sinter.runtime.PlanEvent;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
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
 * <p>Sparse weights can run as such if the first backend of the list that can run them in any form
 * has a kernel for their structure. Whether they do depends on what both forms took on this machine
 * at such a density, see {@link #pack}. Where that was not measured, blocks run as such, as they
 * gain in proportion everywhere, while N:M and unstructured weights do not unless the backend is
 * forced. Otherwise they are kept as dense ones, zeros and all: a kernel that skips nothing may
 * well be the fastest there is. Thread-safe.
 */
public final class Planner {
  /** One backend's answer. */
  public record Verdict(String backend, String answer) {}

  /**
   * What was decided for one operation.
   *
   * @param spec what to run: what was asked for, or that for sparse weights that are kept as dense
   * @param keptDense why they are, in words; null if they are not
   * @param measured how fast sparse weights are as such, in words; null if they are not, or if that
   *     was not measured
   * @param others every other backend in list order, with its reason
   */
  public record Choice(
      OpSpec spec, String keptDense, String measured, Backend backend, List<Verdict> others) {
    /** The choice in words, one line a backend, given the kernel that was made from it. */
    public String explain(Kernel kernel) {
      StringBuilder text = new StringBuilder(spec.toString());
      if (keptDense != null) {
        text.append("\n  ").append(keptDense);
      }
      if (measured != null) {
        text.append("\n  ").append(measured);
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

  /** Structures that weights of another one may be taken for, if that was timed to be faster. */
  private static final List<Sparsity> OTHERS =
      List.of(new Sparsity.Blocks(16, 4), new Sparsity.Blocks(16, 8), Sparsity.UNSTRUCTURED);

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
   * The choice for any number of rows. For sparse weights it goes by the list, since how dense they
   * are is not known: {@link #pack} does better.
   *
   * @throws IllegalStateException if no backend supports the operation, or the forced one does not;
   *     the message gives every reason
   */
  public Choice choose(OpSpec spec) {
    if (!(spec instanceof MatmulSpec sparse) || sparse.sparsity() == null) {
      return choose(spec, null, null);
    }
    Backend backend = firstFor(sparse);
    Support support = backend == null ? Support.yes() : supports(backend, sparse);
    if (!support.supported()) {
      return keptDense(sparse, ": " + backend.name() + " " + support.reason());
    }
    if (backend == null || isForced(sparse) || sparse.sparsity() instanceof Sparsity.Blocks) {
      return choose(sparse, null, null);
    }
    return keptDense(
        sparse,
        ": "
            + backend.name()
            + " has a kernel that pays for few rows, on some machines; for this one it was not timed"
            + " (sinter calibrate)");
  }

  /**
   * How a layer is to hold its weights. For sparse ones that were timed on this machine, see {@link
   * Timings}: as such if that is faster on the whole and nowhere much slower; in both forms where
   * each is faster for other numbers of rows, if one backend has kernels for both, so that a row's
   * result does not depend on the number of rows; else as dense ones. Zeros whose structure has no
   * kernel, or a slower one, are taken for larger blocks or unstructured where that was timed to be
   * faster: 1x16 blocks for 16x4 ones, 2:4 for unstructured.
   *
   * @param weights for which {@code spec} is
   * @throws IllegalStateException as {@link #choose}
   */
  public Packing pack(MatmulSpec spec, CompressedTensor weights) {
    Backend backend = weights instanceof Sparse ? firstFor(spec) : null;
    if (backend == null) {
      return new Packing(choose(spec));
    }
    Sparse sparse = (Sparse) weights;
    Taken best = null;
    for (Sparsity structure : structures(spec, backend)) {
      Taken taken = taken(spec, sparse.as(structure), backend);
      if (taken != null && (best == null || taken.speedups.gain() > best.speedups.gain())) {
        best = taken;
      }
    }
    return best == null ? unmeasured(spec, sparse, backend) : best.pack(spec);
  }

  /** What the zeros can be taken for: their structure, and such as there are other kernels for. */
  private static List<Sparsity> structures(MatmulSpec spec, Backend backend) {
    Sparsity own = spec.sparsity();
    boolean supported = supports(backend, spec).supported();
    if (supported && own instanceof Sparsity.Blocks) {
      return List.of(own);
    }
    List<Sparsity> structures = new ArrayList<>();
    for (Sparsity other : OTHERS) {
      if (!other.equals(own) && supports(backend, spec.with(other)).supported()) {
        structures.add(other);
      }
    }
    if (supported) {
      structures.addFirst(own);
    }
    return structures;
  }

  /** Null if nothing like it was timed. */
  private Taken taken(MatmulSpec spec, Sparse weights, Backend backend) {
    MatmulSpec as = spec.with(weights.sparsity());
    double density = backend.density(as, weights);
    SparseSpeedups speedups = timings.speedups(as, density, backend.name());
    return speedups == null ? null : new Taken(as, density, speedups);
  }

  /** Weights in a structure that was timed. */
  private final class Taken {
    private final MatmulSpec as;
    private final double density;
    private final SparseSpeedups speedups;

    Taken(MatmulSpec as, double density, SparseSpeedups speedups) {
      this.as = as;
      this.density = density;
      this.speedups = speedups;
    }

    Packing pack(MatmulSpec spec) {
      String taken = as.equals(spec) ? "" : "taken as " + as.sparsity() + ", ";
      String sparse = taken.isEmpty() ? "" : spec.sparsity() + " " + taken;
      String at = String.format(Locale.ROOT, " (timed at density %.2f)", density);
      if (speedups.pays()) {
        return new Packing(choose(as, null, sparse + speedups + at));
      }
      SparseSpeedups.Split split = speedups.split();
      if (split == null) {
        return new Packing(
            keptDense(spec, (taken.isEmpty() ? " for " : ": " + taken) + speedups + at));
      }
      String few = "for M up to " + split.most() + ", ";
      String more = "for M above " + split.most() + ", ";
      String timedFew = split.few() + at;
      String timedMore = split.more() + at;
      boolean first = split.sparseFirst();
      Choice asSuch = choose(as, null, sparse + (first ? few + timedFew : more + timedMore));
      Choice dense =
          keptDense(spec, " " + (first ? more + taken + timedMore : few + taken + timedFew));
      Packing both =
          first
              ? new Packing(asSuch, split.most(), dense)
              : new Packing(dense, split.most(), asSuch);
      return asSuch.backend() == dense.backend()
          ? both
          : both.dense("dense weights run on " + dense.backend().name() + ", sparse ones do not");
    }
  }

  private Packing unmeasured(MatmulSpec spec, Sparse weights, Backend backend) {
    double most = supports(backend, spec).supported() ? backend.crossover(spec) : 0;
    if (most == 0 || isForced(spec)) {
      return new Packing(choose(spec));
    }
    double density = backend.density(spec, weights);
    return new Packing(
        density <= most
            ? choose(spec, null, null)
            : keptDense(
                spec,
                String.format(
                    Locale.ROOT,
                    ": %s gains at density %.2f or less, this is %.2f",
                    backend.name(),
                    most,
                    density)));
  }

  /** Who would run sparse weights in any form; null if nobody can. */
  private Backend firstFor(MatmulSpec sparse) {
    for (Backend backend : isForced(sparse) ? List.of(forced) : order) {
      if (supports(backend, sparse).supported() || supports(backend, sparse.dense()).supported()) {
        return backend;
      }
    }
    return null;
  }

  private Choice keptDense(MatmulSpec sparse, String reason) {
    MatmulSpec dense = sparse.dense();
    String types = sparse.weightType() + " kept as dense " + dense.weightType();
    return choose(dense, types + reason, null);
  }

  private boolean isForced(OpSpec spec) {
    return forced != null && forced.operations().contains(spec.getClass());
  }

  private Choice choose(OpSpec spec, String keptDense, String measured) {
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
    return new Choice(spec, keptDense, measured, chosen, others);
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
