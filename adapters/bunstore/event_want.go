package bunstore

import (
	"encoding/json"
	"fmt"

	"github.com/userfarm/userfarm/domain"
)

// eventWant is a selector as an event keeps it. It is relative to the event, so that it is short: a claim of any user of the pool
// is {}. A field that is left out is that of the event's pool, and an empty one is any.
type eventWant struct {
	User    *[]byte           `json:"u,omitempty"` // empty: the user of the event. If it is there, the fields of the pool say nothing.
	Project *[]byte           `json:"p,omitempty"`
	Env     *string           `json:"e,omitempty"`
	Domain  *string           `json:"d,omitempty"`
	Labels  map[string]string `json:"l,omitempty"`
	Scope   *[]byte           `json:"s,omitempty"` // ids of projects, one after the other
}

// EncodeEventWant returns what the claim of an event wants as text; nil if the event does not say.
func EncodeEventWant(e domain.Event) *string {
	if len(e.Want) == 0 {
		return nil
	}
	columns := make([]eventWant, len(e.Want))
	for i, s := range e.Want {
		column := &columns[i]
		column.Labels = s.Labels
		if s.Scope().Limited {
			column.Scope = new(encodeProjects(s.Scope().Projects))
		}
		if !s.UserID.IsZero() {
			column.User = new([]byte{})
			if s.UserID != e.UserID {
				*column.User = s.UserID[:]
			}
			continue
		}
		if s.ProjectID != e.Pool.ProjectID {
			column.Project = new([]byte{})
			if !s.ProjectID.IsZero() {
				*column.Project = s.ProjectID[:]
			}
		}
		if s.Env != e.Pool.Env {
			column.Env = &s.Env
		}
		if s.Domain != e.Pool.Domain {
			column.Domain = &s.Domain
		}
	}
	encoded, _ := json.Marshal(columns) // plain data always encodes
	return new(string(encoded))
}

// decodeEventWant sets what the claim of an event wants, from what EncodeEventWant wrote. The event has its user and its pool.
func decodeEventWant(text *string, e *domain.Event) error {
	if text == nil {
		return nil
	}
	var columns []eventWant
	if err := json.Unmarshal([]byte(*text), &columns); err != nil {
		return refuse(fmt.Errorf("what the claim of an event wants: %w", err))
	}
	e.Want = make([]domain.Selector, len(columns))
	for i, column := range columns {
		s := domain.Selector{ProjectID: e.Pool.ProjectID, Env: e.Pool.Env, Domain: e.Pool.Domain, Labels: column.Labels}
		if column.Project != nil {
			s.ProjectID = domain.ProjectID{}
			copy(s.ProjectID[:], *column.Project)
		}
		if column.Env != nil {
			s.Env = *column.Env
		}
		if column.Domain != nil {
			s.Domain = *column.Domain
		}
		if column.User != nil {
			s = domain.Selector{UserID: e.UserID}
			if len(*column.User) > 0 {
				copy(s.UserID[:], *column.User)
			}
		}
		if column.Scope != nil {
			s = s.In(domain.Only(decodeProjects(*column.Scope)...))
		}
		e.Want[i] = s
	}
	return nil
}
