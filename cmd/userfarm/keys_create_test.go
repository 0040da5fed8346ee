package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestManyKeysAreCreatedAtOnceInANewFarm(t *testing.T) {
	dir := t.TempDir()
	const many = 6
	for name, done := range createAtOnce(t, dir, many) {
		if code := done.wait(); code != 0 {
			t.Errorf("%s: exit code %d\n%s", name, code, done.output)
		}
	}
	if listed := listKeys(t, dir, nil); len(listed) != many {
		t.Errorf("%d keys are listed, want %d", len(listed), many)
	}
}

func TestAFarmStartsWhileKeysAreCreated(t *testing.T) {
	dir := t.TempDir()
	creating := createAtOnce(t, dir, 3)
	farm := serve(t, dir)
	for name, done := range creating {
		if code := done.wait(); code != 0 {
			t.Errorf("%s: exit code %d\n%s", name, code, done.output)
		}
	}
	awaitEntry(t, farm, "", http.StatusUnauthorized)
}

func TestAKeyWhoseTokenIsLostIsRevoked(t *testing.T) {
	for name, output := range map[string]func(*testing.T) *os.File{"a closed pipe": closedPipe, "a full disk": fullDisk} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var stderr bytes.Buffer
			command := exec.Command(binary, "keys", "create", "--role", "admin", "--name", "lost")
			command.Dir, command.Stdout, command.Stderr = dir, output(t), &stderr
			_ = command.Run() // its exit code says more
			if code := command.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			for _, words := range []string{"is lost", "is revoked"} {
				if !strings.Contains(stderr.String(), words) {
					t.Errorf("standard error does not contain %q:\n%s", words, &stderr)
				}
			}
			if listed := listKeys(t, dir, nil); len(listed) != 1 || listed[0].Status != "revoked" {
				t.Errorf("listed: %+v", listed)
			}
		})
	}
}

// An unset variable in a script must not create a key for all projects.
func TestAnEmptyProjectIsRejected(t *testing.T) {
	for _, args := range [][]string{{"--project", ""}, {"--project="}, {"--project", project, "--project", ""}} {
		dir := t.TempDir()
		done := execute(t, dir, append([]string{"keys", "create", "--role", "tester", "--name", "ci"}, args...)...)
		if done.code != 2 || done.stdout != "" || !strings.Contains(done.stderr, "--project") {
			t.Errorf("%q: exit code %d, want 2\n%s%s", args, done.code, done.stdout, done.stderr)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%q left %v behind", args, left)
		}
	}
}

// createAtOnce starts processes that create API keys, and returns them by the names of the keys.
func createAtOnce(t *testing.T, dir string, n int) map[string]*process {
	t.Helper()
	creating := make(map[string]*process, n)
	for i := range n {
		name := fmt.Sprintf("key %d", i)
		creating[name] = start(t, dir, "keys", "create", "--role", "admin", "--name", name)
	}
	return creating
}

// closedPipe returns the write end of a pipe whose read end is closed.
func closedPipe(t *testing.T) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = write.Close() })
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	return write
}

func fullDisk(t *testing.T) *os.File {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full")
	}
	t.Cleanup(func() { _ = full.Close() })
	return full
}
