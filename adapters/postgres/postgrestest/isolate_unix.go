//go:build unix

package postgrestest

import (
	"os/exec"
	"syscall"
)

// isolate makes a program run in a process group of its own, so that an interrupt at the terminal reaches only the test, and as
// an account unless that is nil.
func isolate(cmd *exec.Cmd, as *account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
}
