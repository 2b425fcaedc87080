package dev.sinter.models;

import java.nio.file.Path;

/**
 * A jar on Maven Central.
 *
 * @param sha256 of the jar, in lower case hexadecimal digits
 */
record MavenArtifact(String group, String artifact, String version, String sha256) {
  String coordinates() {
    return group + ":" + artifact + ":" + version;
  }

  String fileName() {
    return artifact + "-" + version + ".jar";
  }

  /** Its place below a local repository. */
  Path inRepository() {
    return Path.of(group.replace('.', '/'), artifact, version, fileName());
  }
}
