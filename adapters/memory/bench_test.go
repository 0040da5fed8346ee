package memory_test

import (
	"testing"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

func BenchmarkStore(b *testing.B) {
	portstest.BenchmarkStore(b, func(testing.TB) ports.Store { return memory.New() })
}
