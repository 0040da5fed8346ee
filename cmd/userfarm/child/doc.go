// Package child runs a command together with all processes that it starts, so that they also end together: in a process group of its own
// on Linux, macOS and other Unix systems, and in a job on Windows. The command has the standard streams and the terminal of this
// program.
package child
