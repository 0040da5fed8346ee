//go:build !unix

package bench

import "math"

// openFilesLimit returns the highest number: the system has no such limit.
func openFilesLimit() uint64 { return math.MaxUint64 }
