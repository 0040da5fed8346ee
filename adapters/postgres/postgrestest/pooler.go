package postgrestest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// poolerTimeout bounds how long a pooler may take to start.
const poolerTimeout = 30 * time.Second

// poolerScript ends the pooler when this process ends, in whatever way; see [keeper].
const poolerScript = `"$1" "$2" & cat >/dev/null; kill $!; wait`

// errNoPooler says what is missing for [StartPooler].
var errNoPooler = errors.New("the program pgbouncer is not on this machine")

// StartPooler starts a PgBouncer in front of a server, in a pool mode (session, transaction or statement) and otherwise with its
// default settings. It ends with the test. It returns the URL of the database through it. Where the program is missing it skips the
// test, or fails it, as [Variable] says for PostgreSQL's programs.
func StartPooler(t testing.TB, server *Access, databaseURL, mode string) string {
	t.Helper()
	setting := readSetting(t)
	path, err := findPooler()
	if err != nil && !setting.required {
		skip(t, err.Error(), "To run them, install PgBouncer (Debian, Ubuntu: apt install pgbouncer) and repeat go test with -count=1.")
	}
	failIf(t, err)
	as, err := serverAccount()
	failIf(t, err)
	programs := programs{folder: filepath.Dir(path), as: as}
	folder, err := programs.newFolder()
	failIf(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })

	through, err := url.Parse(databaseURL)
	failIf(t, err)
	port, err := freePort()
	failIf(t, err)
	host, serverPort, err := net.SplitHostPort(server.Address())
	failIf(t, err)
	users := filepath.Join(folder, "users")
	failIf(t, programs.writeFile(users, fmt.Sprintf("%q %q\n", server.home.User.Username(), server.Password())))
	settings := filepath.Join(folder, "pgbouncer.ini")
	failIf(t, programs.writeFile(settings, fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_file = %s
pool_mode = %s
`, host, serverPort, port, users, mode)))

	log, err := os.Create(filepath.Join(folder, "log"))
	failIf(t, err)
	defer func() { _ = log.Close() }()
	process := programs.command(folder, "/bin/sh", "-c", poolerScript, "pooler", path, settings)
	process.Stdout, process.Stderr = log, log
	alive, err := process.StdinPipe()
	failIf(t, err)
	failIf(t, process.Start())
	t.Cleanup(func() {
		_ = alive.Close()
		_ = process.Wait()
	})
	through.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := awaitListener(through.Host); err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("postgrestest: pgbouncer: %v\n%s", err, text)
	}
	return through.String()
}

func findPooler() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	const debian = "/usr/sbin/pgbouncer" // which is not in the PATH of every account
	if isExecutable(debian) {
		return debian, nil
	}
	return "", errNoPooler
}

func awaitListener(address string) error {
	for deadline := time.Now().Add(poolerTimeout); ; time.Sleep(10 * time.Millisecond) {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			return connection.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}
