package bunstore

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestConflictsAndLostConnectionsAreRetried(t *testing.T) {
	conflict := postgresError{state: "40P01"}
	unavailable := postgresError{state: "53300"}
	type answer struct {
		committing bool
		err        error
	}
	for _, test := range []struct {
		name       string
		answers    []answer // to each attempt; the last is the result
		reconnects int
	}{
		{"no error", []answer{{err: nil}}, 0},
		{"a conflict", []answer{{err: conflict}, {err: nil}}, 0},
		{"a conflict at the commit", []answer{{committing: true, err: conflict}, {err: nil}}, 0},
		{"conflict after conflict", []answer{{err: conflict}, {err: conflict}, {err: conflict}}, 0},
		{"a lost connection", []answer{{err: io.EOF}, {err: nil}}, 1},
		{"a server that is down", []answer{{err: io.EOF}, {err: io.EOF}, {err: io.EOF}}, 3},
		{"a connection that is lost at the commit", []answer{{committing: true, err: io.EOF}}, 1},
		{"a server with too many connections", []answer{{err: unavailable}}, 0},
		{"a refusal", []answer{{err: refuse(domain.ErrUserLocked)}}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var attempts, reconnects int
			store := New(Config{Dialect: testDialect(), Reconnect: func() { reconnects++ }})
			err := store.retry(context.Background(), func() (bool, error) {
				attempts++
				answer := test.answers[attempts-1]
				return answer.committing, answer.err
			})
			if last := test.answers[len(test.answers)-1].err; attempts != len(test.answers) || !errors.Is(err, last) {
				t.Errorf("got %v after %d attempts, want %v after %d", err, attempts, last, len(test.answers))
			}
			if reconnects != test.reconnects {
				t.Errorf("reconnected %d times, want %d", reconnects, test.reconnects)
			}
		})
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	attempts := 0
	_ = New(Config{Dialect: testDialect()}).retry(ctx, func() (bool, error) {
		attempts++
		cancel()
		return false, io.EOF
	})
	if attempts != 1 {
		t.Errorf("made %d attempts, want 1", attempts)
	}
}
