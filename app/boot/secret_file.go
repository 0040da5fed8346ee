package boot

import (
	"log/slog"
	"os"
	"runtime"
)

// warnIfReadable warns of a file with a secret whose mode gives other accounts than its owner's any access. what says which secret.
func warnIfReadable(log *slog.Logger, what, path string) {
	const others = 0o077
	if runtime.GOOS == "windows" {
		return // whose files have no such mode
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&others != 0 {
		log.Warn("other accounts on this machine may read a file with secrets: chmod 600 the file",
			"secret", what, "file", path, "mode", info.Mode().Perm().String())
	}
}
