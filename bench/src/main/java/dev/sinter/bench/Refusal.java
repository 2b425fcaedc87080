package dev.sinter.bench;

/**
 * A row or more that there is not.
 *
 * @param what the layer or model
 * @param reason why, in words a user can act on
 * @param failure whether something that should work does not; else it is not supported here, or
 *     there was no time left
 */
record Refusal(Subject subject, String what, String reason, boolean failure) {}
