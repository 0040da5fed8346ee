package http_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the suite, and then fails it if something still runs, or if a secret got into the log.
func TestMain(m *testing.M) {
	code := m.Run()
	err := goleak.Find(
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),    // runs for ever
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // looks every 10 s whether to end
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "something still runs after the tests:", err)
		code = 1
	}
	if n := secrets.in(logged.String()); n > 0 {
		fmt.Fprintln(os.Stderr, n, "of the passwords, lease ids and idempotency keys of the tests are in the log")
		code = 1
	}
	os.Exit(code)
}

// logged is where every server of the suite logs to, at every level.
var logged logBuffer

func newLog() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// logBuffer keeps all that was logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// secrets are the passwords, lease ids and idempotency keys that the tests used.
var secrets secretSet

type secretSet struct {
	mu  sync.Mutex
	set map[string]bool
}

func (s *secretSet) add(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = map[string]bool{}
	}
	s.set[secret] = true
}

// in returns how many of the secrets are in a text.
func (s *secretSet) in(text string) (leaked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for secret := range s.set {
		if strings.Contains(text, secret) {
			leaked++
		}
	}
	return leaked
}

// newPassword returns a password that no log may show.
func newPassword() string {
	password := "pw-" + rand.Text()
	secrets.add(password)
	return password
}
