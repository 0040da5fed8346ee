//go:build unix

package main_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// terminal is a terminal at which a command runs.
type terminal struct {
	*terminalUser
	keyboard *os.File
}

// atTerminal runs a command at a terminal of its own.
func atTerminal(t *testing.T, command *exec.Cmd) terminal {
	t.Helper()
	u := &terminalUser{t: t, command: command, stdout: &buffer{}, stderr: &buffer{}, exited: make(chan struct{})}
	screen, err := pty.StartWithSize(command, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		chunk := make([]byte, 4096)
		for {
			n, err := screen.Read(chunk)
			_, _ = u.stdout.Write(chunk[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() {
		_ = command.Wait()
		close(u.exited)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-u.exited
		screen.Close()
	})
	return terminal{u, screen}
}

func (t terminal) types(keys string) {
	t.t.Helper()
	if _, err := t.keyboard.WriteString(keys); err != nil {
		t.t.Fatal(err)
	}
}

const (
	ctrlC = "\x03"
	ctrlZ = "\x1a"
)

func TestTheTerminalIsTheCommands(t *testing.T) {
	farm := farmWith(t, "admin")
	screen := atTerminal(t, at(t, farm, "run", "--", "sh", "-c", `test -t 0 && test -t 1 && echo "size $(stty size)"; read line; echo "read $line"`))
	screen.says("size 24 80")
	screen.types("words\n")
	screen.says("read words")
	screen.wantCode(0)
}

func TestCtrlCIsForTheCommand(t *testing.T) {
	farm := farmWith(t, "admin")
	screen := atTerminal(t, at(t, farm, "run", "--", "sh", "-c",
		`trap "echo caught; exit 9" INT; echo up; while :; do sleep 0.1; done`))
	screen.says("up")
	screen.types(ctrlC)
	screen.says("caught")
	screen.wantCode(9)
	if got := farm.statuses()["admin"]; got != "free" {
		t.Errorf("after ctrl-C the user is %s", got)
	}
}

// A shell goes on with its script unless the program in it has died of ctrl-C.
func TestCtrlCEndsTheScriptThatRunsUserfarm(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is missing on this machine")
	}
	for name, holds := range map[string]bool{"while the command runs": false, "while it waits for a user": true} {
		t.Run(name, func(t *testing.T) {
			farm := farmWith(t, "admin")
			up := "up"
			if holds {
				begin(t, at(t, farm, "run", "--", "sh", "-c", "echo up; exec sleep 300")).says("up")
				up = "place 1: admin is held by ci-4711 until "
			}
			script := at(t, farm)
			script.Path, script.Args = bash, []string{"bash", "-c",
				`trap 'echo "the script is over"' EXIT; "$0" run --wait 5m -- sh -c "echo up; exec sleep 300"; echo "it goes on"`, binary}
			screen := atTerminal(t, script)
			screen.says(up)
			screen.types(ctrlC)
			screen.says("the script is over")
			screen.wantCode(-1)
			if strings.Contains(screen.stdout.String(), "it goes on") {
				t.Error("the script goes on")
			}
			if got := farm.statuses()["admin"]; (got == "locked") != holds {
				t.Errorf("after ctrl-C the user is %s", got)
			}
		})
	}
}

func TestCtrlCEndsAWait(t *testing.T) {
	farm := farmWith(t, "admin")
	holder := begin(t, at(t, farm, "run", "--", "sh", "-c", "echo up; exec sleep 300"))
	holder.says("up")
	screen := atTerminal(t, at(t, farm, "run", "--wait", "5m", "--", "true"))
	screen.says("place 1: admin is held by ci-4711 until ")
	screen.types(ctrlC)
	screen.wantCode(-1) // by SIGINT, which shells show as 130
	if lines := strings.Count(screen.stdout.String(), "\n"); lines > 0 {
		t.Errorf("the notice took %d lines:\n%s", lines, screen.stdout)
	}
}

// The shell sees only userfarm, which must stop with the command, and give it the terminal again.
func TestCtrlZStopsTheCommandAndFgContinuesIt(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is missing on this machine")
	}
	farm := farmWith(t, "admin")
	shell := at(t, farm)
	shell.Path, shell.Args = bash, []string{"bash", "--norc", "--noprofile", "-i"}
	shell.Env = append(shell.Env, "PS1=prompt> ", "FARM="+binary)
	screen := atTerminal(t, shell)
	screen.says("prompt>")
	screen.types(`"$FARM" run -- sh -c 'echo u''p; while read line; do echo "read $line"; done; exit 6'` + "\n")
	screen.says("up\r\n")
	screen.types(ctrlZ)
	screen.says("Stopped")
	screen.types("fg\n")
	screen.types("words\n")
	screen.says("read words")
	screen.types("\x04") // ctrl-D, the end of the input
	screen.types("echo the code was $?\n")
	screen.says("the code was 6")
	screen.types("exit\n")
	screen.wantCode(0)
}

func TestAPersonIsToldThatTheFarmDoesNotAnswer(t *testing.T) {
	silent := &process{address: freeAddress(t)}
	for _, args := range [][]string{{"who"}, {"run", "--", "true"}} {
		atTerminal(t, at(t, silent, args...)).says(silent.address + " does not answer; trying again")
	}
}

// The bar of an import is drawn again and again over the line before the cursor.
func TestTheBarOfAnImportLeavesWhatAPersonIsTold(t *testing.T) {
	silent := &process{address: freeAddress(t)}
	screen := atTerminal(t, at(t, silent, "import", file(t, "users.csv", many(1)), "--project", project))
	screen.says(silent.address + " does not answer; trying again\r\n100.00%")
}

func TestAPersonWhoWaitsIsToldWhenTheFarmAnswersAgain(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	farm.add("admin")
	begin(t, at(t, farm, "run", "--ttl", "5m", "--", "sh", "-c", "echo up; exec sleep 300")).says("up")
	screen := atTerminal(t, at(t, farm, "run", "--wait", "5m", "--", "true"))
	screen.says("place 1: admin is held")
	farm.signal(syscall.SIGKILL)
	farm.wait()
	told := farm.address + " does not answer; trying again\r\n"
	screen.says(told)
	again := start(t, dir, "serve", "--listen", farm.address)
	again.address = farm.address
	until(t, "the terminal shows the line again", func() bool {
		_, after, _ := strings.Cut(screen.stdout.String(), told)
		return strings.Contains(after, "place 1: admin is held")
	})
}

func TestPoolsAndTheLineAreWatchedUntilCtrlC(t *testing.T) {
	for command, shows := range map[string][2]string{"pools": {"ENV", " 4 "}, "line": {"WANTS", "ci-4711"}} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			farm := farmWith(t, "admin", "buyer", "seller")
			screen := atTerminal(t, at(t, farm, command, "--watch"))
			screen.says(shows[0])
			farm.add("late")
			farm.do("acquire", "--label", "role=late", "--json")
			begin(t, at(t, farm, "acquire", "--label", "role=late", "--wait", "5m", "--json"))
			screen.says(shows[1])
			screen.types(ctrlC)
			screen.wantCode(0)
		})
	}
}
