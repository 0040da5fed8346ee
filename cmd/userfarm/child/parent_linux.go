package child

import "syscall"

// tellWhenParentDies lets the kernel send SIGTERM to the command if this program is killed. Nobody renews the lease then, so the
// command must not go on.
func tellWhenParentDies(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGTERM }
