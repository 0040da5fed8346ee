package memory

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// callKey finds a call that was carried out.
type callKey [sha256.Size]byte

// call was carried out.
type call struct {
	once domain.Once
	at   time.Time
}

// forgotten tells whether its key may name another call.
func (c call) forgotten(now time.Time) bool { return now.Sub(c.at) > domain.IdempotencyWindow }

// repeated returns nil unless a call with the same key was carried out.
func (s *Store) repeated(now time.Time, once domain.Once) error {
	if once.IsZero() {
		return nil
	}
	before, known := s.calls[once.Key]
	if !known || before.forgotten(now) {
		return nil
	}
	return fmt.Errorf("memory: call: %w", once.Repeats(before.once))
}

// noteCall remembers that a call was carried out.
func (s *Store) noteCall(now time.Time, once domain.Once) {
	if !once.IsZero() {
		s.calls[once.Key] = call{once: once, at: now}
	}
}
