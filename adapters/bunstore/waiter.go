package bunstore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// ReplicaID tells the processes of a farm apart.
type ReplicaID int64

// Waiter is a claim that stands in line. Its times are in microseconds since 1970, by the store's clock.
type Waiter struct {
	Place   int64 // those with lower ones are ahead
	Replica ReplicaID
	Want    []domain.Selector
	WantKey int64 // the same for those that want the same; see [EncodeWant]
	Since   int64
	Until   int64 // when it leaves the line in any case
	Call    ledger.CallID
	Asker   domain.Asker

	// Away says that the claim has left, or its process has ended: its place may be kept for a repetition of the call.
	Away bool
}

// inLedger returns the claim as the ledger knows it.
func (w Waiter) inLedger() ledger.Waiter {
	return ledger.Waiter{
		Place: ledger.Place(w.Place), Want: w.Want, Since: instant(w.Since), Until: instant(w.Until), Call: w.Call, Asker: w.Asker,
	}
}

// EmptyLine is the version of a line that no claim has joined yet.
const EmptyLine = -1

// LineChanges are what has changed in the line.
type LineChanges struct {
	Since   int64       // the version after which
	Version int64       // the version until which, at least
	Changed []Waiter    // as they are now; those that have left are Away
	Alive   []ReplicaID // the processes whose claims count
}

// wantColumn is a selector as the line keeps it. Fields that say nothing are left out.
type wantColumn struct {
	UserID    []byte            `json:"u,omitempty"`
	ProjectID []byte            `json:"p,omitempty"`
	Env       string            `json:"e,omitempty"`
	Domain    string            `json:"d,omitempty"`
	Labels    map[string]string `json:"l,omitempty"`
	Scope     *[]byte           `json:"s,omitempty"` // ids of projects, one after the other
}

// EncodeWant returns selectors as text, and a key that is the same for the same text.
func EncodeWant(want []domain.Selector) (text string, key int64) {
	columns := make([]wantColumn, len(want))
	for i, s := range want {
		columns[i] = wantColumn{Env: s.Env, Domain: s.Domain, Labels: s.Labels}
		if !s.UserID.IsZero() {
			columns[i].UserID = s.UserID[:]
		}
		if !s.ProjectID.IsZero() {
			columns[i].ProjectID = s.ProjectID[:]
		}
		if s.Scope().Limited {
			projects := encodeProjects(s.Scope().Projects)
			columns[i].Scope = &projects
		}
	}
	encoded, _ := json.Marshal(columns) // plain data always encodes
	digest := sha256.Sum256(encoded)
	return string(encoded), int64(binary.BigEndian.Uint64(digest[:8])) //nolint:gosec // any bits will do
}

// DecodeWant reads what EncodeWant wrote.
func DecodeWant(text string) ([]domain.Selector, error) {
	var columns []wantColumn
	if err := json.Unmarshal([]byte(text), &columns); err != nil {
		return nil, refuse(fmt.Errorf("what a waiter wants: %w", err))
	}
	want := make([]domain.Selector, len(columns))
	for i, c := range columns {
		want[i] = domain.Selector{Env: c.Env, Domain: c.Domain, Labels: c.Labels}
		copy(want[i].UserID[:], c.UserID)
		copy(want[i].ProjectID[:], c.ProjectID)
		if c.Scope != nil {
			want[i] = want[i].In(domain.Only(decodeProjects(*c.Scope)...))
		}
	}
	return want, nil
}
