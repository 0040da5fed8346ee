// Package completion completes command lines of a kong parser in bash, zsh and fish. The scripts for the shells are small: they pass
// the words of the command line to the program, which knows its own commands, flags and values.
package completion
