package ledger

import "github.com/userfarm/userfarm/domain"

// checkCall returns an error if a call was carried out before, or if a rival or an operation of this ledger is at it: whether
// that is written is not known yet.
func (l *Ledger) checkCall(once domain.Once) error {
	if once.IsZero() {
		return nil
	}
	if err := l.Repeated(once); err != nil {
		return err
	}
	if _, busy := l.loaded.Busy[once.Key]; busy || l.noted[once.Key] {
		return ErrContended
	}
	return nil
}

// Repeated returns the error of a call that was carried out before; see [domain.Once.Repeats]. It returns nil if it was not.
func (l *Ledger) Repeated(once domain.Once) error {
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
