package dev.sinter.cli;

import dev.sinter.tensor.Scheme;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a scheme by its id. */
final class SchemeConverter implements ITypeConverter<Scheme> {
  @Override
  public Scheme convert(String id) {
    try {
      return Scheme.of(id);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
