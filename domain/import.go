package domain

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MostImportErrors is how many errors, and how many differences, a report of an import has at most.
const MostImportErrors = 1000

// ImportKept is how long a store keeps an import with which nothing happens: one that was not decided, or the counts of one that was
// carried out.
const ImportKept = 15 * time.Minute

// Identity is what tells one account from all others: no two users of a farm have the same one. A store has the rule that tells which
// logins are the same (see package domain/login).
type Identity struct {
	ProjectID ProjectID
	Env       string
	Login     string
}

// ImportRow is a user that an import adds or, if a user with the same identity exists, changes. What is nil, and an empty domain,
// stays as it is. A new user needs a password and a domain.
type ImportRow struct {
	Login    string
	Pool     Pool
	Password *Secret
	Labels   *Labels // replaces all labels
	TOTP     *TOTP   // the zero value removes the second factor

	// Unread are the fields that could not be read. They are zero here.
	Unread []FieldError
}

// Identity returns the identity of the user.
func (r ImportRow) Identity() Identity {
	return Identity{ProjectID: r.Pool.ProjectID, Env: r.Pool.Env, Login: r.Login}
}

// Check returns the fields that break a rule, whether or not the user exists.
func (r ImportRow) Check() []FieldError {
	var v violations
	v.login("/login", r.Login)
	if r.Pool.ProjectID.IsZero() {
		v.add("/project_id", "must be a UUID other than the nil UUID")
	}
	v.visible("/env", r.Pool.Env, maxName)
	if r.Pool.Domain != "" {
		v.visible("/domain", r.Pool.Domain, maxName)
	}
	if r.Password != nil {
		v.password("/password", *r.Password)
	}
	if r.Labels != nil {
		v.labels("/labels", *r.Labels)
	}
	broken := slices.DeleteFunc(v, func(f FieldError) bool { return r.isUnread(f.Pointer) })
	return inOrder(append(slices.Clone(r.Unread), broken...))
}

// inOrder sorts errors by their fields.
func inOrder(fields []FieldError) []FieldError {
	slices.SortStableFunc(fields, func(a, b FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return fields
}

// isUnread reports whether a field, or one that it is part of, could not be read.
func (r ImportRow) isUnread(pointer string) bool {
	return slices.ContainsFunc(r.Unread, func(f FieldError) bool {
		return f.Pointer == "" || pointer == f.Pointer || strings.HasPrefix(pointer, f.Pointer+"/")
	})
}

// ImportOp is what an import does with a row.
type ImportOp string

// What an import does with a row.
const (
	ImportAdds    ImportOp = "added"
	ImportChanges ImportOp = "changed"
	ImportKeeps   ImportOp = "unchanged"
)

// Compare returns what an import of the row does. existing is the user that has the identity of the row, or nil. It returns the
// fields that break a rule, of a row that passes [ImportRow.Check].
func (r ImportRow) Compare(existing *User) (op ImportOp, changed ChangedFields, broken []FieldError) {
	if existing == nil {
		return ImportAdds, ChangedFields{}, inOrder(r.missing())
	}
	s := existing.state
	if r.Pool.Domain != "" && r.Pool.Domain != s.Pool.Domain {
		broken = append(broken, FieldError{Pointer: "/domain", Detail: "must be the domain that the user has, or empty: it can't be changed"})
	}
	if r.Password == nil && s.Password == (Secret{}) {
		broken = append(broken, FieldError{Pointer: "/password", Detail: "is required: the stored secrets of the user can't be read"})
	}
	changed = ChangedFields{
		Password: r.Password != nil && *r.Password != s.Password,
		Labels:   r.Labels != nil && !maps.Equal(*r.Labels, s.Labels),
		TOTP:     r.TOTP != nil && *r.TOTP != s.TOTP,
	}
	if changed == (ChangedFields{}) {
		return ImportKeeps, changed, broken
	}
	return ImportChanges, changed, broken
}

// missing returns the fields that a new user lacks.
func (r ImportRow) missing() (missing []FieldError) {
	if r.Password == nil {
		missing = append(missing, FieldError{Pointer: "/password", Detail: "is required for a new user"})
	}
	if r.Pool.Domain == "" {
		missing = append(missing, FieldError{Pointer: "/domain", Detail: "is required for a new user"})
	}
	return missing
}

// Merge changes existing as the row says, in the name of the caller. If existing is nil, it returns a new user with the id. The event has
// the reason, which passes [CheckReason]. broken has the rules of [ImportRow.Compare] that the row breaks; then nothing changes.
func (c Caller) Merge(
	now time.Time, id UserID, row ImportRow, reason string, existing *User,
) (added *User, op ImportOp, broken []FieldError) {
	op, _, broken = row.Compare(existing)
	if len(broken) > 0 {
		return nil, op, broken
	}
	if existing != nil {
		existing.ActBy(c.Key)
		err := existing.Change(now, Change{Password: row.Password, Labels: row.Labels, TOTP: row.TOTP, Reason: reason})
		return nil, op, fieldsOf(err)
	}
	spec := Spec{Login: row.Login, Password: *row.Password, Pool: row.Pool, Reason: reason}
	if row.Labels != nil {
		spec.Labels = *row.Labels
	}
	if row.TOTP != nil {
		spec.TOTP = *row.TOTP
	}
	added, err := c.NewUser(id, now, spec)
	return added, op, fieldsOf(err)
}

// fieldsOf returns the fields of an [InvalidError]; none for nil.
func fieldsOf(err error) []FieldError {
	if invalid, ok := err.(*InvalidError); ok { //nolint:errorlint // of this package, not wrapped
		return invalid.Fields
	}
	return nil
}

// Spec returns what a user is created from, without a reason, so that it can be created again elsewhere.
func (u *User) Spec() Spec {
	s := u.Snapshot()
	return Spec{Login: s.Login, Password: s.Password, Pool: s.Pool, Labels: s.Labels, TOTP: s.TOTP}
}

// ImportPart is an import, or a part of one.
type ImportPart struct {
	// ID names the import. A part that is sent again with the same id is carried out once. The zero id is a new one.
	ID ImportID

	// FirstRow is the number of the first row in the import, from 1, of a part. It is 0 for a whole import.
	FirstRow int

	Rows    []ImportRow
	DryRun  bool // check the rows, and change nothing
	Partial bool // leave out the rows that break a rule, and import the others at once

	// Reason says why the users of these rows are added or changed, for their histories; may be empty.
	Reason string
}

// ImportID is the name that a caller gives to an import.
type ImportID [16]byte

// Of returns the key of the import for a store. Imports of different callers have different keys.
func (id ImportID) Of(caller Caller) ImportKey {
	digest := sha256.Sum256(slices.Concat([]byte("userfarm import\x00"), caller.Key[:], id[:]))
	return ImportKey(digest[:16])
}

// ImportKey identifies an import in a store.
type ImportKey [16]byte

// Once describes the import of some rows as a call that is carried out once. Its outcome is to be set; see [ImportCounts.Outcome].
func (k ImportKey) Once(firstRow int, rows []ImportRow) Once {
	request := sha256.New()
	for _, row := range rows {
		_, _ = fmt.Fprintf(request, "%x %q %q\n", row.Pool.ProjectID, row.Pool.Env, row.Login)
	}
	return Once{
		Key:     sha256.Sum256(fmt.Appendf(nil, "userfarm import %x %d", k, firstRow)),
		Request: [sha256.Size]byte(request.Sum(nil)),
	}
}

// ImportCounts counts rows by what became of them, or would become of them.
type ImportCounts struct {
	Added, Changed, Unchanged int
	Refused                   int // that break a rule
}

// Count counts a row.
func (c *ImportCounts) Count(op ImportOp) {
	switch op {
	case ImportAdds:
		c.Added++
	case ImportChanges:
		c.Changed++
	case ImportKeeps:
		c.Unchanged++
	}
}

// Add adds other counts.
func (c *ImportCounts) Add(other ImportCounts) {
	c.Added += other.Added
	c.Changed += other.Changed
	c.Unchanged += other.Unchanged
	c.Refused += other.Refused
}

// Rows returns the number of all rows.
func (c ImportCounts) Rows() int { return c.Added + c.Changed + c.Unchanged + c.Refused }

// Outcome returns the counts as the outcome of a [Once].
func (c ImportCounts) Outcome() (outcome [16]byte) {
	for i, n := range []int{c.Added, c.Changed, c.Unchanged, c.Refused} {
		binary.BigEndian.PutUint32(outcome[4*i:], uint32(n)) //nolint:gosec // some hundred rows
	}
	return outcome
}

// ImportCountsOf returns the counts of an outcome.
func ImportCountsOf(outcome [16]byte) ImportCounts {
	n := func(i int) int { return int(binary.BigEndian.Uint32(outcome[4*i:])) }
	return ImportCounts{Added: n(0), Changed: n(1), Unchanged: n(2), Refused: n(3)}
}

// ImportState says how far an import is.
type ImportState string

// The states of an import.
const (
	ImportChecked  ImportState = "checked"  // nothing was changed yet
	ImportApplying ImportState = "applying" // it will be carried out in any case
	ImportApplied  ImportState = "applied"
)

// ImportReport says what became of rows, or would become of them.
type ImportReport struct {
	State  ImportState
	Counts ImportCounts

	Errors      []ImportError // the first [MostImportErrors], in the order of their rows
	ErrorsTotal int

	// Differences are what an import of checked rows would do, the first [MostImportErrors] in the order of the rows.
	Differences []ImportDifference
}

// AddErrors adds errors, as many as a report has.
func (r *ImportReport) AddErrors(errs ...ImportError) {
	r.ErrorsTotal += len(errs)
	r.Errors = append(r.Errors, errs[:min(len(errs), MostImportErrors-len(r.Errors))]...)
}

// Add adds what became of other rows.
func (r *ImportReport) Add(other ImportReport) {
	r.Counts.Add(other.Counts)
	total := r.ErrorsTotal + other.ErrorsTotal // of which other may have the first only
	r.AddErrors(other.Errors...)
	r.ErrorsTotal = total
}

// ImportError is a rule that a row breaks.
type ImportError struct {
	Row   int // from 1
	Other int // the row with the same identity, of an error about that; otherwise 0
	FieldError
}

// ImportDifference is what an import would do with a row.
type ImportDifference struct {
	Row     int // from 1
	Op      ImportOp
	Login   string
	Changed ChangedFields // of a user that is changed
}

// ImportRefusedError is an [ErrInvalid] that says that nothing was imported, because rows break rules.
type ImportRefusedError struct {
	Report ImportReport
}

// Error counts the errors, and names the first one.
func (e *ImportRefusedError) Error() string {
	if len(e.Report.Errors) == 0 {
		return "nothing was imported"
	}
	first := e.Report.Errors[0]
	text := fmt.Sprintf("nothing was imported: row %d: %s %s", first.Row, first.Pointer, first.Detail)
	if e.Report.ErrorsTotal > 1 {
		text += fmt.Sprintf(" (%d errors)", e.Report.ErrorsTotal)
	}
	return text
}

// Unwrap returns [ErrInvalid].
func (*ImportRefusedError) Unwrap() error { return ErrInvalid }
