package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/userfarm/userfarm/ports"
)

// explain makes err what the caller is told: a refusal as it is, the end of the caller's own context, that the database
// is away (which our time running out is taken for), or a bug.
func (s *Store) explain(callers, bounded context.Context, operation string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRemovedKey):
		return fmt.Errorf("%s: %s: %w: %w", s.dialect.Name, operation, ports.ErrUnavailable, err)
	case isRefusal(err):
		return fmt.Errorf("%s: %s: %w", s.dialect.Name, operation, err)
	case callers.Err() != nil:
		return fmt.Errorf("%s: %s: %w", s.dialect.Name, operation, callers.Err())
	case bounded.Err() != nil:
		return fmt.Errorf("%s: %s: %w: no answer within %v", s.dialect.Name, operation, ports.ErrUnavailable, operationTimeout)
	case s.dialect.Cause(err) == Bug:
		return fmt.Errorf("%s: %s: %w", s.dialect.Name, operation, hushed{err})
	default:
		// The driver's error is told but not wrapped, lest a context.DeadlineExceeded in it pass for the caller's.
		return fmt.Errorf("%s: %s: %w: %s", s.dialect.Name, operation, ports.ErrUnavailable, OneLine(err))
	}
}

// hushed is an error of the database whose text may quote a row: a value that a column does not take, say. It tells no
// more than the database's code for it.
type hushed struct{ err error }

func (h hushed) Error() string {
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

func (h hushed) Unwrap() error { return h.err }

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
		lines = append(lines, noTLS...) // there was no attempt without
	}
	if len(lines) < 2 {
		return strings.Join(lines, "")
	}
	return lines[0] + " " + strings.Join(lines[1:], "; ")
}
