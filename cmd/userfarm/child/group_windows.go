package child

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// ends are what Go makes of the events of a console: ctrl-C and ctrl-break, and the end of the console or of the session.
var ends = []os.Signal{os.Interrupt, syscall.SIGTERM}

// Signals returns the signals that are for the command, and not for this program.
func Signals() []os.Signal { return slices.Clone(ends) }

// Ends reports whether a signal asks a program to end.
func Ends(s os.Signal) bool { return slices.Contains(ends, s) }

// ctrlCExit is the exit code of a program that ctrl-C has ended (STATUS_CONTROL_C_EXIT).
const ctrlCExit = 0xC000013A

// Interrupted reports whether a program with this exit code has ended because it was asked to.
func Interrupted(code int) bool {
	return uint32(code) == ctrlCExit || slices.ContainsFunc(ends, func(s os.Signal) bool { return ExitCode(s) == code }) //nolint:gosec // exit codes have 32 bits
}

// ExitCode returns the exit code for a signal that has ended the wait for users. It is the same as on other systems.
func ExitCode(s os.Signal) int { return 128 + int(s.(syscall.Signal)) } //nolint:errcheck,forcetypeassert // every signal is one

// EndByCtrlC does nothing: a shell on Windows gets ctrl-C itself.
func EndByCtrlC() {}

// Group is a command that runs, with the processes that it has started: all are in one job, and the kernel ends them when this program
// ends, for whatever reason.
type Group struct {
	job  windows.Handle
	done chan struct{}
	code int // when done
}

// Start runs the program at path. args[0] is its name.
func Start(path string, args, env []string) (*Group, error) {
	job, err := newJob()
	if err != nil {
		return nil, fmt.Errorf("create a job: %w", err)
	}
	// The command begins when it is in the job, so that no process that it starts can be outside of it.
	process, err := os.StartProcess(path, args, &os.ProcAttr{
		Env: env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{CreationFlags: windows.CREATE_SUSPENDED},
	})
	if err != nil {
		return nil, errors.Join(err, windows.CloseHandle(job))
	}
	if err := errors.Join(assign(job, process), resume(process)); err != nil {
		_ = process.Kill() //nolint:errcheck // it has not begun
		return nil, errors.Join(fmt.Errorf("put the command into a job: %w", err), windows.CloseHandle(job))
	}
	g := &Group{job: job, done: make(chan struct{})}
	go g.wait(process)
	return g, nil
}

// newJob returns a job whose processes end when its only handle is closed. No process inherits the handle, so the end of this program
// closes it.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))) //nolint:gosec // the call takes it in this form
	if err != nil {
		return 0, errors.Join(err, windows.CloseHandle(job))
	}
	return job, nil
}

func assign(job windows.Handle, process *os.Process) (err error) {
	failed := process.WithHandle(func(handle uintptr) {
		err = windows.AssignProcessToJobObject(job, windows.Handle(handle))
	})
	return errors.Join(failed, err)
}

// resume lets a suspended process begin, which has one thread.
func resume(process *os.Process) error {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(snapshot) }()
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err := windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if entry.OwnerProcessID != uint32(process.Pid) { //nolint:gosec // ids of processes have 32 bits
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return err
		}
		_, err = windows.ResumeThread(thread)
		return errors.Join(err, windows.CloseHandle(thread))
	}
	return errors.New("the process has no thread")
}

// wait waits until the command has ended.
func (g *Group) wait(process *os.Process) {
	g.code = 1
	if state, err := process.Wait(); err == nil {
		g.code = state.ExitCode()
	}
	close(g.done)
}

// Done is closed when the command has ended. Processes that it has started may be left until this program ends.
func (g *Group) Done() <-chan struct{} { return g.done }

// ExitCode returns the exit code of a command that has ended.
func (g *Group) ExitCode() int { return g.code }

// EndedByCtrlC returns false: see EndByCtrlC.
func (*Group) EndedByCtrlC() bool { return false }

// Signal does nothing: the console tells all of its processes what it has told this one.
func (*Group) Signal(os.Signal) {}

// End ends all processes of the job at once, because there is no way to ask them that does not reach this program and its shell, too. It
// returns when the command has ended.
func (g *Group) End(time.Duration) {
	const killed = 1
	_ = windows.TerminateJobObject(g.job, killed) //nolint:errcheck // it fails if no process is left
	<-g.done
}
