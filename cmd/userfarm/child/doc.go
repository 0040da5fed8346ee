// Package child runs a command in a process group of its own, on Linux, macOS and other Unix systems. The command has the standard
// streams and the terminal of this program. Signals reach it with all processes that it has started, and so does its end.
package child
