package http

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// accountStream is the JSON array of all users with their passwords. It reads the farm as fast as its reader reads it,
// and holds in memory what it got and was not read yet. If the farm fails, or its reader may not enter the farm anymore, so
// does Read: the server then cuts the connection before the chunk that would say that the answer is complete. A shutdown of
// the server lets it go on.
type accountStream struct {
	next   func() (domain.Account, error, bool)
	stop   func()
	cancel context.CancelFunc // ends the context that the farm works in
	stall  *time.Timer        // calls cancel
	out    func() error       // why the reader may not enter the farm anymore; nil if it may
	log    *slog.Logger

	pending bytes.Buffer
	begun   bool  // there was a user
	end     error // io.EOF after the last user, or why there are no more; nil before
}

// openAccountStream returns the stream once the farm has answered with its first user, or its error. The stream must be
// closed.
func openAccountStream(ctx context.Context, accounts ports.Accounts, log *slog.Logger) (*accountStream, error) {
	// The stream outlives the handler, and with it the handler's deadline. Each time it fills it has one of its own.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	next, stop := iter.Pull2(accounts.AllAccounts(ctx))
	s := &accountStream{
		next:   next,
		stop:   func() { stop(); cancel() },
		cancel: cancel,
		stall:  time.AfterFunc(requestTimeout, cancel),
		out:    func() error { return nil },
		log:    log,
	}
	s.pending.WriteByte('[')
	s.fill(s.pending.Len() + 1)
	if s.failed() {
		return nil, errors.Join(s.end, s.Close())
	}
	return s, nil
}

// whole returns the array if it takes at most size bytes. If not, these are what Read begins with.
func (s *accountStream) whole(size int) ([]byte, bool) {
	s.fill(size + 1)
	return s.pending.Bytes(), errors.Is(s.end, io.EOF) && s.pending.Len() <= size
}

// endWith breaks the stream off when in ends, with the cause of that, and calls done when the stream is closed.
func (s *accountStream) endWith(in context.Context, done func()) {
	forget, stop := context.AfterFunc(in, s.cancel), s.stop
	s.out = func() error { return context.Cause(in) }
	s.stop = func() { forget(); stop(); done() }
}

// Read implements [io.Reader].
func (s *accountStream) Read(p []byte) (int, error) {
	s.fill(len(p))
	if err := s.out(); err != nil {
		s.log.Info("a stream of all users was cut, because its reader may not enter anymore")
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
func (s *accountStream) Close() error {
	s.stall.Stop()
	s.stop()
	return nil
}

// fill gets users from the farm until at least size bytes wait to be read, or there are no more users.
func (s *accountStream) fill(size int) {
	if s.pending.Len() >= size || s.end != nil {
		return
	}
	s.stall.Reset(requestTimeout)
	defer s.stall.Stop()
	s.end = recovered(func() error {
		for s.pending.Len() < size {
			if err := s.advance(); err != nil {
				return err
			}
		}
		return nil
	})
}

// advance appends the next user, or ends the array if there is none.
func (s *accountStream) advance() error {
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
	_, err = s.pending.Write(appendLegacyUser(s.pending.AvailableBuffer(), account))
	return err
}

func (s *accountStream) failed() bool { return s.end != nil && !errors.Is(s.end, io.EOF) }

// appendLegacyUser appends the JSON of viewLegacyUser, without what reflection costs for each of many users.
func appendLegacyUser(b []byte, account domain.Account) []byte {
	user := viewLegacyUser(account)
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
	b, _ = jsontext.AppendQuote(b, text) // what is not UTF-8 is replaced, as jsonOptions allow, and the error says so
	return b
}
