package sqlite

import (
	"errors"
	"os"
	"syscall"
)

const (
	// setLock is F_OFD_SETLK, which package syscall does not have: a lock that belongs to the handle and not to the process, so
	// that it stays when SQLite closes a handle of its own.
	setLock = 37

	// lockedByte is far behind the end of every database, and behind the bytes that SQLite locks.
	lockedByte = 1 << 62
)

// lockInode returns an [ErrInUse] if another handle has the lock. A file system that has no such locks leaves it at the lock on the name.
func lockInode(handle *os.File) error {
	err := setInodeLock(handle, syscall.F_WRLCK)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return errOtherName
	}
	return nil
}

func unlockInode(handle *os.File) { _ = setInodeLock(handle, syscall.F_UNLCK) }

func setInodeLock(handle *os.File, kind int16) error {
	return syscall.FcntlFlock(handle.Fd(), setLock, &syscall.Flock_t{Type: kind, Start: lockedByte, Len: 1})
}
