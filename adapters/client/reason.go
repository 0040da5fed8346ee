package client

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/userfarm/userfarm/adapters/client/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// reasons is the inverse of the table of the server, which maps errors to problems (package problem). A code of which the port
// knows no error has an error with the code, so that every code is here: a test compares both tables.
var reasons = map[api.Code]error{
	api.CodeInvalid:             domain.ErrInvalid,
	api.CodeIdempotencyMismatch: domain.ErrIdempotencyMismatch,
	api.CodeUnauthorized:        domain.ErrUnauthorized,
	api.CodeForbidden:           domain.ErrForbidden,
	api.CodeUserNotFound:        domain.ErrUserNotFound,
	api.CodeLeaseNotFound:       domain.ErrLeaseNotFound,
	api.CodeSessionNotFound:     domain.ErrSessionNotFound,
	api.CodeImportNotFound:      domain.ErrImportNotFound,
	api.CodeImportIncomplete:    domain.ErrImportIncomplete,
	api.CodeTooManyKeys:         domain.ErrTooManyKeys,
	api.CodeKeyNotFound:         domain.ErrKeyNotFound,
	api.CodeNoMatch:             domain.ErrNoMatch,
	api.CodePoolExhausted:       domain.ErrPoolExhausted,
	api.CodeUserLocked:          domain.ErrUserLocked,
	api.CodeFenceMismatch:       domain.ErrFenceMismatch,
	api.CodeUserQuarantined:     domain.ErrUserQuarantined,
	api.CodeUserExists:          domain.ErrUserExists,
	api.CodeProjectNameTaken:    domain.ErrProjectNameTaken,
	api.CodeNoTOTP:              domain.ErrNoTOTP,
	api.CodeCodeUsed:            domain.ErrCodeUsed,
	api.CodeCodeExpiring:        domain.ErrCodeExpiring,
	api.CodeLeaseExpired:        domain.ErrLeaseExpired,

	api.CodeStoreUnavailable:   ports.ErrUnavailable,
	api.CodeShuttingDown:       ports.ErrUnavailable,
	api.CodeTooManyConnections: ports.ErrUnavailable,

	api.CodeMalformed:            errors.New("malformed request"),
	api.CodeNotFound:             errors.New("no such path"),
	api.CodeMethodNotAllowed:     errors.New("method not allowed"),
	api.CodeRequestTimeout:       errors.New("request timeout"),
	api.CodeTooLarge:             errors.New("body too large"),
	api.CodeUnsupportedMediaType: errors.New("unsupported media type"),
	api.CodeHeaderTooLarge:       errors.New("header too large"),
	api.CodeRateLimited:          errors.New("too many requests"),
	api.CodeInternal:             errors.New("internal error of the farm"),
}

// errUnknownCode is the reason of a problem of a newer farm.
var errUnknownCode = errors.New("a problem that this client does not know")

// reasonOf returns the error that the farm answered as a problem, with all that the problem tells of it.
func reasonOf(problem api.Problem, of call, retryAfter time.Duration) error {
	reason, known := reasons[problem.Code]
	if !known {
		return errUnknownCode
	}
	switch problem.Code {
	case api.CodeInvalid:
		if problem.Import != nil {
			return &domain.ImportRefusedError{Report: reportOf(*problem.Import)}
		}
		if fields := fieldsOf(problem); len(fields) > 0 {
			return &domain.InvalidError{Fields: fields}
		}
	case api.CodeForbidden:
		if fields := fieldsOf(problem); len(fields) > 0 {
			return &domain.ForbiddenError{Fields: fields}
		}
	case api.CodeNoMatch, api.CodePoolExhausted:
		return &domain.UnmatchedError{
			Reason: reason, Selectors: selectorsOf(problem), Closest: closestOf(problem, of), Occupancy: occupancyOf(problem),
		}
	case api.CodeUserNotFound, api.CodeUserLocked, api.CodeUserQuarantined:
		if selectors := selectorsOf(problem); len(selectors) > 0 {
			return &domain.SelectorError{Reason: reason, Selector: selectors[0], Occupancy: occupancyOf(problem)}
		}
	case api.CodeCodeUsed, api.CodeCodeExpiring:
		return &domain.NextCodeError{Reason: reason, Wait: retryAfter}
	case api.CodeLeaseExpired:
		return endOf(problem, of)
	default: // the code tells all
	}
	return reason
}

func fieldsOf(problem api.Problem) []domain.FieldError {
	fields := make([]domain.FieldError, len(problem.Errors))
	for i, f := range problem.Errors {
		fields[i] = domain.FieldError{Pointer: f.Pointer, Detail: f.Detail}
	}
	return fields
}

// selectorsOf returns the indexes of the selectors that a problem points at.
func selectorsOf(problem api.Problem) []int {
	var selectors []int
	for _, f := range problem.Errors {
		if i, _, ok := cutSelector(f.Pointer); ok {
			selectors = append(selectors, i)
		}
	}
	return selectors
}

// cutSelector cuts a pointer like /users/0/labels/role into the index of the selector and the pointer in it.
func cutSelector(pointer string) (index int, field string, ok bool) {
	rest, ok := strings.CutPrefix(pointer, "/users/")
	if !ok {
		return 0, "", false
	}
	number, field, deeper := strings.Cut(rest, "/")
	if deeper {
		field = "/" + field
	}
	index, err := strconv.Atoi(number)
	return index, field, err == nil && index >= 0
}

// closestOf returns what comes closest to selectors. Want of each is the selector that the call has sent.
func closestOf(problem api.Problem, of call) []domain.NearMiss {
	var closest []domain.NearMiss
	for _, near := range problem.Closest {
		i, pointer, ok := cutSelector(near.Pointer)
		if !ok || i >= len(of.want) {
			continue
		}
		miss := domain.NearMiss{Selector: i, Want: of.want[i], Users: near.Users, Others: near.Others, Matching: near.Matching}
		for _, field := range miss.Want.Fields() {
			if field.Pointer() == pointer {
				miss.Field = field
			}
		}
		if len(near.Values) > 0 {
			miss.Values = near.Values
		}
		closest = append(closest, miss)
	}
	return closest
}

func occupancyOf(problem api.Problem) *domain.Occupancy {
	if problem.Waiting == nil {
		return nil
	}
	occupancy := &domain.Occupancy{Waiting: *problem.Waiting}
	for _, h := range problem.HeldBy {
		occupancy.HeldBy = append(occupancy.HeldBy, domain.Holder{
			Login: h.Login, Owner: h.Owner, Note: h.Note, ExpiresAt: timeOf(h.ExpiresAt),
		})
	}
	for _, pointer := range problem.AllQuarantined {
		if i, _, ok := cutSelector(pointer); ok {
			occupancy.Quarantined = append(occupancy.Quarantined, i)
		}
	}
	return occupancy
}

// endOf returns how the lease of a call ended.
func endOf(problem api.Problem, of call) error {
	ended := &domain.EndedLeaseError{EndedLease: domain.EndedLease{End: domain.LeaseEnd(problem.Ended), At: timeOf(problem.EndedAt)}}
	if of.lease != (domain.LeaseID{}) {
		ended.Lease = of.lease.Digest()
	}
	for _, fault := range problem.Quarantine {
		if id, err := domain.ParseUserID(fault.UserID); err == nil {
			ended.Faults = append(ended.Faults, domain.LateFault{UserID: id, Kept: fault.Kept})
		}
	}
	return ended
}

// timeOf returns the zero time for null.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
