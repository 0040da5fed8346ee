package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Forget implements [ports.Housekeeping].
func (s *Store) Forget(ctx context.Context, ages ports.Ages) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	maps.DeleteFunc(s.ended, func(_ domain.LeaseDigest, l endedLease) bool { return now.Sub(l.at) > ages.Leases })
	maps.DeleteFunc(s.calls, func(_ callKey, c call) bool { return c.forgotten(now) })
	s.history = slices.DeleteFunc(s.history, func(e ports.RecordedEvent) bool { return now.Sub(e.At) > ages.Events })
	return nil
}
