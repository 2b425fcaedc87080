package dev.sinter.backend;

import dev.sinter.runtime.PlanEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Chooses a backend for each operation: the first of an ordered list that supports it. Every
 * refusal is kept, so that {@link Choice#explain} can say why the others were passed over.
 *
 * <p>A forced backend is taken for every operation it has kernels for, and where it cannot run one
 * of those, planning fails; operations it has no kernels for at all (oneDNN has no attention of
 * ours) go by the list. Thread-safe.
 */
public final class Planner {
  /** One backend's answer. */
  public record Verdict(String backend, String answer) {}

  /**
   * What was decided for one operation.
   *
   * @param others every other backend in list order, with its reason
   */
  public record Choice(OpSpec spec, Backend backend, List<Verdict> others) {
    /** The choice in words, one line a backend, given the kernel that was made from it. */
    public String explain(Kernel kernel) {
      StringBuilder text = new StringBuilder(spec.toString());
      text.append("\n  runs on ").append(backend.name());
      text.append(": ").append(kernel.implementation()).append(" (").append(kernel.isa());
      text.append(")");
      for (Verdict other : others) {
        text.append("\n  not ").append(other.backend()).append(": ").append(other.answer());
      }
      return text.toString();
    }
  }

  private final List<Backend> order;
  private final Backend forced;

  /**
   * @param order from the most to the least preferred
   * @param forced the name of the backend to force, or null
   * @throws IllegalArgumentException if no backend has that name
   */
  public Planner(List<Backend> order, String forced) {
    this.order = List.copyOf(order);
    this.forced = forced == null ? null : find(forced);
  }

  /**
   * @throws IllegalStateException if no backend supports the operation, or the forced one does not;
   *     the message gives every reason
   */
  public Choice choose(OpSpec spec) {
    Backend chosen = null;
    List<Verdict> others = new ArrayList<>();
    boolean force = forced != null && forced.operations().contains(spec.getClass());
    for (Backend backend : order) {
      Support support = supports(backend, spec);
      if (!support.supported()) {
        others.add(new Verdict(backend.name(), support.reason()));
      } else if (force && backend != forced) {
        others.add(new Verdict(backend.name(), "backend " + forced.name() + " is forced"));
      } else if (chosen != null) {
        others.add(new Verdict(backend.name(), "comes after " + chosen.name()));
      } else {
        chosen = backend;
      }
    }
    if (chosen == null) {
      throw new IllegalStateException(
          (force ? "forced backend " + forced.name() : "no backend")
              + (force ? " cannot run " : " can run ")
              + spec
              + others.stream()
                  .map(v -> "\n  " + v.backend() + ": " + v.answer())
                  .collect(Collectors.joining()));
    }
    PlanEvent.emit(spec.toString(), chosen.name(), others.toString());
    return new Choice(spec, chosen, List.copyOf(others));
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
