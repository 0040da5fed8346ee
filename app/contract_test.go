package app_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/ports/portstest"
)

func TestFarm(t *testing.T) {
	portstest.TestFarm(t, synctest.Test, func(testing.TB) portstest.FarmSubject {
		return portstest.FarmSubject{Farm: mustNew(memory.New(), app.Settings{}), Advance: time.Sleep}
	})
}
