package dev.sinter.runtime;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A model was read, compressed and packed; begin it before, {@link #finish} it after. */
@Name("sinter.Load")
@Label("Load")
@Category("Sinter")
@StackTrace(false)
public final class LoadEvent extends Event {
  @Label("Model")
  String model;

  @Label("Scheme")
  String scheme;

  @Label("Resident Bytes")
  @DataAmount
  long bytes;

  public static LoadEvent start() {
    LoadEvent event = new LoadEvent();
    event.begin();
    return event;
  }

  public void finish(String model, String scheme, long bytes) {
    end();
    if (shouldCommit()) {
      this.model = model;
      this.scheme = scheme;
      this.bytes = bytes;
      commit();
    }
  }
}
