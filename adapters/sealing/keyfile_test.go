package sealing_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/sealing"
)

func TestCreateKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "farm.key")
	if err := sealing.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600 (%v)", info.Mode().Perm(), err)
	}
	first, err := sealing.ReadKeyFile(path)
	if err != nil {
		t.Fatalf("what was created can't be read: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("the folder holds %d files, want the key file alone", len(left))
	}

	if err := sealing.CreateKeyFile(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("second create = %v, want %v", err, os.ErrExist)
	}
	again, err := sealing.ReadKeyFile(path)
	if err != nil || !slices.Equal(first.KeyIDs(), again.KeyIDs()) {
		t.Errorf("second create changed the key: %v", err)
	}
}

func TestReadKeyFile(t *testing.T) {
	one, two := base64.StdEncoding.EncodeToString(key(1)), base64.StdEncoding.EncodeToString(key(2))
	path := write(t, "# a comment\r\n\n  "+two+"\r\n"+one)
	r, err := sealing.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := ring(t, key(2), key(1)).KeyIDs(); !slices.Equal(r.KeyIDs(), want) {
		t.Errorf("keys = %v, want %v", r.KeyIDs(), want)
	}
}

func TestReadKeyFileNamesTheLineAndNeverQuotesIt(t *testing.T) {
	almost := base64.StdEncoding.EncodeToString(key(1)[1:])
	_, err := sealing.ReadKeyFile(write(t, "# keys\n"+almost+"\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), almost) {
		t.Errorf("err = %v", err)
	}
	if _, err := sealing.ReadKeyFile(write(t, "# only a comment\n")); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Errorf("a file without keys: err = %v", err)
	}
	if _, err := sealing.ReadKeyFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: err = %v", err)
	}
}

func FuzzReadKeyFile(f *testing.F) {
	f.Add([]byte("# c\n" + base64.StdEncoding.EncodeToString(key(1))))
	f.Add([]byte("\xff\n=\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := sealing.ReadKeyFile(write(t, string(text)))
		if (err == nil) != (r != nil && len(r.KeyIDs()) > 0) {
			t.Errorf("ring %v, error %v", r, err)
		}
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "farm.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
