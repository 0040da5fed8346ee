package sealing

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// KeyFile implements [ports.Sealer] with the keys of a file, and reads the file again when it changes: a key that was added or
// promoted is used without a restart. It is safe for concurrent use.
type KeyFile struct {
	path   string
	report func(error)

	latest atomic.Pointer[reading]
	mu     sync.Mutex // held while the file is read again
}

var _ ports.Sealer = (*KeyFile)(nil)

// retryAfter is the time between two attempts to read a file that could not be read and has not changed since. The reason may
// lie outside the file, in its permissions for example, and the administrator who fixes that does not change the file's time.
const retryAfter = 100 * time.Millisecond

// reading is the result of reading the file.
type reading struct {
	ring     *KeyRing
	info     os.FileInfo // of the file before it was read; nil if there was no file
	failedAt time.Time   // zero if the file was read; otherwise ring is that of the reading before
}

// OpenKeyFile returns a sealer with the keys of the file at path. If the file changes and can't be read or parsed, the sealer keeps
// the keys that it has, and calls report with the reason, once for each change.
func OpenKeyFile(path string, report func(error)) (*KeyFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	ring, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	f := &KeyFile{path: path, report: report}
	f.latest.Store(&reading{ring: ring, info: info})
	return f, nil
}

// KeyIDs implements [ports.Sealer].
func (f *KeyFile) KeyIDs() []string { return f.current().KeyIDs() }

// Seal implements [ports.Sealer] with the first key that is in the file now.
func (f *KeyFile) Seal(user domain.UserID, secret domain.Secret) (box []byte, key string, err error) {
	return f.current().Seal(user, secret)
}

// Open implements [ports.Sealer]. It checks the file only for a key that it does not know, because another process may seal with a
// newer key.
func (f *KeyFile) Open(user domain.UserID, sealed []byte) (domain.Secret, error) {
	known := f.latest.Load().ring
	secret, err := known.Open(user, sealed)
	if !errors.Is(err, ports.ErrUnknownKey) {
		return secret, err
	}
	if newer := f.current(); newer != known {
		return newer.Open(user, sealed)
	}
	return secret, err
}

// current returns the ring of the file as it is now. To check whether the file has changed takes about a microsecond.
func (f *KeyFile) current() *KeyRing {
	info, err := os.Stat(f.path)
	if last := f.latest.Load(); last.holds(info) {
		return last.ring
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.latest.Load()
	if last.holds(info) { // another call has read the file meanwhile
		return last.ring
	}
	next := &reading{info: info}
	if err == nil {
		next.ring, err = readKeyFile(f.path)
	}
	if err != nil {
		next.ring, next.failedAt = last.ring, time.Now()
		if !last.isOf(info) {
			f.report(err)
		}
	}
	f.latest.Store(next)
	return next.ring
}

// holds reports whether the file with info need not be read again.
func (r *reading) holds(info os.FileInfo) bool {
	return r.isOf(info) && (r.failedAt.IsZero() || time.Since(r.failedAt) < retryAfter)
}

// isOf reports whether the file with info is the one that was read, unchanged. A nil info means that there is no file.
func (r *reading) isOf(info os.FileInfo) bool {
	if r.info == nil || info == nil {
		return r.info == nil && info == nil
	}
	return os.SameFile(r.info, info) && r.info.Size() == info.Size() && r.info.ModTime().Equal(info.ModTime())
}

func readKeyFile(path string) (*KeyRing, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator chooses the file
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	keys, err := parseKeyList(string(text))
	if err != nil {
		return nil, fmt.Errorf("sealing: key file %s: %w", path, err)
	}
	ring, err := NewKeyRing(keys.keys()...)
	if err != nil {
		return nil, fmt.Errorf("%w (key file %s)", err, path)
	}
	return ring, nil
}
