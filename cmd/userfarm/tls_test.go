package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestServeSpeaksTLS(t *testing.T) {
	certFile, keyFile := writeCertificate(t, "farm.example")
	address := freeAddress(t)
	farm := start(t, t.TempDir(), "serve", "--listen", address, "--tls-cert", certFile, "--tls-key", keyFile)
	check := func() int {
		return start(t, t.TempDir(), "healthcheck", "--listen", address, "--tls-cert", certFile).wait()
	}
	for deadline := time.Now().Add(30 * time.Second); check() != 0; {
		if time.Now().After(deadline) {
			t.Fatalf("healthcheck reports that the farm is not ready:\n%s", farm.output)
		}
	}
	if !strings.Contains(farm.output.String(), "https://"+address) {
		t.Errorf("the log does not mention https:\n%s", farm.output)
	}

	text, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "farm.example"}}}
	response, err := client.Get("https://" + address + "/v1/users")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("GET /v1/users = %d", response.StatusCode)
	}
	if plain, err := http.Get("http://" + address + "/v1/users"); err == nil {
		plain.Body.Close()
		t.Errorf("without TLS, the farm answers %d", plain.StatusCode)
	}
}

// writeCertificate writes a self-signed certificate for a name, and its private key.
func writeCertificate(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", private)
}
