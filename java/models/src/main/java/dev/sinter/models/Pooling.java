package dev.sinter.models;

/** Which hidden states of a sentence become its vector. */
public enum Pooling {
  /** The mean over all tokens, special ones included (Reimers and Gurevych, 2019). */
  MEAN,
  /** That of the first token, {@code [CLS]} (Devlin et al., 2019). */
  CLS
}
