package legacy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// stream is the JSON array of all users with their passwords. It reads the farm as fast as its client reads the stream, and
// keeps only unread bytes in memory. Read fails if the farm fails, or if the client is not authorized anymore. The server
// then closes the connection before the last chunk, so that the client can tell that the array is incomplete. A shutdown
// does not end the stream.
type stream struct {
	next   func() (domain.Account, error, bool)
	stop   func()
	cancel context.CancelFunc // ends the context of the farm
	stall  *time.Timer        // calls cancel
	denied func() error       // returns why the client is not authorized anymore; nil if it is
	log    *slog.Logger

	pending bytes.Buffer
	begun   bool  // there was a user
	end     error // nil while there may be more users; io.EOF after the last one; or an error
}

// openStream returns a stream after the farm has returned its first user, or the error of the farm. The caller must close
// the stream.
func openStream(ctx context.Context, accounts ports.Accounts, log *slog.Logger) (*stream, error) {
	// The stream outlives the handler and its deadline. Each fill has a deadline of its own.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	next, stop := iter.Pull2(accounts.AllAccounts(ctx))
	s := &stream{
		next:   next,
		stop:   func() { stop(); cancel() },
		cancel: cancel,
		stall:  time.AfterFunc(entrance.RequestTimeout, cancel),
		denied: func() error { return nil },
		log:    log,
	}
	s.pending.WriteByte('[')
	s.fill(s.pending.Len() + 1)
	if s.failed() {
		return nil, errors.Join(s.end, s.Close())
	}
	return s, nil
}

// whole returns the array if it has at most size bytes. Otherwise Read begins with the bytes that were returned.
func (s *stream) whole(size int) ([]byte, bool) {
	s.fill(size + 1)
	return s.pending.Bytes(), errors.Is(s.end, io.EOF) && s.pending.Len() <= size
}

// endWith makes the stream fail when authorized ends, with its cause, and calls done when the stream is closed.
func (s *stream) endWith(authorized context.Context, done func()) {
	forget, stop := context.AfterFunc(authorized, s.cancel), s.stop
	s.denied = func() error { return context.Cause(authorized) }
	s.stop = func() { forget(); stop(); done() }
}

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	s.fill(len(p))
	if err := s.denied(); err != nil {
		s.log.Info("a stream of all users was cut, because its client is not authorized anymore")
		return 0, err
	}
	if s.pending.Len() == 0 {
		if s.failed() {
			s.log.Error("the stream of all users broke off", "error", s.end)
		}
		return 0, s.end
	}
	return s.pending.Read(p)
}

// Close implements [io.Closer].
func (s *stream) Close() error {
	s.stall.Stop()
	s.stop()
	return nil
}

// fill gets users from the farm until at least size bytes are pending, or there are no more users.
func (s *stream) fill(size int) {
	if s.pending.Len() >= size || s.end != nil {
		return
	}
	s.stall.Reset(entrance.RequestTimeout)
	defer s.stall.Stop()
	s.end = problem.Catch(func() error {
		for s.pending.Len() < size {
			if err := s.advance(); err != nil {
				return err
			}
		}
		return nil
	})
}

// advance appends the next user, or the end of the array after the last one.
func (s *stream) advance() error {
	account, err, more := s.next()
	if err != nil {
		return err
	}
	if !more {
		s.pending.WriteByte(']')
		return io.EOF
	}
	if s.begun {
		s.pending.WriteByte(',')
	}
	s.begun = true
	_, err = s.pending.Write(appendUser(s.pending.AvailableBuffer(), account))
	return err
}

func (s *stream) failed() bool { return s.end != nil && !errors.Is(s.end, io.EOF) }

// appendUser appends the JSON of viewUser. Reflection would be slow for so many users.
func appendUser(b []byte, account domain.Account) []byte {
	user := viewUser(account)
	since, _ := user.Locktime.MarshalJSON() // never fails
	b = append(b, `{"user_id":`...)
	b = appendText(b, user.UserID)
	b = append(b, `,"created_ad":`...)
	b = appendText(b, user.CreatedAd.String())
	b = append(b, `,"login":`...)
	b = appendText(b, user.Login)
	b = append(b, `,"password":`...)
	b = appendText(b, user.Password)
	b = append(b, `,"project_id":`...)
	b = appendText(b, user.ProjectID)
	b = append(b, `,"env":`...)
	b = appendText(b, user.Env)
	b = append(b, `,"domain":`...)
	b = appendText(b, user.Domain)
	b = append(b, `,"locktime":`...)
	b = append(b, since...)
	return append(b, '}')
}

// appendText appends a JSON string.
func appendText(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text) // the error reports bytes that are not UTF-8, which it has replaced
	return b
}
