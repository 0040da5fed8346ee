//go:build !unix

package sealing

import (
	"errors"
	"fmt"
	"os"
)

// replaceFile returns [errors.ErrUnsupported]: a file that is open, as the locked key file is, can't be replaced in one step.
func replaceFile(path, _ string, _ os.FileInfo) error {
	return fmt.Errorf("edit %s on this operating system: %w", path, errors.ErrUnsupported)
}
