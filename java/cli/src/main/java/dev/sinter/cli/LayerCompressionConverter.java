package dev.sinter.cli;

import dev.sinter.models.LayerCompression;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a scheme, with or without zeros, by its id. */
final class LayerCompressionConverter implements ITypeConverter<LayerCompression> {
  @Override
  public LayerCompression convert(String id) {
    try {
      return LayerCompression.of(id);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
