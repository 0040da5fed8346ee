package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/userfarm/userfarm/ports"
)

var errFull = &ports.UnavailableError{Reason: "its disk is full"}

// explain returns the error that the caller gets: a refusal as it is, the end of the caller's own context, that the database
// is unavailable (also if our own time is up), or a bug.
func (s *Store) explain(callers, bounded context.Context, operation string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRemovedKey), errors.Is(err, ErrOtherRule):
		return fmt.Errorf("%s: %s: %w: %w", s.dialect.Name, operation, ports.ErrUnavailable, err)
	case isRefusal(err):
		return fmt.Errorf("%s: %s: %w", s.dialect.Name, operation, err)
	case callers.Err() != nil:
		return fmt.Errorf("%s: %s: %w", s.dialect.Name, operation, callers.Err())
	case errors.Is(err, ports.ErrUnavailable):
		return fmt.Errorf("%s: %s: %w", s.dialect.Name, operation, err)
	case bounded.Err() != nil:
		return fmt.Errorf("%s: %s: %w: no answer within %v", s.dialect.Name, operation, ports.ErrUnavailable, operationTimeout)
	case s.isBug(err):
		return fmt.Errorf("%s: %s: %w", s.dialect.Name, operation, redactedError{err})
	case s.dialect.Cause(err) == Full:
		return fmt.Errorf("%s: %s: %w: %s", s.dialect.Name, operation, errFull, OneLine(err))
	default:
		// The driver's error is quoted but not wrapped: a context.DeadlineExceeded in it is not the caller's.
		return fmt.Errorf("%s: %s: %w: %s", s.dialect.Name, operation, ports.ErrUnavailable, OneLine(err))
	}
}

// isBug reports whether the database does not accept what this package sent.
func (s *Store) isBug(err error) bool {
	cause := s.dialect.Cause(err)
	return cause == Bug || cause == Taken
}

// redactedError is an error of the database whose text may quote a row: a value that a column does not accept, for example. It shows
// only the database's code.
type redactedError struct{ err error }

func (h redactedError) Error() string {
	var postgres interface{ SQLState() string }
	var sqlite interface{ Code() int }
	switch {
	case errors.As(h.err, &postgres):
		return "statement refused: SQLSTATE " + postgres.SQLState()
	case errors.As(h.err, &sqlite):
		return fmt.Sprintf("statement refused: SQLite result code %d", sqlite.Code())
	default:
		return fmt.Sprintf("statement refused: %T", h.err)
	}
}

func (h redactedError) Unwrap() error { return h.err }

// OneLine returns the text of an error in one line. That of pgx about a failed connection has a heading and a line for
// each attempt, by default two for each host: with TLS and, where the server has none, without.
func OneLine(err error) string {
	var lines, noTLS []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		switch {
		case slices.Contains(lines, line):
		case strings.HasSuffix(line, "server refused TLS connection"):
			noTLS = append(noTLS, line)
		default:
			lines = append(lines, line)
		}
	}
	if len(lines) < 2 {
		lines = append(lines, noTLS...) // no attempt was made without TLS
	}
	if len(lines) < 2 {
		return strings.Join(lines, "")
	}
	return lines[0] + " " + strings.Join(lines[1:], "; ")
}
