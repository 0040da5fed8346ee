//go:build unix && !linux

package child

import "syscall"

// tellWhenParentDies does nothing, because only Linux can do it.
func tellWhenParentDies(*syscall.SysProcAttr) {}
