//go:build !unix

package sqlite

import "os"

// links returns 1: this system does not say how many names a file has.
func links(os.FileInfo) uint64 { return 1 }
