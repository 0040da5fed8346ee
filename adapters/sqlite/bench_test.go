package sqlite_test

import (
	"testing"

	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

// Every commit waits for the disk: the store has no setting for that.
func BenchmarkStore(b *testing.B) {
	portstest.BenchmarkStore(b, func(t testing.TB) ports.Store {
		return open(t, newFile(t), keyRing(t, 1))
	})
}
