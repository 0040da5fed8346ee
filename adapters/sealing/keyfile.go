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

// KeyFile implements [ports.Sealer] with the keys of a file, and follows the file as it changes: a key that was added or
// promoted is in use without a restart. It is safe for concurrent use.
type KeyFile struct {
	path   string
	report func(error)

	latest atomic.Pointer[reading]
	mu     sync.Mutex // held while the file is read again
}

var _ ports.Sealer = (*KeyFile)(nil)

// retryAfter is how long a file that could not be read is left alone, unless it changes: there may be other reasons than what
// is in it, and who mends them may leave its time as it is.
const retryAfter = 100 * time.Millisecond

// reading is what was found when the file was read.
type reading struct {
	ring     *KeyRing
	info     os.FileInfo // of the file before it was read; nil if it was not there
	failedAt time.Time   // zero if it was read; else the ring is from before
}

// OpenKeyFile returns a sealer with the keys of the file at path. Should the file change into one that can't be read or
// understood, the sealer goes on with the keys that it has, and tells report why, once for each change.
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

// Open implements [ports.Sealer]. It looks at the file only for a key that it does not know: another process may seal with
// a newer one.
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

// current returns the ring of the file as it is now. Looking whether it changed costs about a microsecond.
func (f *KeyFile) current() *KeyRing {
	info, err := os.Stat(f.path)
	if last := f.latest.Load(); last.holds(info) {
		return last.ring
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.latest.Load()
	if last.holds(info) { // another call was faster
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

// holds reports whether there is no reason to read the file that has info.
func (r *reading) holds(info os.FileInfo) bool {
	return r.isOf(info) && (r.failedAt.IsZero() || time.Since(r.failedAt) < retryAfter)
}

// isOf reports whether the file that has info is the one that was read, and was not changed since. Of no file the info is
// nil.
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
