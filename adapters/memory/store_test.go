package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports/portstest"
)

func TestStore(t *testing.T) {
	portstest.TestStore(t, synctest.Test, func(testing.TB) portstest.Subject {
		observed := portstest.NewObserved()
		return portstest.Subject{Store: memory.NewWith(login.Rule{}, observed), Advance: time.Sleep, Observed: observed}
	})
}

func TestCaseSensitiveLogins(t *testing.T) {
	portstest.TestCaseSensitiveLogins(t, synctest.Test, func(testing.TB) portstest.Subject {
		return portstest.Subject{Store: memory.NewWith(login.Rule{CaseSensitive: true}), Advance: time.Sleep}
	})
}
