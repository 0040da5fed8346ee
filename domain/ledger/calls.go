package ledger

import "github.com/userfarm/userfarm/domain"

// checkCall returns an error if a call was carried out before, or if a rival or an operation of this ledger is at it: whether
// that is written is not known yet.
func (l *Ledger) checkCall(once domain.Once) error {
	if once.IsZero() {
		return nil
	}
	if err := l.repeats(once); err != nil {
		return err
	}
	if _, busy := l.loaded.Busy[once.Key]; busy || l.noted[once.Key] {
		return ErrContended
	}
	return nil
}

// repeats returns what a call is told that was carried out before; nil if it was not.
func (l *Ledger) repeats(once domain.Once) error {
	if before, carriedOut := l.calls[once.Key]; carriedOut && !once.IsZero() {
		return once.Repeats(before)
	}
	return nil
}

// noteCall keeps that a call is carried out in this ledger, and returns what is to be written of it.
func (l *Ledger) noteCall(once domain.Once) []domain.Once {
	if once.IsZero() {
		return nil
	}
	l.noted[once.Key] = true
	return []domain.Once{once}
}
