package main_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestServeWarnsOfSecretsThatAGroupMayRead(t *testing.T) {
	dir := t.TempDir()
	certificate, tlsKey := writeCertificate(t, "farm.example")
	adminKey, encryptionKey := filepath.Join(dir, "admin.key"), writeKey(t)
	if err := os.WriteFile(adminKey, []byte(mustExecute(t, dir, "keys", "generate")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{tlsKey, adminKey, encryptionKey} {
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	farm := start(t, dir, "serve", "--listen", freeAddress(t), "--tls-cert", certificate, "--tls-key", tlsKey,
		"--admin-key-file", adminKey, "--encryption-key-file", encryptionKey)
	for what, file := range map[string]string{
		"the encryption keys": encryptionKey, "the API key of the first admin": adminKey, "the private key of the TLS certificate": tlsKey,
	} {
		farm.awaitLog(`"level":"WARN","msg":"other accounts on this machine may read a file with secrets: chmod 600 the file","secret":"` + what + `","file":"` + file)
	}
}
