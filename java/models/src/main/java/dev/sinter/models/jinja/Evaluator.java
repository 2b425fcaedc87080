package dev.sinter.models.jinja;

import dev.sinter.models.jinja.Expression.CallArguments;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Renders a template once. */
final class Evaluator {
  /** How a list of statements ended. */
  private enum End {
    DONE,
    BREAK,
    CONTINUE
  }

  private final Budget budget;
  private Scope scope = new Scope(null);
  private StringBuilder out = new StringBuilder();

  Evaluator(Map<String, Object> variables, Clock clock, Budget budget) {
    this.budget = budget;
    Globals.define(scope, clock);
    variables.forEach(scope::set);
  }

  String render(List<Statement> body) {
    run(body);
    return out.toString();
  }

  private End run(List<Statement> body) {
    budget.enter();
    End end = End.DONE;
    for (int i = 0; i < body.size() && end == End.DONE; i++) {
      budget.spend(1);
      end = run(body.get(i));
    }
    budget.leave();
    return end;
  }

  private End run(Statement statement) {
    switch (statement) {
      case Statement.Text t -> print(t.text());
      case Statement.Print p -> {
        budget.at(p.line());
        print(Values.text(value(p.value()), budget));
      }
      case Statement.If i -> {
        return choose(i);
      }
      case Statement.For f -> {
        return loop(f);
      }
      case Statement.Set s -> {
        budget.at(s.line());
        assign(s.targets(), value(s.value()));
      }
      case Statement.SetAttribute s -> {
        budget.at(s.line());
        Object value = value(s.value());
        if (!(scope.get(s.namespace()) instanceof Namespace n)) {
          throw budget.fail("'" + s.namespace() + "' is no namespace: its attributes are not set");
        }
        n.attributes().put(s.attribute(), value);
      }
      case Statement.SetBlock s -> scope.set(s.target(), captured(s.body(), new Scope(scope)));
      case Statement.Macro m -> define(m);
      case Statement.Generation g -> print(captured(g.body(), new Scope(scope)));
      case Statement.Break _ -> {
        return End.BREAK;
      }
      case Statement.Continue _ -> {
        return End.CONTINUE;
      }
    }
    return End.DONE;
  }

  private void print(String text) {
    budget.spend(text.length());
    out.append(text);
  }

  private String captured(List<Statement> body, Scope inner) {
    Scope outer = scope;
    StringBuilder before = out;
    scope = inner;
    out = new StringBuilder();
    run(body);
    String text = out.toString();
    scope = outer;
    out = before;
    return text;
  }

  private End choose(Statement.If statement) {
    budget.at(statement.line());
    for (int i = 0; i < statement.tests().size(); i++) {
      if (Values.truth(value(statement.tests().get(i)))) {
        return run(statement.bodies().get(i));
      }
    }
    return End.DONE;
  }

  private void assign(List<String> targets, Object value) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), value);
      return;
    }
    List<Object> items = Values.items(value, budget);
    if (items.size() != targets.size()) {
      throw budget.fail(
          "cannot assign " + items.size() + " values to " + targets.size() + " names");
    }
    for (int i = 0; i < items.size(); i++) {
      scope.set(targets.get(i), items.get(i));
    }
  }

  private End loop(Statement.For statement) {
    budget.at(statement.line());
    Scope outer = scope;
    List<Object> items = Values.items(value(statement.items()), budget);
    if (statement.filter() != null) {
      List<Object> chosen = new ArrayList<>();
      for (Object item : items) {
        scope = new Scope(outer);
        assign(statement.targets(), item);
        if (Values.truth(value(statement.filter()))) {
          chosen.add(item);
        }
      }
      items = chosen;
    }
    End end = End.DONE;
    boolean through = false; // once at least, to the end of the body: else is for all other loops
    for (int i = 0; i < items.size() && end != End.BREAK; i++) {
      budget.spend(1);
      scope = new Scope(outer);
      assign(statement.targets(), items.get(i));
      scope.set("loop", new Loop(items, i, budget));
      end = run(statement.body());
      through |= end == End.DONE;
    }
    End after = End.DONE; // of else, which may leave a loop around this one
    if (!through) {
      scope = new Scope(outer);
      after = run(statement.otherwise());
    }
    scope = outer;
    return after;
  }

  private void define(Statement.Macro macro) {
    Scope around = scope;
    scope.set(macro.name(), (Function) arguments -> call(macro, around, arguments));
  }

  private Object call(Statement.Macro macro, Scope around, Arguments arguments) {
    Object[] values = arguments.bind(macro.parameters().toArray(String[]::new));
    Scope inner = new Scope(around);
    Scope caller = scope;
    scope = inner;
    for (int i = 0; i < values.length; i++) {
      String name = macro.parameters().get(i);
      Expression otherwise = macro.defaults().get(i);
      if (values[i] == Arguments.ABSENT) {
        values[i] = otherwise == null ? new Undefined(name) : value(otherwise);
      }
      inner.set(name, values[i]);
    }
    scope = caller;
    return captured(macro.body(), inner);
  }

  private Object value(Expression expression) {
    budget.spend(1);
    budget.enter();
    Object value =
        switch (expression) {
          case Expression.Constant c -> c.value();
          case Expression.Name n -> scope.get(n.name());
          case Expression.ListOf l -> values(l.items());
          case Expression.TupleOf t -> new Tuple(values(t.items()));
          case Expression.DictOf d -> dict(d);
          case Expression.Attribute a -> Access.attribute(value(a.of()), a.name(), budget);
          case Expression.Item i -> Access.item(value(i.of()), value(i.key()), budget);
          case Expression.Slice s ->
              Access.slice(
                  value(s.of()), optional(s.from()), optional(s.to()), optional(s.step()), budget);
          case Expression.Call c -> call(c);
          case Expression.Filter f -> {
            Object input = value(f.input());
            String what = "the filter '" + f.name() + "'";
            yield Filters.apply(f.name(), input, arguments(what, f.arguments()));
          }
          case Expression.Test t -> {
            Object input = value(t.input());
            String what = "the test '" + t.name() + "'";
            yield Tests.test(t.name(), input, arguments(what, t.arguments()));
          }
          case Expression.Unary u ->
              u.operator().equals("not")
                  ? (Object) !Values.truth(value(u.operand()))
                  : Operators.unary(u.operator(), value(u.operand()), budget);
          case Expression.Binary b -> binary(b);
          case Expression.Compare c -> compare(c);
          case Expression.Conditional c -> {
            if (Values.truth(value(c.test()))) {
              yield value(c.yes());
            }
            yield c.no() == null ? new Undefined("an if without else") : value(c.no());
          }
        };
    budget.leave();
    return value;
  }

  private Object optional(Expression expression) {
    return expression == null ? null : value(expression);
  }

  private List<Object> values(List<Expression> expressions) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression e : expressions) {
      values.add(value(e));
    }
    return values;
  }

  private Object dict(Expression.DictOf dict) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      if (!(value(dict.keys().get(i)) instanceof String key)) {
        throw budget.fail("the key of a dict must be a string");
      }
      map.put(key, value(dict.values().get(i)));
    }
    return map;
  }

  private Object binary(Expression.Binary b) {
    Object left = value(b.left());
    return switch (b.operator()) {
      case "or" -> Values.truth(left) ? left : value(b.right());
      case "and" -> Values.truth(left) ? value(b.right()) : left;
      default -> Operators.binary(b.operator(), left, value(b.right()), budget);
    };
  }

  private boolean compare(Expression.Compare c) {
    Object left = value(c.first());
    for (int i = 0; i < c.operators().size(); i++) {
      Object right = value(c.others().get(i));
      boolean holds =
          switch (c.operators().get(i)) {
            case "==" -> Values.equal(left, right, budget);
            case "!=" -> !Values.equal(left, right, budget);
            case "in" -> Values.contains(right, left, budget);
            case "not in" -> !Values.contains(right, left, budget);
            case "<" -> Values.compare(left, right, budget) < 0;
            case "<=" -> Values.compare(left, right, budget) <= 0;
            case ">" -> Values.compare(left, right, budget) > 0;
            default -> Values.compare(left, right, budget) >= 0;
          };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }

  private Object call(Expression.Call call) {
    Object callee = value(call.function());
    String name =
        switch (call.function()) {
          case Expression.Name n -> n.name();
          case Expression.Attribute a -> a.name();
          default -> "what is called";
        };
    if (callee instanceof Undefined) {
      throw budget.fail("'" + name + "' is undefined, and called");
    }
    if (!(callee instanceof Function function)) {
      throw budget.fail("'" + name + "' is " + Values.type(callee) + ", not a function");
    }
    return function.call(arguments("'" + name + "'", call.arguments()));
  }

  private Arguments arguments(String what, CallArguments arguments) {
    Map<String, Object> named = new HashMap<>();
    List<Object> positional = values(arguments.positional());
    for (int i = 0; i < arguments.names().size(); i++) {
      String name = arguments.names().get(i);
      if (named.containsKey(name)) {
        throw budget.fail(what + " got twice the argument '" + name + "'");
      }
      named.put(name, value(arguments.named().get(i)));
    }
    return new Arguments(what, positional, named, budget);
  }
}
