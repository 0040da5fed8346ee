package main_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// These tests run the real program: TestMain builds it once, and every test starts processes of its own in folders of
// its own.

// process is a running userfarm.
type process struct {
	t       *testing.T
	command *exec.Cmd
	output  *buffer // standard output and error
	exited  chan struct{}
	address string
	key     string // token that requests carry; empty for none
}

// start runs userfarm with args in dir. It is killed when the test ends.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, output: &buffer{}, exited: make(chan struct{})}
	p.command = exec.Command(binary, args...)
	p.command.Dir = dir
	p.command.Env = append(os.Environ(), "USERFARM_LOG_FORMAT=json")
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.command.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		p.wait()
	})
	return p
}

// serve runs a farm in dir on a free port and waits until it is ready.
func serve(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	address := freeAddress(t)
	p := start(t, dir, append([]string{"serve", "--listen", address}, args...)...)
	p.address = address
	for range 3000 {
		if p.get("/readyz") == http.StatusOK {
			return p
		}
		select {
		case <-p.exited:
			t.Fatalf("userfarm ended:\n%s", p.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("userfarm did not become ready:\n%s", p.output)
	return nil
}

func (p *process) signal(s os.Signal) { _ = p.command.Process.Signal(s) }

// wait returns the exit code, or -1 if a signal ended the process.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		p.t.Fatalf("userfarm did not end:\n%s", p.output)
	}
	return p.command.ProcessState.ExitCode()
}

// get returns the status of the answer, or 0 if there is none.
func (p *process) get(path string) int {
	status, _, err := p.send(http.MethodGet, path, "")
	if err != nil {
		return 0
	}
	return status
}

// post sends JSON and returns the status and body of the answer.
func (p *process) post(path, body string) (int, string) {
	p.t.Helper()
	status, answer, err := p.send(http.MethodPost, path, body)
	if err != nil {
		p.t.Fatalf("POST %s: %v\n%s", path, err, p.output)
	}
	return status, answer
}

// send sends a request with headers in pairs of name and value, and with JSON unless body is empty.
func (p *process) send(method, path, body string, headers ...string) (status int, answer string, err error) {
	request, err := http.NewRequest(method, "http://"+p.address+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if p.key != "" {
		request.Header.Set("Authorization", "Bearer "+p.key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response.StatusCode, string(read), err
}

// outcome is the result of a program that has ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// execute runs userfarm with args in dir and waits until it ends.
func execute(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, binary, args...)
	command.Dir = dir
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil && command.ProcessState.ExitCode() < 1 {
		t.Fatalf("%v: %v\n%s", args, err, &stderr)
	}
	return outcome{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}

// mustExecute is execute for a command that must succeed. It returns the standard output.
func mustExecute(t *testing.T, dir string, args ...string) string {
	t.Helper()
	done := execute(t, dir, args...)
	if done.code != 0 {
		t.Fatalf("%v: exit code %d\n%s", args, done.code, done.stderr)
	}
	return done.stdout
}

// problem returns the line in which the program gives the reason of its failure. There must be exactly one.
func (p *process) problem() string {
	p.t.Helper()
	var printed []string
	for line := range strings.Lines(p.output.String()) {
		if !strings.HasPrefix(line, "{") { // a log line
			printed = append(printed, strings.TrimSpace(line))
		}
	}
	if len(printed) != 1 {
		p.t.Errorf("want one line, got %d:\n%s", len(printed), strings.Join(printed, "\n"))
	}
	return strings.Join(printed, "\n")
}

// buffer is a bytes.Buffer that is safe for concurrent use.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
