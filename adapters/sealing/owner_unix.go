//go:build unix

package sealing

import (
	"os"
	"syscall"
)

// keepOwner gives the file to the owner and group that info names: a key file that an administrator edits must stay
// readable for the farm.
func keepOwner(file *os.File, info os.FileInfo) error {
	wanted, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return nil
	}
	return file.Chown(int(wanted.Uid), int(wanted.Gid))
}
