package bench

import "fmt"

// otherFiles is how many files a bench has open beside its connections.
const otherFiles = 64

// checkOpenFiles returns an error if the bench needs more connections than the process may have files open.
func checkOpenFiles(cfg Config, limit uint64) error {
	needed := uint64(cfg.Clients) + uint64(cfg.Waiters) + otherFiles //nolint:gosec // neither is negative
	if needed > limit {
		return fmt.Errorf("--clients %d and --waiters %d need %d open files, and this process may have %d: raise the limit (ulimit -n)",
			cfg.Clients, cfg.Waiters, needed, limit)
	}
	return nil
}
