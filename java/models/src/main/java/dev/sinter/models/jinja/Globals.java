package dev.sinter.models.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The functions that every template has: Jinja's, and those that transformers adds. */
final class Globals {
  private static final int MAX_RANGE = 100_000; // as Jinja's sandbox has it

  private static final Set<String> UNSUPPORTED = Set.of("cycler", "joiner", "lipsum");

  private Globals() {}

  static void define(Scope scope, Clock clock) {
    scope.set("range", (Function) Globals::range);
    scope.set("dict", (Function) a -> attributes(a));
    scope.set("namespace", (Function) a -> new Namespace(attributes(a)));
    scope.set("raise_exception", (Function) Globals::raise);
    scope.set("strftime_now", (Function) a -> now(a, clock));
    for (String name : UNSUPPORTED) {
      scope.set(
          name,
          (Function)
              a -> {
                throw a.fail("is not supported");
              });
    }
  }

  private static Object range(Arguments a) {
    Object[] args = a.exactly(new String[a.positional().size()]);
    if (args.length < 1 || args.length > 3 || !a.named().isEmpty()) {
      throw a.fail("takes 1 to 3 numbers");
    }
    long from = args.length == 1 ? 0 : a.number(args[0], 0);
    long to = a.number(args[args.length == 1 ? 0 : 1], 0);
    long step = args.length == 3 ? a.number(args[2], 1) : 1;
    if (step == 0) {
      throw a.fail("got a step of 0");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      if (numbers.size() == MAX_RANGE) {
        throw a.fail("has more than " + MAX_RANGE + " numbers");
      }
      numbers.add(i);
    }
    a.budget().spend(numbers.size());
    return Series.view(numbers);
  }

  private static Map<String, Object> attributes(Arguments a) {
    Map<String, Object> attributes = new LinkedHashMap<>();
    if (a.positional().size() > 1) {
      throw a.fail("takes one dict, and names");
    }
    for (Object from : a.positional()) {
      if (!(from instanceof Map<?, ?> map)) {
        throw a.fail("of " + Values.type(from) + " is not supported");
      }
      map.forEach((key, value) -> attributes.put((String) key, value));
    }
    attributes.putAll(a.named());
    a.budget().spend(attributes.size());
    return attributes;
  }

  private static Object raise(Arguments a) {
    Object message = a.exactly("message")[0];
    throw JinjaException.raised(Values.text(message, a.budget()));
  }

  private static Object now(Arguments a, Clock clock) {
    String format = a.text(a.exactly("format")[0], null);
    return DateFormat.format(LocalDateTime.now(clock), format, a.budget());
  }
}
