package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/ports/portstest"
)

func TestStore(t *testing.T) {
	portstest.TestStore(t, synctest.Test, func(testing.TB) portstest.Subject {
		return portstest.Subject{Store: memory.New(), Advance: time.Sleep}
	})
}
