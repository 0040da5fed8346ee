//go:build unix

package child

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// pollEvery is how often End looks whether processes of the group are left. The kernel does not tell.
const pollEvery = 50 * time.Millisecond

// Signals returns the signals that are for the command, and not for this program. It leaves out those that this program was told to
// ignore, by nohup for example.
func Signals() []os.Signal {
	return slices.DeleteFunc([]os.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
	}, signal.Ignored)
}

// ends are the signals by which people and other programs ask a program to end.
var ends = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// Ends reports whether a signal asks a program to end.
func Ends(s os.Signal) bool { return slices.Contains(ends, s) }

// Interrupted reports whether a program with this exit code has ended because it was asked to.
func Interrupted(code int) bool {
	return slices.ContainsFunc(ends, func(s os.Signal) bool { return ExitCode(s) == code })
}

// ExitCode returns the exit code by which shells report that a signal has ended a program.
func ExitCode(s os.Signal) int { return 128 + int(s.(syscall.Signal)) } //nolint:errcheck // every signal is one

// EndByCtrlC ends this program as ctrl-C does. A shell goes on with its script if a program ends in any other way, because the program
// may have dealt with ctrl-C itself.
func EndByCtrlC() {
	signal.Reset(syscall.SIGINT)
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGINT)
	time.Sleep(dieWithin)
}

// dieWithin is more than a signal needs to end a program.
const dieWithin = 5 * time.Second

// Group is a command that runs, with the processes that it has started.
type Group struct {
	pid   int // of the command, and so of its process group
	tty   *terminal
	done  chan struct{}
	code  int  // when done
	ctrlC bool // has ended it, when done

	passed atomic.Bool // a SIGINT, so it does not come from the terminal
}

// Start runs the program at path. args[0] is its name.
func Start(path string, args, env []string) (*Group, error) {
	g := &Group{tty: openTerminal(), done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// On Linux, the command is told when the thread ends that has started it. So this thread must live as long as the command.
		runtime.LockOSThread()
		err := g.start(path, args, env)
		started <- err
		if err == nil {
			g.wait()
		}
	}()
	if err := <-started; err != nil {
		g.tty.close()
		return nil, err
	}
	return g, nil
}

func (g *Group) start(path string, args, env []string) error {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	tellWhenParentDies(attributes)
	mine := g.tty.isOf(syscall.Getpgrp())
	if mine {
		attributes.Foreground, attributes.Ctty = true, g.tty.fd()
	}
	process, err := os.StartProcess(path, args, &os.ProcAttr{
		Env: env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: attributes,
	})
	// From here on, this program may be in the background, and the kernel would stop it when it takes the terminal back. The command
	// must not inherit that the signal is ignored.
	signal.Ignore(syscall.SIGTTOU)
	if err != nil {
		if mine {
			g.tty.giveTo(syscall.Getpgrp())
		}
		return err
	}
	g.pid = process.Pid
	return process.Release() // wait waits for it, because os.Process.Wait does not tell when a process was stopped
}

// wait waits until the command has ended.
func (g *Group) wait() {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(g.pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			break
		}
		g.stopped(status.StopSignal())
	}
	if g.tty.isOf(g.pid) {
		g.tty.giveTo(syscall.Getpgrp())
		if status.Signaled() && status.Signal() == syscall.SIGINT && !g.passed.Load() {
			// The user has pressed ctrl-C. Without a group of its own for the command, the script that runs this program would know.
			g.ctrlC = true
			_ = syscall.Kill(0, syscall.SIGINT)
		}
	}
	g.tty.close()
	if g.code = status.ExitStatus(); status.Signaled() {
		g.code = ExitCode(status.Signal())
	}
	close(g.done)
}

// Done is closed when the command has ended. Processes that it has started may be left.
func (g *Group) Done() <-chan struct{} { return g.done }

// ExitCode returns the exit code of a command that has ended.
func (g *Group) ExitCode() int { return g.code }

// EndedByCtrlC reports whether ctrl-C has ended the command.
func (g *Group) EndedByCtrlC() bool { return g.ctrlC }

// Signal sends a signal to all processes of the group.
func (g *Group) Signal(s os.Signal) {
	if s == syscall.SIGINT {
		g.passed.Store(true)
	}
	_ = syscall.Kill(-g.pid, s.(syscall.Signal)) //nolint:errcheck // no process may be left
}

// End sends SIGTERM to all processes of the group, and SIGKILL to those that are left after the grace period. It returns when the
// command has ended.
func (g *Group) End(grace time.Duration) {
	g.Signal(syscall.SIGTERM)
	g.Signal(syscall.SIGCONT) // a stopped process does not end
	last := time.After(grace)
	for waiting := true; waiting && syscall.Kill(-g.pid, 0) == nil; {
		select {
		case <-time.After(pollEvery):
		case <-last:
			g.Signal(syscall.SIGKILL)
			waiting = false
		}
	}
	<-g.done
}
