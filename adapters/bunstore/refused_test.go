package bunstore

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Tests that ask for users of an exhausted pool again and again leave the groups to those that get users.
func TestAClaimThatWasRefusedLatelyLooksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, store, ids := newFakeEngine(1)
		claim := ports.Claim{Want: []domain.Selector{{}}, Decide: lockOpen}
		if _, err := store.Claim(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		begun := func(work func()) (groups, looks int) {
			engine.groups = nil
			work()
			for _, ask := range engine.groups {
				if ask.OneMoment {
					looks++
				} else {
					groups++
				}
			}
			return groups, looks
		}
		refuse := func(n int, claim ports.Claim) func() {
			return func() {
				answers := make(chan error, n)
				for range n {
					go func() {
						_, err := store.Claim(t.Context(), claim)
						answers <- err
					}()
				}
				for range n {
					if err := <-answers; !errors.Is(err, domain.ErrPoolExhausted) {
						t.Errorf("got %v, want %v", err, domain.ErrPoolExhausted)
					}
				}
			}
		}
		if groups, _ := begun(refuse(1, claim)); groups != 1 {
			t.Errorf("the first refusal took %d groups, want 1", groups)
		}
		engine.onBegin = func(Ask) error { time.Sleep(time.Millisecond); return nil }
		if groups, looks := begun(refuse(100, claim)); groups != 0 || looks > 2 {
			t.Errorf("100 refusals at the same time took %d groups and %d looks, want none and up to 2", groups, looks)
		}
		keyed := claim
		keyed.Once = domain.Once{Key: [32]byte{1}}
		if groups, _ := begun(refuse(1, keyed)); groups != 1 {
			t.Errorf("a refusal of a claim with a key took %d groups, want 1", groups)
		}
		time.Sleep(refusedLately + time.Nanosecond)
		if groups, _ := begun(refuse(1, claim)); groups != 1 {
			t.Errorf("a refusal some time later took %d groups, want 1", groups)
		}

		row := engine.rows[ids[0]]
		row.Circulation = Circulation{}
		engine.rows[ids[0]] = row
		if _, err := store.Claim(t.Context(), claim); err != nil {
			t.Errorf("a claim of a user that came free again returns %v", err)
		}
	})
}
