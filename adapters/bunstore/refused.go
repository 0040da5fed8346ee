package bunstore

import (
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// refusedLately is for how long after a refusal the same claim is likely to be refused again.
	refusedLately = time.Second

	// maxRefused bounds how many claims are remembered.
	maxRefused = 1_000
)

// refused remembers what was lately wanted and could not be had. Many tests may ask for the users of an exhausted pool again and
// again. Such a claim looks first, together with all that ask the same at the same time, so that they leave the transactions
// to those that get users. See [Store.lookTogether].
type refused struct {
	mu     sync.Mutex
	last   map[string]time.Time // when a claim was refused, by what it wanted
	latest time.Time            // when any was
}

// lately reports whether a claim that does not wait was refused lately, and wanted the same. A claim with a key may have been
// carried out, and is for a transaction.
func (r *refused) lately(c ports.Claim) bool {
	if c.Wait > 0 || !c.Once.IsZero() || !r.any() {
		return false
	}
	key, _ := EncodeWant(c.Want)
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.last[key]) <= refusedLately
}

// any reports whether any claim was refused lately.
func (r *refused) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.latest) <= refusedLately
}

// note keeps the answer to a claim.
func (r *refused) note(want []domain.Selector, answer error) {
	if !domain.MayPass(answer) {
		return
	}
	key, _ := EncodeWant(want)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || len(r.last) >= maxRefused {
		r.last = make(map[string]time.Time)
	}
	r.latest = time.Now()
	r.last[key] = r.latest
}
