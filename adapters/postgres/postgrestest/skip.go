package postgrestest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const (
	installAdvice = "To run them, install PostgreSQL (Debian, Ubuntu: apt install postgresql; macOS: brew install postgresql) and repeat\n" +
		"go test with -count=1, or set " + Variable + " to the URL of a server. " + Variable + "=off hides this notice."
	ownServerAdvice = "To run them, unset " + Variable + " on a machine with PostgreSQL's programs."
)

// skipped counts the tests of this process that were skipped. They all have the same reason, because the setting and the
// machine are the same for all.
var skipped struct {
	mu             sync.Mutex
	tests          int
	reason, advice string
}

// skip skips the test, and has [Main] say so in the end: go test does not show the reason by itself.
func skip(t testing.TB, reason, advice string) {
	t.Helper()
	skipped.mu.Lock()
	skipped.tests++
	skipped.reason, skipped.advice = reason, advice
	skipped.mu.Unlock()
	t.Skip("postgrestest: " + reason)
}

// reportSkipped says once for the whole package what was skipped. Go test hides the output of a package that passes, unless it
// runs with -v or for one folder alone, so the notice goes to the terminal; to standard error where there is none.
func reportSkipped() {
	skipped.mu.Lock()
	defer skipped.mu.Unlock()
	if skipped.tests == 0 {
		return
	}
	var out io.Writer = os.Stderr
	if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		defer func() { _ = terminal.Close() }()
		out = terminal
	}
	_, _ = fmt.Fprintf(out, "%s: tests skipped: %d, because %s.\n%s\n", testedPackage(), skipped.tests, skipped.reason, skipped.advice)
}

// testedPackage returns the last element of the package's import path.
func testedPackage() string { return strings.TrimSuffix(filepath.Base(os.Args[0]), ".test") }
