/** The kernels of libsinter, called through Panama. */
package dev.sinter.backend.cpu;
