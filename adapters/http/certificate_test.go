package http_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/connection"
)

// keyPair is a self-signed certificate and its key, in PEM.
type keyPair struct {
	name      string
	cert, key []byte
}

// newKeyPair returns a certificate for farm.test whose subject has the name. It is also valid at the time of a bubble.
func newKeyPair(t testing.TB, name string) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames:     []string{"farm.test"},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{
		name: name,
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

// trust returns the configuration of a client that trusts these certificates only.
func trust(pairs ...keyPair) *tls.Config {
	roots := x509.NewCertPool()
	for _, pair := range pairs {
		roots.AppendCertsFromPEM(pair.cert)
	}
	return &tls.Config{RootCAs: roots, ServerName: "farm.test"}
}

// certificateFile is where a test keeps the files of a certificate.
type certificateFile struct{ cert, key string }

// write writes the files of a pair into a folder.
func (p keyPair) write(t testing.TB, dir string) certificateFile {
	t.Helper()
	file := certificateFile{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	replace(t, file.cert, p.cert)
	replace(t, file.key, p.key)
	return file
}

// replace creates a file, or replaces it by a new one.
func replace(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// newCertificate returns a certificate from files, and the errors that it has reported.
func newCertificate(t testing.TB, file certificateFile) (*tls.Config, *[]error) {
	t.Helper()
	var reported []error
	certificate, err := connection.TLSConfig(file.cert, file.key, func(err error) { reported = append(reported, err) })
	if err != nil {
		t.Fatal(err)
	}
	return certificate, &reported
}

// connect runs a handshake with a server that has the certificate, and returns both ends.
func connect(t *testing.T, certificate *tls.Config, pairs ...keyPair) (client, server *tls.Conn) {
	t.Helper()
	here, there := net.Pipe()
	client, server = tls.Client(here, trust(pairs...)), tls.Server(there, certificate)
	failed := make(chan error, 1)
	go func() { failed <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	return client, server
}

// wantCertificate fails the test unless the next handshake uses the wanted one of the pairs.
func wantCertificate(t *testing.T, certificate *tls.Config, want keyPair, pairs ...keyPair) {
	t.Helper()
	client, _ := connect(t, certificate, pairs...)
	if got := client.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want.name {
		t.Errorf("the handshake was with the %s certificate, want the %s one", got, want.name)
	}
}

func TestNewHandshakesGetTheCertificateThatReplacedTheOld(t *testing.T) {
	old, next := newKeyPair(t, "old"), newKeyPair(t, "next")
	byRename := func(t *testing.T, dir string) (certificateFile, func()) {
		return old.write(t, dir), func() { next.write(t, dir) }
	}
	inPlace := func(t *testing.T, dir string) (certificateFile, func()) {
		file := old.write(t, dir)
		return file, func() {
			overwrite(t, file.cert, next.cert)
			overwrite(t, file.key, next.key)
		}
	}
	// Kubernetes mounts the files of a secret in a folder behind a symbolic link, and swaps the link.
	bySwap := func(t *testing.T, dir string) (certificateFile, func()) {
		for _, pair := range []keyPair{old, next} {
			if err := os.Mkdir(filepath.Join(dir, pair.name), 0o700); err != nil {
				t.Fatal(err)
			}
			pair.write(t, filepath.Join(dir, pair.name))
		}
		link(t, old.name, filepath.Join(dir, "..data"))
		file := certificateFile{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
		link(t, "..data/tls.crt", file.cert)
		link(t, "..data/tls.key", file.key)
		return file, func() {
			link(t, next.name, filepath.Join(dir, "..data"))
			if err := os.RemoveAll(filepath.Join(dir, old.name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, prepare := range map[string]func(*testing.T, string) (certificateFile, func()){
		"by rename": byRename, "in place": inPlace, "by a swap of links": bySwap,
	} {
		t.Run(name, func(t *testing.T) {
			file, rotate := prepare(t, t.TempDir())
			synctest.Test(t, func(t *testing.T) {
				certificate, reported := newCertificate(t, file)
				wantCertificate(t, certificate, old, old, next)
				client, server := connect(t, certificate, old)
				rotate()
				time.Sleep(time.Second)
				wantCertificate(t, certificate, next, old, next)
				wantAlive(t, client, server)
				if len(*reported) > 0 {
					t.Errorf("it reported %v", *reported)
				}
			})
		})
	}
}

// link creates a symbolic link, or replaces it in one step.
func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// wantAlive fails the test unless a connection carries what is written to it.
func wantAlive(t *testing.T, client, server *tls.Conn) {
	t.Helper()
	go func() { _, _ = io.WriteString(client, "ping") }()
	got := make([]byte, 4)
	if _, err := io.ReadFull(server, got); err != nil || string(got) != "ping" {
		t.Errorf("the old connection carries %q, with the error %v", got, err)
	}
}

func TestACertificateIsCheckedOnceASecond(t *testing.T) {
	old, next := newKeyPair(t, "old"), newKeyPair(t, "next")
	dir := t.TempDir()
	file := old.write(t, dir)
	synctest.Test(t, func(t *testing.T) {
		certificate, _ := newCertificate(t, file)
		next.write(t, dir)
		time.Sleep(time.Second - 1)
		wantCertificate(t, certificate, old, old, next)
		time.Sleep(time.Nanosecond)
		wantCertificate(t, certificate, next, old, next)
	})
}

func TestTheOldCertificateStaysUntilItsRotationIsComplete(t *testing.T) {
	old, next := newKeyPair(t, "old"), newKeyPair(t, "next")
	halves := map[string]func(t *testing.T, file certificateFile){
		"the key is still the old one":         func(t *testing.T, file certificateFile) { replace(t, file.cert, next.cert) },
		"the certificate is still the old one": func(t *testing.T, file certificateFile) { replace(t, file.key, next.key) },
		"the certificate is incomplete":        func(t *testing.T, file certificateFile) { replace(t, file.cert, next.cert[:100]) },
		"the key is empty":                     func(t *testing.T, file certificateFile) { replace(t, file.key, nil) },
		"the key is missing": func(t *testing.T, file certificateFile) {
			if err := os.Remove(file.key); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, half := range halves {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := old.write(t, dir)
			synctest.Test(t, func(t *testing.T) {
				certificate, reported := newCertificate(t, file)
				half(t, file)
				for range 3 {
					time.Sleep(time.Second)
					wantCertificate(t, certificate, old, old, next)
				}
				if len(*reported) != 1 {
					t.Fatalf("it reported %v, want one error", *reported)
				}
				text := (*reported)[0].Error()
				for _, part := range []string{file.cert, file.key, "the old certificate stays in use"} {
					if !strings.Contains(text, part) {
						t.Errorf("the error %q does not say %q", text, part)
					}
				}
				next.write(t, dir)
				time.Sleep(time.Second)
				wantCertificate(t, certificate, next, old, next)
				if len(*reported) != 1 {
					t.Errorf("it reported %v for a valid certificate", *reported)
				}
			})
		})
	}
}

func TestEveryChangeThatCannotBeUsedIsReported(t *testing.T) {
	old := newKeyPair(t, "old")
	file := old.write(t, t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		certificate, reported := newCertificate(t, file)
		for want := 1; want <= 3; want++ {
			replace(t, file.key, []byte(strings.Repeat("x", want)))
			time.Sleep(time.Second)
			wantCertificate(t, certificate, old, old)
			if len(*reported) != want {
				t.Errorf("it reported %d errors after %d changes", len(*reported), want)
			}
		}
	})
}

// A new mode can make a file readable. It changes nothing else of the file.
func TestACertificateThatCouldNotBeReadIsTriedAgain(t *testing.T) {
	old, next := newKeyPair(t, "old"), newKeyPair(t, "next")
	dir := t.TempDir()
	file := old.write(t, dir)
	synctest.Test(t, func(t *testing.T) {
		certificate, _ := newCertificate(t, file)
		next.write(t, dir)
		at := time.Now()
		rewrite := func(text []byte) {
			overwrite(t, file.key, text)
			if err := os.Chtimes(file.key, at, at); err != nil {
				t.Fatal(err)
			}
		}
		rewrite([]byte(strings.Repeat("x", len(next.key))))
		time.Sleep(time.Second)
		wantCertificate(t, certificate, old, old, next)
		rewrite(next.key)
		time.Sleep(time.Second)
		wantCertificate(t, certificate, next, old, next)
	})
}

func TestACertificateThatCannotBeUsedAtTheStartIsAnError(t *testing.T) {
	pair, other := newKeyPair(t, "one"), newKeyPair(t, "other")
	tests := map[string]keyPair{
		"an invalid certificate":           {cert: []byte("x"), key: pair.key},
		"an invalid key":                   {cert: pair.cert, key: []byte("x")},
		"the key of another certificate":   {cert: pair.cert, key: other.key},
		"a key instead of the certificate": {cert: pair.key, key: pair.key},
		"a certificate instead of the key": {cert: pair.cert, key: pair.cert},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantUnusable(t, test.write(t, t.TempDir()))
		})
	}
	t.Run("a missing file", func(t *testing.T) {
		file := pair.write(t, t.TempDir())
		wantUnusable(t, certificateFile{file.cert + ".gone", file.key})
		wantUnusable(t, certificateFile{file.cert, file.key + ".gone"})
	})
}

// wantUnusable fails the test unless the error names both files, and does not quote them.
func wantUnusable(t *testing.T, file certificateFile) {
	t.Helper()
	_, err := connection.TLSConfig(file.cert, file.key, func(error) {})
	if err == nil {
		t.Fatal("there was no error")
	}
	for _, path := range []string{file.cert, file.key} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("the error %q does not name %s", err, path)
		}
	}
	if strings.Contains(err.Error(), "-----") {
		t.Errorf("the error quotes a file: %q", err)
	}
}

func TestOldVersionsOfTLSAreRejected(t *testing.T) {
	pair := newKeyPair(t, "one")
	certificate, _ := newCertificate(t, pair.write(t, t.TempDir()))
	here, there := net.Pipe()
	go func() { _ = tls.Server(there, certificate).Handshake(); _ = there.Close() }()
	old := trust(pair)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if err := tls.Client(here, old).Handshake(); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
}
