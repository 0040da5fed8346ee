//go:build !linux

package sqlite

import "os"

// lockInode does nothing: this system has no lock on a file that leaves SQLite's own locks alone.
func lockInode(*os.File) error { return nil }

func unlockInode(*os.File) {}
