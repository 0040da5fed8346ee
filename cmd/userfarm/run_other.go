//go:build !unix

package main

// unixCommands is empty: these systems have no process groups.
type unixCommands struct{}
