//go:build unix

package postgrestest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestParseSetting(t *testing.T) {
	for text, want := range map[string]setting{
		"":         {},
		"required": {required: true},
		"off":      {off: true},
	} {
		if got, err := parseSetting(text); err != nil || got != want {
			t.Errorf("%q = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, address := range map[string]string{
		"postgres://me:secret@127.0.0.1:5433/postgres":         "127.0.0.1:5433",
		"postgresql://me:secret@db/postgres?sslmode=disable":   "db:5432",
		"postgres://me:se%2Fcret@[::1]:5433/farm?a=b&search=c": "[::1]:5433",
	} {
		got, err := parseSetting(text)
		if err != nil || got.required || got.off || got.server == nil {
			t.Errorf("%q = %+v, %v, want a server", text, got, err)
			continue
		}
		access := Access{home: got.server}
		if access.Address() != address || access.URL(strings.TrimPrefix(got.server.Path, "/")) != text {
			t.Errorf("%q is at %s, want %s; its URL is %s", text, access.Address(), address, access.URL("postgres"))
		}
	}
}

func TestParseSettingRejects(t *testing.T) {
	for _, text := range []string{
		"on", "Required", "no", "0", " off", "127.0.0.1:5432", "mysql://me:opensesame@db/farm", "postgres:opensesame",
		"postgres://me@db/farm", "postgres://me:@db/farm", "postgres:///farm?host=/tmp&password=opensesame",
		"postgres://me:open%sesame@db/farm",
	} {
		got, err := parseSetting(text)
		if err == nil || !strings.Contains(err.Error(), Variable) {
			t.Errorf("%q = %+v, %v, want an error that contains %s", text, got, err, Variable)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%v quotes the password", err)
		}
	}
}

// The child processes of the next tests run these tests. One uses the shared server, the other starts its own.
const (
	sharing = "TestDatabasesAreEmptyAndSeparate"
	owning  = "TestSettingsApplyToNewSessions"
)

func TestWithoutProgramsTestsAreSkippedAndTheReasonIsReportedOnce(t *testing.T) {
	passed, said := runChild(t, "", withoutPrograms)
	wantSkips(t, said, 2)
	if !passed || strings.Count(said, "tests skipped: 2, because "+errNoPrograms.Error()) != 1 || !strings.Contains(said, "apt install postgresql") {
		t.Errorf("passed = %v, want one notice:\n%s", passed, said)
	}
}

func TestWithoutRequiredProgramsTestsFail(t *testing.T) {
	passed, said := runChild(t, "required", withoutPrograms)
	wantSkips(t, said, 0)
	if passed || strings.Count(said, "--- FAIL") != 2 || strings.Count(said, errNoPrograms.Error()) != 2 {
		t.Errorf("passed = %v, want two failures that give the reason:\n%s", passed, said)
	}
}

func TestOffSkipsTestsWithoutANotice(t *testing.T) {
	passed, said := runChild(t, "off")
	wantSkips(t, said, 2)
	if !passed || strings.Count(said, Variable+" is off") != 2 || strings.Contains(said, "tests skipped") {
		t.Errorf("passed = %v, want two reasons and no notice:\n%s", passed, said)
	}
}

func TestAWrongSettingFailsTests(t *testing.T) {
	passed, said := runChild(t, "on")
	if passed || strings.Count(said, errSetting.Error()) != 2 {
		t.Errorf("passed = %v, want two failures that give the reason:\n%s", passed, said)
	}
}

func TestOnAServerThatIsGivenTestsDropTheirDatabases(t *testing.T) {
	server := Start(t)
	server.CreateDatabase(t, "home")
	passed, said := runChild(t, server.URL("home"), withoutPrograms)
	wantSkips(t, said, 1)
	if !passed || !strings.Contains(said, "--- PASS: "+sharing) || !strings.Contains(said, "tests skipped: 1, because the test needs a server of its own") {
		t.Errorf("passed = %v, want one pass and one skip:\n%s", passed, said)
	}
	if strings.Contains(said, server.Password()) {
		t.Error("the output contains the password")
	}
	connected(t, server.URL("home"), func(ctx context.Context, conn *pgx.Conn) error {
		var left int
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_database WHERE datname LIKE 'userfarm%'").Scan(&left)
		if left != 0 {
			t.Errorf("%d databases are left", left)
		}
		return err
	})
}

// withoutPrograms makes the child behave as on a machine without PostgreSQL's programs.
const withoutPrograms = bareMode + "=1"

// runChild runs two tests of this package in a process with the setting and, because of its own session, without a terminal.
func runChild(t *testing.T, setting string, env ...string) (passed bool, said string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.v", "-test.run", "^("+sharing+"|"+owning+")$")
	child.Env = append(append(os.Environ(), Variable+"="+setting), env...)
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	output, err := child.CombinedOutput()
	return err == nil, string(output)
}

func wantSkips(t *testing.T, said string, n int) {
	t.Helper()
	if got := strings.Count(said, "--- SKIP"); got != n {
		t.Errorf("%d tests were skipped, want %d:\n%s", got, n, said)
	}
}
