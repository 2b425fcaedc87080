package dev.sinter.bench;

import dev.sinter.cli.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * All rows of a job in one fork of JMH. A fork for each row would spend most of its time on
 * starting a JVM, making data and packing weights; so the rows have a loop of their own, {@link
 * RowTimer}, and JMH's own figure, the time of the whole series, is not used.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 1)
public class SeriesBench {
  /** A file with the {@link Job}. */
  @Param("")
  public String job;

  /** The file of the {@link Results}. */
  @Param("")
  public String results;

  /** Measures all rows of the job. */
  @Benchmark
  public void series() throws IOException {
    Job what = Json.MAPPER.readValue(Path.of(job).toFile(), Job.class);
    Results into = new Results(Path.of(results));
    if (what.subject().peer() != null) {
      PeerSeries.run(what, into);
    } else if (what.decoder() != null) {
      DecoderSeries.run(what, into);
    } else if (what.encoder()) {
      EncoderSeries.run(what, into);
    } else {
      LinearSeries.run(what, into);
    }
  }
}
