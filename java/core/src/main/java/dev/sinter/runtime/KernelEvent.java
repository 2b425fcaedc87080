package dev.sinter.runtime;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One operation of a pass, from the first tile to the barrier behind it, as worker 0 saw it. */
@Name("sinter.Kernel")
@Label("Kernel")
@Category("Sinter")
@StackTrace(false)
public final class KernelEvent extends Event {
  private static final EventType TYPE = EventType.getEventType(KernelEvent.class);

  @Label("Operation")
  String operation;

  @Label("Tiles")
  int tiles;

  /** Whether a recording wants these events: asked once a pass, so that none are made for none. */
  public static boolean wanted() {
    return TYPE.isEnabled();
  }

  public static KernelEvent start(String operation, int tiles) {
    KernelEvent event = new KernelEvent();
    event.operation = operation;
    event.tiles = tiles;
    event.begin();
    return event;
  }
}
