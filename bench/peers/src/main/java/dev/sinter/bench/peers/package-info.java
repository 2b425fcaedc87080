/** ONNX Runtime behind {@link dev.sinter.bench.Peer}. */
package dev.sinter.bench.peers;
