/** Ignored when the jar is started from the class path. */
module consumer {
  requires dev.sinter.core;
  requires dev.sinter.models;
}
