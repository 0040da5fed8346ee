package memory

import "time"

// setAlarm lets the line be served when the next user is free: at the expiry of its lock nobody calls the store. Without
// a line it is off, so that a store that nobody uses does nothing.
func (s *Store) setAlarm(now time.Time) {
	if s.alarm != nil {
		s.alarm.Stop()
		s.alarm = nil
	}
	if len(s.line) == 0 {
		return
	}
	if next := s.nextFree(now); next > 0 {
		s.alarm = time.AfterFunc(next, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.serve(s.clock.now())
		})
	}
}

// nextFree returns how long it is until the next user is free by time alone; 0 if none will be.
func (s *Store) nextFree(now time.Time) time.Duration {
	var next time.Duration
	for _, u := range s.users {
		if from, ok := u.FreeFrom(); ok {
			next = sooner(next, from.Sub(now))
		}
	}
	return next
}

// sooner returns the lesser of two durations that are above 0; others don't count.
func sooner(a, b time.Duration) time.Duration {
	if b <= 0 || a > 0 && a < b {
		return a
	}
	return b
}
