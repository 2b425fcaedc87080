/** Weights as kernels read them, and how they are kept on disk. */
package dev.sinter.layout;
