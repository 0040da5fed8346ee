package entrance

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestAKeyThatIsNotUsedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := newRateLimit(1)
		take := func(n int) error { return limit.take(domain.Caller{Key: domain.APIKeyID{byte(n), byte(n >> 8), 1}}) }
		for n := range 1000 {
			if err := take(n); err != nil {
				t.Fatal(err)
			}
		}
		if known := len(limit.keys); known != 1000 {
			t.Fatalf("%d keys are known, want 1000", known)
		}
		time.Sleep(time.Minute - 1)
		if err := take(0); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Nanosecond)
		if err := take(0); err == nil {
			t.Error("a key that is in use was forgotten")
		}
		if known := len(limit.keys); known != 1 {
			t.Errorf("%d keys are known, want 1", known)
		}
	})
}
