package dev.sinter.runtime;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A backend was chosen for an operation. */
@Name("sinter.Plan")
@Label("Plan")
@Category("Sinter")
@StackTrace(false)
public final class PlanEvent extends Event {
  @Label("Operation")
  String operation;

  @Label("Backend")
  String backend;

  @Label("Others")
  String others;

  public static void emit(String operation, String backend, String others) {
    PlanEvent event = new PlanEvent();
    if (event.shouldCommit()) {
      event.operation = operation;
      event.backend = backend;
      event.others = others;
      event.commit();
    }
  }
}
