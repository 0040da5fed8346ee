package memory

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// call was carried out.
type call struct {
	once domain.Once
	at   time.Time
}

// forgotten reports whether its key may name another call.
func (c call) forgotten(now time.Time) bool { return now.Sub(c.at) > domain.IdempotencyWindow }

// carriedOut returns those of the calls that were carried out.
func (s *Store) carriedOut(now time.Time, keys []ledger.CallKey) []domain.Once {
	var calls []domain.Once
	for _, key := range keys {
		if before, known := s.calls[key]; known && !before.forgotten(now) {
			calls = append(calls, before.once)
		}
	}
	return calls
}
