package boot

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretThatOtherAccountsMayReadIsAWarning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for mode, warns := range map[os.FileMode]bool{
		0o600: false, 0o400: false, 0o700: false,
		0o640: true, 0o660: true, 0o604: true, 0o644: true, 0o620: true, 0o602: true, 0o440: true, 0o610: true,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, link} {
			var logged bytes.Buffer
			warnIfReadable(slog.New(slog.NewTextHandler(&logged, nil)), "the key", name)
			if got := strings.Contains(logged.String(), "level=WARN"); got != warns {
				t.Errorf("mode %o: a warning = %v, want %v", mode, got, warns)
			}
			if warns && (!strings.Contains(logged.String(), name) || !strings.Contains(logged.String(), "chmod 600")) {
				t.Errorf("mode %o: the warning does not name the file and what to do: %s", mode, &logged)
			}
		}
	}
	var logged bytes.Buffer
	for _, name := range []string{filepath.Join(t.TempDir(), "none"), os.DevNull, t.TempDir()} {
		warnIfReadable(slog.New(slog.NewTextHandler(&logged, nil)), "the key", name)
	}
	if logged.Len() > 0 {
		t.Errorf("warned of what is no file:\n%s", &logged)
	}
}
