//go:build unix

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	loginOf    = `{"login":%q,"password":"hunter2","project_id":"` + project + `","env":"stage","domain":"regular","labels":{"role":%q}}`
	passwordOf = "hunter2"
)

// farmWith serves a farm in memory with a user for each role, whose login is the role.
func farmWith(t *testing.T, roles ...string) *process {
	t.Helper()
	farm := serve(t, t.TempDir(), "--store", "memory:")
	for _, role := range roles {
		farm.add(role)
	}
	return farm
}

func (p *process) add(role string) {
	p.t.Helper()
	if status, body := p.post("/v1/users", fmt.Sprintf(loginOf, role, role)); status != http.StatusCreated {
		p.t.Fatalf("create user = %d %s", status, body)
	}
}

// statuses returns the state of each user, by login.
func (p *process) statuses() map[string]string {
	p.t.Helper()
	_, body, err := p.send(http.MethodGet, "/v1/users", "")
	if err != nil {
		p.t.Fatal(err)
	}
	var page struct {
		Users []struct{ Login, Status string } `json:"users"`
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		p.t.Fatalf("%v\n%s", err, body)
	}
	statuses := map[string]string{}
	for _, user := range page.Users {
		statuses[user.Login] = user.Status
	}
	return statuses
}

// force ends the lock of a user.
func (p *process) force(login string) {
	p.t.Helper()
	_, body, err := p.send(http.MethodGet, "/v1/users?login="+login, "")
	var page struct {
		Users []struct {
			ID string `json:"user_id"`
		} `json:"users"`
	}
	if err := errors.Join(err, json.Unmarshal([]byte(body), &page)); err != nil || len(page.Users) != 1 {
		p.t.Fatalf("%v\n%s", err, body)
	}
	if status, body := p.post("/v1/users/"+page.Users[0].ID+"/force-release", ""); status != http.StatusOK {
		p.t.Fatalf("force-release = %d %s", status, body)
	}
}

// until waits until a condition is true. How long that takes does not matter.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// terminalUser is a command that a person, or a CI job, runs at a farm.
type terminalUser struct {
	t              *testing.T
	command        *exec.Cmd
	stdout, stderr *buffer
	exited         chan struct{}
	streams        sync.WaitGroup // which are open
}

// at prepares userfarm with args at a farm.
func at(t *testing.T, farm *process, args ...string) *exec.Cmd {
	command := exec.Command(binary, args...)
	command.Dir = t.TempDir()
	command.Env = append(os.Environ(), "USERFARM_URL=http://"+farm.address, "USERFARM_OWNER=ci-4711")
	return command
}

// begin starts a command. It is killed when the test ends. Its standard error must never have a secret.
func begin(t *testing.T, command *exec.Cmd) *terminalUser {
	t.Helper()
	u := &terminalUser{t: t, command: command, stdout: &buffer{}, stderr: &buffer{}, exited: make(chan struct{})}
	// Pipes would stay open as long as processes that the command has started.
	u.command.Stdout, u.command.Stderr = u.pipe(u.stdout), u.pipe(u.stderr)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	u.command.Stdout.(*os.File).Close()
	u.command.Stderr.(*os.File).Close()
	go func() {
		_ = command.Wait()
		close(u.exited)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-u.exited
	})
	return u
}

// pipe returns the end of a pipe for a process. What it writes goes to b.
func (u *terminalUser) pipe(b *buffer) *os.File {
	reader, writer, err := os.Pipe()
	if err != nil {
		u.t.Fatal(err)
	}
	u.streams.Go(func() {
		defer reader.Close()
		chunk := make([]byte, 4096)
		for {
			n, err := reader.Read(chunk)
			_, _ = b.Write(chunk[:n])
			if err != nil {
				return
			}
		}
	})
	return writer
}

// ends waits until the command ends, and returns its exit code; -1 if a signal ended it.
func (u *terminalUser) ends() int {
	u.t.Helper()
	select {
	case <-u.exited:
	case <-time.After(time.Minute):
		u.t.Fatalf("userfarm did not end:\n%s\n%s", u.stdout, u.stderr)
	}
	if strings.Contains(u.stderr.String(), passwordOf) {
		u.t.Errorf("standard error has a password:\n%s", u.stderr)
	}
	return u.command.ProcessState.ExitCode()
}

// drain waits until the command, and all that it has started, have written what they had to write.
func (u *terminalUser) drain() { u.streams.Wait() }

func (u *terminalUser) wantCode(want int) {
	u.t.Helper()
	if got := u.ends(); got != want {
		u.t.Errorf("exit code = %d, want %d\n%s\n%s", got, want, u.stdout, u.stderr)
	}
}

// says waits until standard output has a text.
func (u *terminalUser) says(text string) {
	u.t.Helper()
	until(u.t, "standard output has "+text, func() bool { return strings.Contains(u.stdout.String(), text) })
}

// complains waits until standard error has a text.
func (u *terminalUser) complains(text string) {
	u.t.Helper()
	until(u.t, "standard error has "+text, func() bool { return strings.Contains(u.stderr.String(), text) })
}

// untilEnough ends a script when the test says so.
const untilEnough = "; while ! [ -e enough ]; do sleep 0.1; done"

func (u *terminalUser) finish() {
	u.t.Helper()
	if err := os.WriteFile(filepath.Join(u.command.Dir, "enough"), nil, 0o600); err != nil {
		u.t.Fatal(err)
	}
}

func TestRunGivesTheCommandAUser(t *testing.T) {
	farm := farmWith(t, "admin")
	command := at(t, farm, "run", "--project", project, "--env", "stage", "--domain", "regular", "--label", "role=admin", "--", "sh", "-c",
		`cat; echo "$0 $1"; echo "$USERFARM_LOGIN $USERFARM_PASSWORD $USERFARM_FENCE $USERFARM_URL"
		echo "${#USERFARM_USER_ID} ${#USERFARM_LEASE_ID} ${#USERFARM_EXPIRES_AT}"; echo mine >&2`, "--", "--wait")
	command.Stdin = strings.NewReader("input\n")
	run := begin(t, command)
	run.wantCode(0)
	want := "input\n-- --wait\nadmin hunter2 1 http://" + farm.address + "\n36 36 20\n"
	until(t, "the output is complete", func() bool { return len(run.stdout.String()) >= len(want) })
	if run.stdout.String() != want || run.stderr.String() != "mine\n" {
		t.Errorf("got\n%s\n%s", run.stdout, run.stderr)
	}
	if got := farm.statuses()["admin"]; got != "free" {
		t.Errorf("after the command the user is %s", got)
	}
}

func TestRunGivesSeveralUsersNames(t *testing.T) {
	farm := farmWith(t, "buyer", "seller")
	run := begin(t, at(t, farm, "run", "--env", "stage", "--user", "seller=role=seller", "--user", "the-buyer=role=buyer", "--", "sh", "-c",
		`echo "$USERFARM_SELLER_LOGIN $USERFARM_THE_BUYER_LOGIN $USERFARM_THE_BUYER_PASSWORD ${USERFARM_LOGIN-none}"`))
	run.wantCode(0)
	run.says("seller buyer hunter2 none\n")
}

func TestTheExitCodeOfRunIsThatOfTheCommand(t *testing.T) {
	farm := farmWith(t, "admin")
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -KILL $$": 137} {
		begin(t, at(t, farm, "run", "--", "sh", "-c", script)).wantCode(want)
		if got := farm.statuses()["admin"]; got != "free" {
			t.Errorf("after %q the user is %s", script, got)
		}
	}
}

func TestRunReportsTheUserOfACommandThatFails(t *testing.T) {
	for script, want := range map[string]string{"exit 0": "free", "exit 3": "quarantined", "kill -TERM $$": "free"} {
		farm := farmWith(t, "admin")
		run := begin(t, at(t, farm, "run", "--on-failure", "quarantine", "--", "sh", "-c", script))
		run.ends()
		if got := farm.statuses()["admin"]; got != want {
			t.Errorf("after %q the user is %s, want %s\n%s", script, got, want, run.stderr)
		}
	}
}

func TestRunHasAnExitCodeForEachReasonNotToStart(t *testing.T) {
	farm := farmWith(t, "admin", "held")
	holder := begin(t, at(t, farm, "run", "--label", "role=held", "--", "sh", "-c", "echo up; exec sleep 300"))
	holder.says("up")
	closed := serve(t, t.TempDir(), "--admin-key-file", writeToken(t))
	file := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(file, []byte("a note"), 0o600); err != nil {
		t.Fatal(err)
	}
	silent := &process{address: freeAddress(t)}
	for name, test := range map[string]struct {
		farm *process
		args []string
		code int
		says string
	}{
		"an unknown flag":               {farm, []string{"--fast", "--", "true"}, 64, "--fast"},
		"no command":                    {farm, nil, 64, "<command>"},
		"a label without a value":       {farm, []string{"--label", "role", "--", "true"}, 64, "KEY=VALUE"},
		"a label twice":                 {farm, []string{"--label", "role=a", "--label", "role=b", "--", "true"}, 64, "the label role is there twice"},
		"a label of a user twice":       {farm, []string{"--user", "s=role=a,role=b", "--", "true"}, 64, "the label role is there twice"},
		"two users with one name":       {farm, []string{"--user", "a-b", "--user", "a_b", "--", "true"}, 64, "a-b and a_b"},
		"a bad address":                 {&process{address: ""}, []string{"--", "true"}, 64, "--url"},
		"a bad selector":                {farm, []string{"--label", "a:b=c", "--", "true"}, 64, "--label must have a key"},
		"a ttl that is too long":        {farm, []string{"--ttl", "48h", "--", "true"}, 64, "--ttl, in seconds, must be from 1 to 86400"},
		"no such user":                  {farm, []string{"--env", "prod", "--", "true"}, 65, `env "stage", not "prod"`},
		"no farm":                       {silent, []string{"--", "true"}, 69, "userfarm serve"},
		"all users are taken":           {farm, []string{"--label", "role=held", "--", "true"}, 75, "held by ci-4711"},
		"no user comes free in time":    {farm, []string{"--label", "role=held", "--wait", "1s", "--", "true"}, 75, "--wait"},
		"no API key":                    {closed, []string{"--", "true"}, 77, "USERFARM_API_KEY"},
		"a command that is no program":  {farm, []string{"--", file}, 126, "notes"},
		"a command that does not exist": {farm, []string{"--", "no-such-command"}, 127, "no-such-command"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := begin(t, at(t, test.farm, append([]string{"run"}, test.args...)...))
			run.wantCode(test.code)
			run.complains(test.says)
		})
	}
}

// A test that goes on with a user that another test has may spoil both.
func TestTheCommandEndsWhenTheLeaseIsLost(t *testing.T) {
	for name, script := range map[string]string{
		"a command that ends":                   `echo $$ up; exec sleep 300`,
		"a command that ignores SIGTERM":        `trap "" TERM; echo $$ up; while :; do sleep 1; done`,
		"a command that has started another":    `sleep 300 & echo $! up; wait`,
		"a command that leaves another behind":  `(trap "" TERM; while :; do sleep 1; done) & echo $! up; exec sleep 300`,
		"a command that somebody has suspended": `echo $$ up; kill -STOP $$`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			farm := farmWith(t, "admin")
			run := begin(t, at(t, farm, "run", "--ttl", "3s", "--grace", "1s", "--", "sh", "-c", script))
			run.says("up\n")
			pid, err := strconv.Atoi(strings.Fields(run.stdout.String())[0])
			if err != nil {
				t.Fatal(err)
			}
			farm.force("admin")
			run.wantCode(76)
			run.complains("the lease of admin is lost")
			until(t, "no process is left", func() bool { return isGone(pid) })
		})
	}
}

// isGone reports whether a process has ended. Nobody may wait for an orphan in a container, where it stays a zombie.
func isGone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && bytes.Contains(status, []byte("State:\tZ"))
}

func TestACommandThatEndsAfterItsLeaseHasFailed(t *testing.T) {
	farm := farmWith(t, "admin")
	run := begin(t, at(t, farm, "run", "--", "sh", "-c", "echo up"+untilEnough))
	run.says("up")
	farm.force("admin")
	run.finish()
	run.wantCode(76)
}

func TestSignalsReachAllProcessesOfTheCommand(t *testing.T) {
	farm := farmWith(t, "admin")
	run := begin(t, at(t, farm, "run", "--", "sh", "-c",
		`(trap "echo first; exit" TERM; echo one; while :; do sleep 0.1; done) &
		 trap "wait; echo second; exit 7" TERM; echo two; while :; do sleep 0.1; done`))
	run.says("one")
	run.says("two")
	run.command.Process.Signal(syscall.SIGTERM)
	run.wantCode(7)
	run.says("first\n")
	run.says("second\n")
	if got := farm.statuses()["admin"]; got != "free" {
		t.Errorf("the user is %s", got)
	}
}

func TestNothingOutlivesARunThatIsKilled(t *testing.T) {
	farm := farmWith(t, "admin")
	run := begin(t, at(t, farm, "run", "--ttl", "2s", "--", "sh", "-c", "echo $$ up; exec sleep 300"))
	run.says("up\n")
	pid, err := strconv.Atoi(strings.Fields(run.stdout.String())[0])
	if err != nil {
		t.Fatal(err)
	}
	run.command.Process.Signal(syscall.SIGKILL)
	run.wantCode(-1)
	until(t, "the user is free", func() bool { return farm.statuses()["admin"] == "free" })
	if _, err := os.Stat("/proc/self"); err == nil { // Linux
		until(t, "the command has ended", func() bool { return isGone(pid) })
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestTheUsersAreReleasedWhenTheFarmComesBack(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	farm.add("admin")
	run := begin(t, at(t, farm, "run", "--", "sh", "-c", fmt.Sprint("kill -9 ", farm.command.Process.Pid)))
	run.complains("the farm does not answer; trying to release admin for up to 30s")
	again := start(t, dir, "serve", "--listen", farm.address)
	again.address = farm.address
	run.wantCode(0)
	if got := again.statuses()["admin"]; got != "free" {
		t.Errorf("the user is %s", got)
	}
}

func TestTheFarmMayRestartWhileACommandRuns(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	farm.add("admin")
	run := begin(t, at(t, farm, "run", "--ttl", "15s", "--", "sh", "-c", "echo up"+untilEnough))
	run.says("up")
	farm.signal(syscall.SIGKILL)
	farm.wait()
	again := start(t, dir, "serve", "--listen", farm.address)
	again.address = farm.address
	until(t, "the farm is back", func() bool { return again.get("/readyz") == http.StatusOK })
	until(t, "the lease is renewed", func() bool {
		_, events, _ := again.send(http.MethodGet, "/v1/events?kind=renewed", "")
		return strings.Contains(events, `"kind":"renewed"`)
	})
	run.finish()
	run.wantCode(0)
	if got := again.statuses()["admin"]; got != "free" {
		t.Errorf("the user is %s", got)
	}
}

func TestRunWaitsInLineAndSaysForWhom(t *testing.T) {
	farm := farmWith(t, "admin")
	holder := begin(t, at(t, farm, "run", "--", "sh", "-c", "echo up"+untilEnough))
	holder.says("up")
	first := begin(t, at(t, farm, "run", "--wait", "5m", "--", "sh", "-c", "echo first"+untilEnough))
	first.complains("place 1 in line: admin is held by ci-4711 until ")
	second := begin(t, at(t, farm, "run", "--wait", "5m", "--", "echo", "second"))
	second.complains("waiting since ")
	second.complains("place 2 in line")
	for _, ready := range []*terminalUser{holder, first} {
		ready.finish()
		ready.wantCode(0)
	}
	first.says("first")
	second.wantCode(0)
	second.says("second")
}

// The farm waits for a second at most each time, so run asks again and again. It keeps its place all the while.
func TestRunKeepsItsPlaceHoweverOftenItAsks(t *testing.T) {
	farm := farmWith(t, "admin")
	target, err := url.Parse("http://" + farm.address)
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(target)
	impatient := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/leases" {
			body, _ := io.ReadAll(r.Body)
			short := strings.Replace(string(body), `"wait_seconds":5`, `"wait_seconds":1`, 1)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(short)), int64(len(short))
			asked.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	defer impatient.Close()
	holder := begin(t, at(t, farm, "run", "--", "sh", "-c", "echo up"+untilEnough))
	holder.says("up")
	first := begin(t, at(t, farm, "run", "--url", impatient.URL, "--wait", "150s", "--", "sh", "-c", "echo first"+untilEnough))
	first.complains("place 1 in line")
	rival := begin(t, at(t, farm, "run", "--wait", "150s", "--", "echo", "rival"))
	rival.complains("place 2 in line")
	until(t, "run has asked five times", func() bool { return asked.Load() >= 5 })
	holder.finish()
	first.says("first")
	if rival.stdout.String() != "" {
		t.Error("the rival got the user, too")
	}
	first.finish()
	rival.says("rival")
}

func TestRunLeavesTheLineOnASignal(t *testing.T) {
	farm := farmWith(t, "admin")
	holder := begin(t, at(t, farm, "run", "--", "sh", "-c", "echo up; exec sleep 300"))
	holder.says("up")
	waiter := begin(t, at(t, farm, "run", "--wait", "5m", "--", "true"))
	waiter.complains("place 1 in line")
	waiter.command.Process.Signal(syscall.SIGTERM)
	waiter.wantCode(143)
	if _, line, _ := farm.send(http.MethodGet, "/v1/line", ""); !strings.Contains(line, `"total":0`) {
		t.Errorf("the line is %s", line)
	}
	holder.command.Process.Signal(syscall.SIGTERM)
	holder.wantCode(143)
	if got := farm.statuses()["admin"]; got != "free" {
		t.Errorf("the user is %s: it was given to a waiter that has gone", got)
	}
}

func TestGitHubActionsHidesTheSecrets(t *testing.T) {
	farm := farmWith(t)
	// Without the escape, the runner would hide 100%sure, and show the password.
	farm.post("/v1/users", strings.Replace(newUser, "hunter2", "100%25sure", 1))
	command := at(t, farm, "run", "--", "sh", "-c", `echo "$USERFARM_LEASE_ID"`)
	command.Env = append(command.Env, "GITHUB_ACTIONS=true")
	run := begin(t, command)
	run.wantCode(0)
	until(t, "the lease id is written", func() bool { return len(run.stdout.String()) > 36 })
	run.complains("::add-mask::" + run.stdout.String() + "::add-mask::100%2525sure\n")
}

func writeToken(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.key")
	if err := os.WriteFile(path, []byte(mustExecute(t, t.TempDir(), "keys", "generate")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
