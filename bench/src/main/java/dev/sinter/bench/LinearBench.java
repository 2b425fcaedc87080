package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.tensor.Scheme;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * {@link dev.sinter.layer.Linear#forward} as JMH measures it, with a fork for each combination of
 * parameters: what {@code --full} runs, and what its profilers can look at.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class LinearBench {
  /** As on the command line, {@code w4a8:32} for groups of 32. */
  @Param("f32")
  public String scheme;

  /** As rows of the JSON have it. */
  @Param("dense")
  public String format;

  /** Share of zeros; of dense weights it means nothing. */
  @Param("0")
  public double sparsity;

  /** The backend to force. */
  @Param("onednn")
  public String backend;

  @Param("1")
  public int threads;

  /** KxN. */
  @Param("384x1536")
  public String shape;

  @Param("1")
  public int m;

  /** The file of the {@link Results} that gets a row for what is known before it is timed. */
  @Param("")
  public String results;

  private Sinter sinter;
  private LayerData data;
  private LinearCase linear;

  @Setup(Level.Trial)
  public void open() {
    Shape layer = Shape.of(shape, m);
    Double zeros = format.equals(Format.DENSE) ? null : Double.valueOf(sparsity);
    Subject subject = Subject.ours(Scheme.of(scheme), format, zeros, backend);
    sinter = Sinter.open(subject.options(threads));
    data = new LayerData(subject, layer);
    linear = new LinearCase(sinter, data);
    String wrong = linear.disagreement(m);
    if (wrong != null) {
      throw new IllegalStateException(linear.explanation().implementation() + ": " + wrong);
    }
    if (!results.isEmpty()) {
      Explanation kernel = linear.explanation();
      new Results(Path.of(results))
          .add(
              dev.sinter.bench.Measurement.linear(
                  subject,
                  kernel.isa(),
                  kernel.implementation(),
                  layer,
                  m,
                  threads,
                  new RowTimer.Times(0, 0),
                  linear.weightBytes()));
    }
  }

  @Benchmark
  public void forward() {
    linear.forward(m);
  }

  @TearDown(Level.Trial)
  public void close() {
    if (linear != null) {
      linear.close();
    }
    if (data != null) {
      data.close();
    }
    if (sinter != null) {
      sinter.close();
    }
  }
}
