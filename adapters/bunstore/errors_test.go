package bunstore

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestAnErrorNamesItsCause(t *testing.T) {
	alive := context.Background()
	ended, end := context.WithCancel(alive)
	end()
	lost := postgresError{state: "57P01", message: "terminating connection"}
	bug := postgresError{state: "22P02", message: `invalid input syntax for type uuid: "hunter2"`}

	for _, test := range []struct {
		name             string
		callers, bounded context.Context
		err              error
		is, isNot        error
		text             string
	}{
		{
			name: "no error", callers: alive, bounded: alive,
		},
		{
			name: "a refusal", callers: alive, bounded: alive,
			err: refuse(domain.ErrUserLocked), is: domain.ErrUserLocked, isNot: ports.ErrUnavailable,
			text: "postgres: claim: user is locked",
		},
		{
			name: "a refusal after the deadline", callers: ended, bounded: ended,
			err: refuse(domain.ErrUserLocked), is: domain.ErrUserLocked, isNot: context.Canceled,
			text: "postgres: claim: user is locked",
		},
		{
			name: "the caller has left", callers: ended, bounded: ended,
			err: lost, is: context.Canceled, isNot: ports.ErrUnavailable,
			text: "postgres: claim: context canceled",
		},
		{
			name: "no answer before the deadline", callers: alive, bounded: ended,
			err: context.DeadlineExceeded, is: ports.ErrUnavailable, isNot: context.DeadlineExceeded,
			text: "postgres: claim: store unavailable: no answer within 5s",
		},
		{
			name: "the database is unavailable", callers: alive, bounded: alive,
			err: lost, is: ports.ErrUnavailable, isNot: lost,
			text: "postgres: claim: store unavailable: terminating connection (SQLSTATE 57P01)",
		},
		{
			name: "several hosts are unavailable", callers: alive, bounded: alive,
			err: errors.New("no host:\n\tone is down\n\tthe other, too"), is: ports.ErrUnavailable,
			text: "postgres: claim: store unavailable: no host: one is down; the other, too",
		},
		{
			name: "a bug whose message quotes a row", callers: alive, bounded: alive,
			err: bug, is: bug, isNot: ports.ErrUnavailable,
			text: "postgres: claim: statement refused: SQLSTATE 22P02",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := New(Config{Dialect: testDialect()})
			err := store.explain(test.callers, test.bounded, "claim", test.err)
			if !errors.Is(err, test.is) || test.isNot != nil && errors.Is(err, test.isNot) {
				t.Errorf("got %v, want %v and not %v", err, test.is, test.isNot)
			}
			if err != nil && err.Error() != test.text {
				t.Errorf("got the text %q, want %q", err, test.text)
			}
		})
	}
}

func TestABugInSQLiteShowsOnlyTheResultCode(t *testing.T) {
	store := New(Config{Dialect: Dialect{Name: "sqlite", Cause: func(error) Cause { return Bug }}})
	err := store.explain(context.Background(), context.Background(), "add", sqliteError{code: 1, message: `near "hunter2"`})
	if want := "sqlite: add: statement refused: SQLite result code 1"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestAnErrorWithoutACodeMeansThatTheConnectionIsLost(t *testing.T) {
	store := New(Config{Dialect: testDialect()})
	err := store.explain(context.Background(), context.Background(), "find", io.ErrUnexpectedEOF)
	if !errors.Is(err, ports.ErrUnavailable) || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("got %v, want %v and its cause", err, ports.ErrUnavailable)
	}
}

func TestOneLineListsEachCauseOnce(t *testing.T) {
	const noTLS = "\n\th1 (h1): tls error: server refused TLS connection"
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"no more to say", "no more to say"},
		{"no host: h1 (h1): no such user", "no host: h1 (h1): no such user"},
		{"no host:" + noTLS + "\n\th1 (h1): no such user", "no host: h1 (h1): no such user"},
		{"no host:" + noTLS, "no host: h1 (h1): tls error: server refused TLS connection"},
		{"no host:\n\th1 (h1): down\n\th1 (h1): down\n\th2 (h2): slow", "no host: h1 (h1): down; h2 (h2): slow"},
	} {
		if got := OneLine(errors.New(test.text)); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
