//go:build !unix

package postgrestest

import "os/exec"

// isolate does nothing, because these systems have no process groups.
func isolate(*exec.Cmd, *account) {}
