//go:build unix

package sealing_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/userfarm/userfarm/adapters/sealing"
)

// A farm must be able to read a file that its administrator has edited.
func TestAnEditKeepsTheOwner(t *testing.T) {
	const farm = 65532
	if os.Getuid() != 0 {
		t.Skip("only root can change the owner of a file")
	}
	path := write(t, line(1))
	if err := os.Chown(path, farm, farm); err != nil {
		t.Fatal(err)
	}
	if _, err := sealing.AddKey(path, false); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != farm || owner.Gid != farm {
		t.Errorf("the file belongs to %d:%d, want %d:%d", owner.Uid, owner.Gid, farm, farm)
	}
}
