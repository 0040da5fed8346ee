package bunstore

import (
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// CallKey finds a call that is to be carried out once.
type CallKey [32]byte

// Call is a row of the table calls: a call that was carried out.
type Call struct {
	Key     CallKey
	Request [32]byte
	Outcome [16]byte
}

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
		return refuse(o.repeats(call))
	}
	if _, busy := r.busy[o.Key]; busy || r.noted[o.Key] {
		return errContended
	}
	return nil
}

// repeats returns the error of a call whose key was used before.
func (o once) repeats(before Call) error {
	if before.Request != o.Request {
		return domain.ErrIdempotencyMismatch
	}
	return &ports.RepeatedError{Outcome: before.Outcome}
}

// note keeps that the call is carried out in this round, and returns what is to be written of it.
func (o once) note(r *round) []Call {
	if o.IsZero() {
		return nil
	}
	call := Call{Key: o.Key, Request: o.Request, Outcome: o.Outcome}
	r.noted[call.Key] = true // not yet carried out: what it writes may not be taken
	return []Call{call}
}
