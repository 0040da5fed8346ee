package http

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// accountStream is the JSON array of all users with their passwords. It reads the farm as fast as its reader reads it,
// and holds one user and one chunk in memory. If the farm fails, so does Read: the server then cuts the connection
// before the chunk that would say that the answer is complete.
type accountStream struct {
	next  func() (domain.Account, error, bool)
	stop  func()
	stall *time.Timer // ends the context that the farm works in
	conn  net.Conn
	log   *slog.Logger

	ahead   *domain.Account // the next one to write; nil at the end
	pending bytes.Buffer
}

// openAccountStream returns the stream once the farm has answered with its first user, or its error. The stream must be
// closed.
func openAccountStream(
	ctx context.Context, accounts ports.Accounts, conn net.Conn, log *slog.Logger,
) (*accountStream, error) {
	// The stream outlives the handler, and with it the handler's deadline. It has one of its own for each user.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	next, stop := iter.Pull2(accounts.AllAccounts(ctx))
	s := &accountStream{
		next:  next,
		stop:  func() { stop(); cancel() },
		stall: time.AfterFunc(requestTimeout, cancel),
		conn:  conn,
		log:   log,
	}
	s.pending.WriteByte('[')
	if err := s.advance(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Read implements [io.Reader].
func (s *accountStream) Read(p []byte) (int, error) {
	for s.pending.Len() < len(p) && s.ahead != nil {
		if err := recovered(s.writeNext); err != nil {
			s.log.Error("the stream of all users broke off", "error", err)
			return 0, err
		}
	}
	// The server's write timeout is for a whole answer. Here every chunk gets it.
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return s.pending.Read(p)
}

// Close implements [io.Closer].
func (s *accountStream) Close() error {
	s.stall.Stop()
	s.stop()
	return nil
}

func (s *accountStream) writeNext() error {
	if err := json.MarshalWrite(&s.pending, viewSeedUser(*s.ahead), jsonOptions); err != nil {
		return err
	}
	if err := s.advance(); err != nil {
		return err
	}
	if s.ahead != nil {
		s.pending.WriteByte(',')
	}
	return nil
}

// advance gets the next user from the farm, or ends the array if there is none.
func (s *accountStream) advance() error {
	s.stall.Reset(requestTimeout)
	account, err, more := s.next()
	s.stall.Stop()
	switch {
	case err != nil:
		return err
	case more:
		s.ahead = &account
	default:
		s.ahead = nil
		s.pending.WriteByte(']')
	}
	return nil
}
