//go:build unix

package bench

import (
	"math"
	"syscall"
)

// openFilesLimit returns how many files this process may have open. The Go runtime has raised the limit as far as it may.
func openFilesLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxUint64 // a connection that can't be opened is reported later
	}
	return uint64(limit.Cur) //nolint:unconvert // it is signed on some systems
}
