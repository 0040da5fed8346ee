// Package memory keeps users in the memory of the process. It behaves like every other store, so a Go program tests what
// it does with a farm without a database; see the example. Nothing outlives the process.
package memory
