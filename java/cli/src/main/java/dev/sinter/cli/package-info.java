/** The command line. Results go to standard output, progress and failures to standard error. */
package dev.sinter.cli;
