/**
 * The part of the Jinja template language that chat templates are written in, as Python's Jinja 3.1
 * runs it with {@code trim_blocks} and {@code lstrip_blocks} in its immutable sandbox.
 *
 * <p>A template is an untrusted file. Its values are strings, numbers, lists and maps, and nothing
 * that it can write reaches a Java object or method. Work, memory and depth are bounded. What is
 * not supported is an error where it is reached: a text is the one that Python makes, or none.
 *
 * <p>Values: {@code null} is None; {@link Boolean}, {@link Long}, {@link Double}, {@link String};
 * {@link java.util.List}, {@link java.util.Map} with string keys, and the types of this package.
 */
package dev.sinter.models.jinja;
