package http

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookInterval is how often it is looked whether the files of a certificate have changed.
const lookInterval = time.Second

// Certificate is a TLS certificate in files, which may be replaced while the server runs.
type Certificate struct {
	certFile, keyFile string
	report            func(error)

	pair atomic.Pointer[tls.Certificate] // the newest that could be used

	mu     sync.Mutex // guards what is below
	looked time.Time  // when the files were last looked at
	seen   certificateFiles
	failed bool // they could not be used
}

// NewCertificate returns the certificate in a file, in PEM with the chain after it, and its private key in another. It
// returns an error that names both if they can't be used. Later it reports such an error, once for every change of the
// files, and the certificate stays as it was until they fit: they are seldom replaced both at once.
func NewCertificate(certFile, keyFile string, report func(error)) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, report: report}
	c.looked, c.seen = time.Now(), c.look()
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// TLSConfig returns the configuration of a server that proves itself with the certificate. Every handshake gets the newest,
// at most a second after its files were replaced; connections that are open go on.
func (c *Certificate) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.refresh()
			return c.pair.Load(), nil
		},
	}
}

// refresh reads the files again if they have changed, or could not be used, which may have other reasons than what is in
// them. Handshakes that come meanwhile don't wait for that.
func (c *Certificate) refresh() {
	if !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.looked) < lookInterval {
		return
	}
	// They are looked at before they are read, so that a change in between is seen the next time.
	files := c.look()
	changed := !files.equal(c.seen)
	c.looked, c.seen = now, files
	if !changed && !c.failed {
		return
	}
	err := c.read()
	c.failed = err != nil
	if c.failed && changed {
		c.report(fmt.Errorf("%w; the one from before stays in use", err))
	}
}

// read takes the certificate from the files, or returns an error and leaves it as it was.
func (c *Certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	return nil
}

func (c *Certificate) look() certificateFiles {
	return certificateFiles{cert: fileInfo(c.certFile), key: fileInfo(c.keyFile)}
}

// certificateFiles tells whether the files have changed.
type certificateFiles struct{ cert, key os.FileInfo }

func (f certificateFiles) equal(other certificateFiles) bool {
	return sameFile(f.cert, other.cert) && sameFile(f.key, other.key)
}

// fileInfo returns what is known of a file; nil if nothing is. It follows symbolic links, which Kubernetes swaps.
func fileInfo(path string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
