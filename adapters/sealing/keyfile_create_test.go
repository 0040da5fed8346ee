package sealing_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
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
	first := open(t, path).KeyIDs()
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("the folder holds %d files, want the key file alone", len(left))
	}

	if err := sealing.CreateKeyFile(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("second create = %v, want %v", err, os.ErrExist)
	}
	if again := open(t, path).KeyIDs(); !slices.Equal(first, again) {
		t.Error("second create changed the key")
	}
}
