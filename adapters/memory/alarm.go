package memory

import "time"

// setAlarm lets the line be served when the next lock expires: then nobody calls the store. Without
// a line it is off, so that a store that nobody uses does nothing.
func (s *Store) setAlarm(now time.Time) {
	if s.alarm != nil {
		s.alarm.Stop()
		s.alarm = nil
	}
	if len(s.line) == 0 {
		return
	}
	if next := s.nextExpiry(now); next > 0 {
		s.alarm = time.AfterFunc(next, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.serve(s.clock.now())
		})
	}
}
