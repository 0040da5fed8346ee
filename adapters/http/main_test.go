package http_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"regexp"
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
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // checks every 10 s whether to end
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "something still runs after the tests:", err)
		code = 1
	}
	if n := secrets.in(logged.String()); n > 0 {
		fmt.Fprintln(os.Stderr, n, "of the secrets of the tests are in the log")
		code = 1
	}
	os.Exit(code)
}

// logged is where every server of the suite logs to, at every level.
var logged logBuffer

func newLog() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutNumbers}))
}

// withoutNumbers leaves out of a log the numbers that could be mistaken for a one-time code.
func withoutNumbers(_ []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey || attr.Key == "duration_ms" {
		return slog.Attr{}
	}
	return attr
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

// secrets are the passwords, lease ids, idempotency keys, tokens, TOTP secrets and one-time codes that the tests used.
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
		if has(text, secret) {
			leaked++
		}
	}
	return leaked
}

// has reports whether a secret is in a text. A code has only digits: as a part of a longer number or of a UUID it does not
// count.
func has(text, secret string) bool {
	for rest := text; ; {
		before, after, found := strings.Cut(rest, secret)
		if !found {
			return false
		}
		if len(secret) > codeDigits || !endsInHex.MatchString(before) && !beginsInHex.MatchString(after) {
			return true
		}
		rest = after
	}
}

var (
	endsInHex   = regexp.MustCompile(`[0-9a-f-]$`)
	beginsInHex = regexp.MustCompile(`^[0-9a-f-]`)
)

// codeDigits is the number of digits of the codes of newTOTP. It is the maximum, so that no other number looks like a code.
const codeDigits = 8

// newTOTP returns the secret of a second factor, which no log may show.
func newTOTP() string {
	secret := rand.Text()[:24] // base32
	secrets.add(secret)
	return "otpauth://totp/x?digits=8&period=1&secret=" + secret // at any time there is a code
}

// newPassword returns a password that no log may show.
func newPassword() string {
	password := "pw-" + rand.Text()
	secrets.add(password)
	return password
}
