package bunstore

import "github.com/userfarm/userfarm/domain"

// CallKey finds a call that is to be carried out once: the key of its [domain.Once].
type CallKey = [32]byte

// once is the part of an operation that keeps it from being carried out twice.
type once struct{ domain.Once }

func (o once) ask(ask *Ask) {
	if !o.IsZero() {
		ask.Calls = append(ask.Calls, o.Key)
	}
}

// check refuses what was carried out before, or, in a group, what somebody else is at.
func (o once) check(r *round) error {
	if o.IsZero() {
		return nil
	}
	if call, carriedOut := r.calls[o.Key]; carriedOut {
		return refuse(o.Repeats(call))
	}
	if _, busy := r.busy[o.Key]; busy || r.noted[o.Key] {
		return errContended
	}
	return nil
}

// note keeps that the call is carried out in this round, and returns what is to be written of it.
func (o once) note(r *round) []domain.Once {
	if o.IsZero() {
		return nil
	}
	r.noted[o.Key] = true // not yet carried out: what it writes may not be taken
	return []domain.Once{o.Once}
}
