//go:build unix

package child

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is the terminal that controls this program. Only one process group at a time has it: that one may read from it, and gets
// the signals of ctrl-C and ctrl-Z. All methods may be called if there is no terminal.
type terminal struct{ file *os.File }

// openTerminal returns nil if there is no terminal. The standard streams do not tell: they may be files, and the command may still
// ask for a password.
func openTerminal() *terminal {
	file, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	return &terminal{file}
}

func (t *terminal) close() {
	if t != nil {
		_ = t.file.Close()
	}
}

func (t *terminal) fd() int { return int(t.file.Fd()) } //nolint:gosec // descriptors are small

// isOf reports whether the terminal belongs to a process group.
func (t *terminal) isOf(group int) bool {
	if t == nil {
		return false
	}
	owner, err := unix.IoctlGetInt(t.fd(), unix.TIOCGPGRP)
	return err == nil && owner == group
}

func (t *terminal) giveTo(group int) {
	_ = unix.IoctlSetPointerInt(t.fd(), unix.TIOCSPGRP, group) //nolint:errcheck // the terminal may be gone
}

// stopWithin is how long a stop may take to have an effect.
const stopWithin = 100 * time.Millisecond

// stopped does for a command that a signal has stopped what the shell would do, because the shell sees only this program. After
// ctrl-Z the shell gets the terminal back, until it continues this program.
func (g *Group) stopped(by syscall.Signal) {
	needsTerminal := by == syscall.SIGTTIN || by == syscall.SIGTTOU
	mine := syscall.Getpgrp()
	switch {
	case g.tty == nil || !needsTerminal && !g.tty.isOf(g.pid):
		return // somebody has stopped the command alone
	case needsTerminal && g.tty.isOf(mine): // the shell has given it to this program
	default:
		if g.tty.isOf(g.pid) {
			g.tty.giveTo(mine)
		}
		g.stopSelf()
	}
	if g.tty.isOf(mine) {
		g.tty.giveTo(g.pid)
	}
	_ = syscall.Kill(-g.pid, syscall.SIGCONT)
}

// stopSelf stops this program and returns when it was continued. The kernel ignores the stop if there is no shell to continue it.
func (g *Group) stopSelf() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	_ = syscall.Kill(0, syscall.SIGTSTP)
	select {
	case <-continued:
	case <-time.After(stopWithin):
	}
}
