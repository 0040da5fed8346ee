package connection

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// checkInterval is the time between two checks whether the files of a certificate have changed.
const checkInterval = time.Second

// certificate is a TLS certificate in files, which may be replaced while the server runs.
type certificate struct {
	certFile, keyFile string
	report            func(error)

	pair atomic.Pointer[tls.Certificate] // the newest one that could be used

	mu      sync.Mutex // guards the fields below
	checked time.Time
	seen    certificateFiles
	failed  bool // the files of the last check could not be used
}

// TLSConfig returns the configuration of a server with the certificate and chain in certFile and the private key in keyFile,
// both in PEM. The error names both files if they can't be used.
//
// New handshakes use replaced files after at most a second. Open connections stay as they are. If replaced files can't be
// used, the old certificate stays in use, and report gets the error once for each change of the files. This happens for a
// moment when the two files are replaced one after the other.
func TLSConfig(certFile, keyFile string, report func(error)) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, report: report}
	c.checked, c.seen = time.Now(), c.files()
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.refresh()
			return c.pair.Load(), nil
		},
	}, nil
}

// refresh reads the files again if they have changed, or if they could not be used. In the second case, something other
// than their content may have changed, such as their permissions. Handshakes do not wait for a refresh of another one.
func (c *certificate) refresh() {
	if !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.checked) < checkInterval {
		return
	}
	// This comes before the files are read, so that the next check sees a change in between.
	files := c.files()
	changed := !files.equal(c.seen)
	c.checked, c.seen = now, files
	if !changed && !c.failed {
		return
	}
	err := c.read()
	c.failed = err != nil
	if c.failed && changed {
		c.report(fmt.Errorf("%w; the old certificate stays in use", err))
	}
}

// read takes the certificate from the files. After an error the old one stays.
func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	return nil
}

func (c *certificate) files() certificateFiles {
	return certificateFiles{cert: fileInfo(c.certFile), key: fileInfo(c.keyFile)}
}

// certificateFiles has what shows that the files have changed.
type certificateFiles struct{ cert, key os.FileInfo }

func (f certificateFiles) equal(other certificateFiles) bool {
	return sameFile(f.cert, other.cert) && sameFile(f.key, other.key)
}

// fileInfo describes a file; nil if that fails. It follows symbolic links, because Kubernetes replaces links.
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
