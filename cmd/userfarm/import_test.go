//go:build unix

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// file writes a file and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// users counts the users of the farm.
func (p *process) users() (total int) {
	p.t.Helper()
	for _, pool := range p.api("/v1/pools")["pools"].([]any) {
		total += int(pool.(map[string]any)["total"].(float64))
	}
	return total
}

const header = "env,domain,login,password,label:role\n"

func TestATableOfUsersIsImported(t *testing.T) {
	farm := farmWith(t)
	table := file(t, "users.csv", header+"stage,regular,ann,hunter2,admin\nstage,regular,bob,hunter2,\n")
	if got, want := farm.do("import", table, "--project", project, "--dry-run"), "+ ann\n+ bob\nadded 2, changed 0, unchanged 0, refused 0\n"; got != want {
		t.Errorf("the dry run wrote\n%s\nwant\n%s", got, want)
	}
	if farm.users() != 0 {
		t.Error("the dry run has added users")
	}
	if got, want := farm.do("import", table, "--project", project), "added 2, changed 0, unchanged 0, refused 0\n"; got != want {
		t.Errorf("the import wrote\n%s\nwant\n%s", got, want)
	}
	changed := file(t, "users.jsonl", `{"project_id":"`+project+`","env":"stage","login":"ANN","password":"another","labels":{"role":"buyer"}}`+"\n"+
		`{"project_id":"`+project+`","env":"stage","login":"bob"}`)
	if got, want := farm.do("import", changed, "--dry-run"), "~ ANN (password, labels)\n= bob\nadded 0, changed 1, unchanged 1, refused 0\n"; got != want {
		t.Errorf("the dry run wrote\n%s\nwant\n%s", got, want)
	}
	result := decode(t, farm.do("import", changed, "--json"))
	if result["changed"] != 1.0 || result["unchanged"] != 1.0 || result["errors_total"] != 0.0 {
		t.Errorf("the import wrote %v", result)
	}
	if user := decode(t, farm.do("users", "show", "ann", "--json")); user["labels"].(map[string]any)["role"] != "buyer" {
		t.Errorf("the user is %v", user)
	}
}

func TestAnImportSaysWhatFor(t *testing.T) {
	farm := farmWith(t)
	const many = 2500 // more than one part
	var users strings.Builder
	users.WriteString(header)
	for i := range many {
		fmt.Fprintf(&users, "stage,regular,user-%d,hunter2,admin\n", i)
	}
	farm.do("import", file(t, "many.csv", users.String()), "--project", project, "--reason", "for the load test", "--dry-run")
	farm.do("import", file(t, "many.csv", users.String()), "--project", project, "--reason", "for the load test")
	one := file(t, "one.csv", header+"stage,regular,user-0,another,buyer\nstage,regular,user-1,,\n")
	farm.do("import", one, "--project", project, "--reason", "blocked", "--partial")
	for login, want := range map[string][]string{
		"user-0": {"for the load test", "blocked"}, "user-1": {"for the load test", "blocked"}, fmt.Sprint("user-", many-1): {"for the load test"},
	} {
		var got []string
		for _, event := range farm.api("/v1/events?login=" + login)["events"].([]any) {
			got = append(got, event.(map[string]any)["reason"].(string))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the reasons of the events of %s are %q, want %q", login, got, want)
		}
	}
	if exported := farm.do("export", "--format", "jsonl", "--with-passwords"); strings.Contains(exported, "reason") {
		t.Error("the export has a reason")
	}
}

func TestEveryErrorOfAFileIsNamed(t *testing.T) {
	farm := farmWith(t, "admin")
	table := file(t, "users.csv", "project_id;env;domain;login;password\r\nshop;stage;d;ann;pw\r\n"+project+";stage;d;;pw\r\n"+
		project+";stage;d;eve;\r\n"+project+";stage;other;admin;\r\n"+project+";prod;d;joe;pw\r\n"+project+";prod;d;JOE;pw\r\n")
	run := begin(t, at(t, farm, "import", table))
	run.wantCode(1)
	run.drain()
	for _, want := range []string{
		":2:1: project_id must be the id or the name of a project", ":3:46: login must not be empty", ":4:50: password is required for a new user",
		":5:44: domain must be the domain that the user has", ":7:45: login must not be that of another user; line 6 has it, too",
		"5 users break rules\n", "nothing was imported; --partial imports the other users",
	} {
		if !strings.Contains(run.stderr.String(), want) {
			t.Errorf("standard error lacks %q:\n%s", want, run.stderr)
		}
	}
	if got, want := run.stdout.String(), "added 0, changed 0, unchanged 0, refused 5\n"; got != want {
		t.Errorf("standard output has %q, want %q", got, want)
	}
	if farm.users() != 1 {
		t.Errorf("there are %d users", farm.users())
	}
	run = begin(t, at(t, farm, "import", table, "--partial", "--json"))
	run.wantCode(1)
	run.drain()
	result := decode(t, run.stdout.String())
	first := result["errors"].([]any)[0].(map[string]any)
	if result["added"] != 1.0 || result["refused"] != 5.0 || first["line"] != 2.0 || first["name"] != "project_id" {
		t.Errorf("the import wrote %v", result)
	}
	if farm.users() != 2 {
		t.Errorf("there are %d users after a partial import", farm.users())
	}
}

func TestAnImportThatMakesNoSenseSaysWhatToDo(t *testing.T) {
	farm := farmWith(t)
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no format":         {[]string{"import", "-"}, 2, "--format"},
		"an unknown format": {[]string{"import", "users.xlsx"}, 2, "--format"},
		"no file":           {[]string{"import", "none.csv"}, 1, "no such file"},
		"a JSON list":       {[]string{"import", file(t, "a.json", "\n [{}]\n")}, 1, ":2:1: must have a JSON object on each line, and this is a list"},
		"no users":          {[]string{"import", file(t, "b.csv", "login\n")}, 0, "b.csv has no users"},
		"no project":        {[]string{"import", file(t, "c.csv", "env,domain,login,password\nstage,d,ann,pw\n")}, 1, ":2:1: project_id is missing: give it here or with --project"},
		"a bad column":      {[]string{"import", file(t, "a.csv", "login,roles\n")}, 1, `:1:7: the column "roles" is not known`},
	} {
		run := begin(t, at(t, farm, test.args...))
		run.wantCode(test.code)
		run.complains(test.says)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// Some rows are refused by the command, and others by the farm.
func TestErrorsHaveTheOrderOfTheFile(t *testing.T) {
	farm := farmWith(t)
	long := strings.Repeat("x", 1<<20)
	var users strings.Builder
	for i := range 4 {
		fmt.Fprintf(&users, `{"project_id":%q,"env":"stage","domain":"d","login":"user-%d","password":""}`+"\n", project, i)
		fmt.Fprintf(&users, `{"project_id":%q,"env":"stage","domain":"d","login":"user-%d","password":1}`+"\n", project, i)
		fmt.Fprintf(&users, `{"project_id":%q,"env":"stage","domain":"d","login":"user-%d","password":"%s"}`+"\n", project, i, long[:500<<10])
		fmt.Fprintf(&users, "%s\n", long+"x")
	}
	run := begin(t, at(t, farm, "import", file(t, "users.jsonl", users.String())))
	run.wantCode(1)
	run.drain()
	said := strings.Split(run.stderr.String(), "\n")
	for i, want := range []string{
		"password must not be empty", "password must be a text", "password must have at most 1024 characters", "must have at most 1 MiB",
	} {
		for line := i; line < 16; line += 4 {
			if place := fmt.Sprintf(":%d:", line+1); !strings.Contains(said[line], place) || !strings.Contains(said[line], want) {
				t.Errorf("line %d of standard error is %q, want %q at %s", line+1, said[line], want, place)
			}
		}
	}
}

func TestAFileNamesProjects(t *testing.T) {
	farm := farmWith(t)
	farm.do("projects", "name", project, "Web shop")
	table := file(t, "users.csv", "project,env,domain,login,password\nweb SHOP,stage,d,ann,pw\n"+project+",stage,d,bob,pw\n,stage,d,cid,pw\n")
	if got := farm.do("import", table, "--project", "Web shop"); got != "added 3, changed 0, unchanged 0, refused 0\n" {
		t.Errorf("the import says %s", got)
	}
	for _, user := range strings.Split(strings.TrimSpace(farm.do("export", "--format", "jsonl")), "\n") {
		if !strings.Contains(user, project) {
			t.Errorf("a user is in another project: %s", user)
		}
	}
}

func TestAnExportIsImportedAgain(t *testing.T) {
	from := farmWith(t)
	from.do("import", file(t, "users.csv", "env,domain,login,password,totp,label:role,label:plan\nstage,d,ann,hunter2,JBSWY3DPEHPK3PXP,admin,\nstage,d,\"=bob;\",\"p\"\"w,\",,,free\n"),
		"--project", project)
	for _, format := range []string{"csv", "jsonl", "yaml"} {
		to := farmWith(t)
		whole := file(t, "users."+format, from.do("export", "--format", format, "--with-passwords"))
		if got := from.do("import", whole); got != "added 0, changed 0, unchanged 2, refused 0\n" {
			t.Errorf("%s: the same farm says %s", format, got)
		}
		if got := to.do("import", whole); got != "added 2, changed 0, unchanged 0, refused 0\n" {
			t.Errorf("%s: another farm says %s", format, got)
		}
		if again := to.do("export", "--format", format, "--with-passwords"); again != read(t, whole) {
			t.Errorf("%s: the export of the import is\n%s\nwant\n%s", format, again, read(t, whole))
		}
		open := from.do("export", "--format", format, "--label", "role=admin")
		if strings.Contains(open, "hunter2") || strings.Contains(open, "JBSWY") || strings.Contains(open, "bob") || !strings.Contains(open, "ann") {
			t.Errorf("%s: the export without passwords is\n%s", format, open)
		}
		if got := to.do("import", file(t, "open."+format, open)); got != "added 0, changed 0, unchanged 1, refused 0\n" {
			t.Errorf("%s: without passwords, another farm says %s", format, got)
		}
	}
}

// Cells have no blanks at their ends, and an empty one is no label. So such labels are in one column, as JSON.
func TestLabelsThatDoNotFitACellAreExported(t *testing.T) {
	from := farmWith(t)
	from.do("import", file(t, "users.jsonl", `{"project_id": "`+project+`", "env": "stage", "domain": "d", "login": "ann", "password": "p", "labels": {"a": "  x ", "b": " ", "c": ""}}`))
	whole := file(t, "users.csv", from.do("export", "--with-passwords"))
	if got := from.do("import", whole); got != "added 0, changed 0, unchanged 1, refused 0\n" {
		t.Errorf("the same farm says %s of\n%s", got, read(t, whole))
	}
}

func TestAnImportThatIsInterruptedSaysWhatMayBecomeOfIt(t *testing.T) {
	users := file(t, "users.csv", "project_id,env,domain,login,password\n"+project+",stage,d,ann,p\n")
	for flag, want := range map[string]string{
		"--partial=false": "the farm may carry it out all the same: run the command again to be sure",
		"--partial":       "some of the users may have been imported: run the command again",
		"--dry-run":       "nothing was changed",
	} {
		asked := make(chan struct{}, 10)
		silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			asked <- struct{}{}
			<-r.Context().Done()
		}))
		command := at(t, farmWith(t), "import", users, flag, "--url", silent.URL)
		run := begin(t, command)
		<-asked
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		run.wantCode(1)
		run.drain()
		silent.Close()
		if got := run.stderr.String(); !strings.HasPrefix(got, "userfarm: interrupted\n"+want) {
			t.Errorf("%s: got\n%s", flag, got)
		}
	}
}

func TestAnImportThatWaitsForItsFileCanBeInterrupted(t *testing.T) {
	for flag, want := range map[string]string{
		"--partial=false": "nothing was imported",
		"--partial":       "nothing was imported",
		"--dry-run":       "nothing was changed",
	} {
		command := at(t, farmWith(t), "import", "-", "--format", "jsonl", flag)
		input, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		run := begin(t, command)
		empty := strings.Repeat("\n", 1<<20) // more than a pipe has room for: when it is written, the command reads
		if _, err := io.WriteString(input, empty); err != nil {
			t.Fatal(err)
		}
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		run.wantCode(1)
		run.drain()
		if got := run.stderr.String(); got != "userfarm: interrupted\n"+want+"\n" {
			t.Errorf("%s: got\n%s", flag, got)
		}
	}
}

// What was written of a result can be read, also if the farm fails in the middle.
func TestAnImportThatFailsSaysWhatBecameOfIt(t *testing.T) {
	farm := farmWith(t)
	var asked atomic.Int32
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"type":"urn:userfarm:problem:forbidden","title":"Forbidden","status":403,"detail":"No.","code":"forbidden","errors":[]}`)
			return
		}
		target, _ := url.Parse("http://" + farm.address)
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	defer failing.Close()
	users := file(t, "users.csv", many(2500))
	for _, test := range []struct {
		flag               string
		asked              int32
		says               string
		added, differences int
	}{
		{"--partial", 0, "some of the users may have been imported", 1000, 0},
		{"--partial", 1, "nothing was imported", 0, 0},
		{"--dry-run", 0, "nothing was changed", 0, 1000},
	} {
		asked.Store(test.asked)
		run := begin(t, at(t, farm, "import", users, "--project", project, test.flag, "--json", "--url", failing.URL))
		run.wantCode(1)
		run.drain()
		if !strings.Contains(run.stderr.String(), "\n"+test.says) {
			t.Errorf("%v: got\n%s", test, run.stderr)
		}
		result := decode(t, run.stdout.String())
		if result["complete"] != false || result["added"] != float64(test.added) || len(result["differences"].([]any)) != test.differences {
			t.Errorf("%v: the result is %v", test, result)
		}
	}
}

func TestAFileThatCanNotBeReadToItsEndHasErrorsBefore(t *testing.T) {
	farm := farmWith(t)
	users := file(t, "users.yaml", "- {login: ann, env: stage, domain: regular, password: pw, colour: red}\n---\n- login: bob\n   env: stage\n")
	run := begin(t, at(t, farm, "import", users, "--project", project))
	run.wantCode(1)
	run.complains("1:67: colour is not known")
	run.complains("the file is not YAML")
	run = begin(t, at(t, farm, "import", users, "--project", project, "--json"))
	run.wantCode(1)
	run.drain()
	result := decode(t, run.stdout.String())
	if result["complete"] != false || result["added"] != 0.0 || result["refused"] != 1.0 || len(result["errors"].([]any)) != 1 {
		t.Errorf("the result is %v", result)
	}
}

func TestAFileNamesAProjectThatIsAlmostThere(t *testing.T) {
	farm := farmWith(t)
	farm.do("projects", "name", project, "Web shop")
	run := begin(t, at(t, farm, "import", file(t, "users.csv", "project,env,domain,login,password\nwebshop,,d,,pw\n")))
	run.wantCode(1)
	run.complains(`2:1: project must be the id or the name of a project; similar names are "Web shop"`)
}

func TestADryRunAtATerminalShowsAllDifferences(t *testing.T) {
	farm := farmWith(t)
	screen := atTerminal(t, at(t, farm, "import", file(t, "users.csv", many(3000)), "--project", project, "--dry-run"))
	screen.wantCode(0)
	screen.says("added 3000")
	for i := range 3000 {
		screen.says(fmt.Sprintf("+ user-%d@example.com\r\n", i))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOnlyAdminsImportUsersAndExportPasswords(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	farm.do("import", file(t, "users.csv", header+"stage,regular,ann,hunter2,\n"), "--project", project)
	for role, code := range map[string]int{"viewer": 1, "tester": 1, "admin": 0} {
		key := file(t, role, makeKey(t, dir, nil, "--role", role, "--name", role))
		begin(t, at(t, farm, "export", "--api-key-file", key)).wantCode(0)
		run := begin(t, at(t, farm, "export", "--with-passwords", "--api-key-file", key))
		run.wantCode(code)
		run.drain()
		if code == 0 != strings.Contains(run.stdout.String(), "hunter2") {
			t.Errorf("a %s gets\n%s", role, run.stdout)
		}
		importing := begin(t, at(t, farm, "import", file(t, "users.csv", header+"stage,regular,"+role+",pw,\n"), "--project", project, "--api-key-file", key))
		importing.wantCode(code)
	}
}

// many returns a table of so many users.
func many(n int) string {
	var table strings.Builder
	table.WriteString(header)
	for i := range n {
		fmt.Fprintf(&table, "stage,regular,user-%d@example.com,password %d,role-%d\n", i, i, i%7)
	}
	return table.String()
}

func TestAnImportInPartsIsCarriedOutOnce(t *testing.T) {
	farm := farmWith(t)
	table := file(t, "users.csv", many(3500)+"prod,regular,eve,pw,\n")
	if got := farm.do("import", table, "--project", project); got != "added 3501, changed 0, unchanged 0, refused 0\n" {
		t.Errorf("the import says %s", got)
	}
	run := begin(t, at(t, farm, "import", file(t, "bad.csv", many(3500)+"prod,regular,joe,,\nstage,regular,user-1@example.com,pw,\n"), "--project", project, "--dry-run", "--json"))
	run.wantCode(1)
	run.drain()
	result := decode(t, run.stdout.String())
	errors := result["errors"].([]any)
	if len(errors) != 2 || errors[0].(map[string]any)["line"] != 3502.0 || !strings.Contains(errors[1].(map[string]any)["rule"].(string), "line 3 has it") {
		t.Errorf("the errors are %v", errors)
	}
	if len(result["differences"].([]any)) != 3500 {
		t.Errorf("there are %d differences", len(result["differences"].([]any)))
	}
}

// The farm and the command are killed while the import is carried out. The farm goes on when it is started again.
func TestADecidedImportSurvivesAKill(t *testing.T) {
	const all = 20_000
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			farm := serve(t, dir, settings...)
			run := begin(t, at(t, farm, "import", file(t, "users.csv", many(all)), "--project", project))
			until(t, "some users are there", func() bool { return farm.users() > 0 })
			farm.signal(syscall.SIGKILL)
			run.command.Process.Kill()
			farm.wait()
			farm = serve(t, dir, settings...)
			until(t, "all users are there", func() bool { return farm.users() == all })
		})
	}
}

// The farm is killed while the parts are sent, and the command, too: nothing of it is imported.
func TestAnImportThatWasNotDecidedChangesNothing(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	line := `{"project_id":"` + project + `","env":"stage","domain":"d","login":"ann","password":"hunter2"}`
	query := "/v1/users/import?import_id=" + project + "&first_row=1"
	if status, body, err := farm.send(http.MethodPost, query, line, "Content-Type", "application/x-ndjson"); status != http.StatusOK {
		t.Fatalf("POST %s = %d %s (%v)", query, status, body, err)
	}
	farm.signal(syscall.SIGKILL)
	farm.wait()
	farm = serve(t, dir)
	if farm.users() != 0 {
		t.Error("a part was imported")
	}
	if status, body := farm.post("/v1/users/import/"+project+"/finish", `{"rows":1}`); status != http.StatusOK || farm.users() != 1 {
		t.Errorf("the import does not go on: %d %s", status, body)
	}
}

// The farm restarts in the middle of an import. The command waits for it.
func TestAnImportGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	run := begin(t, at(t, farm, "import", file(t, "users.csv", many(10_000)), "--project", project))
	until(t, "some users are there", func() bool { return farm.users() > 0 })
	farm.signal(syscall.SIGKILL)
	farm.wait()
	time.Sleep(100 * time.Millisecond)
	again := start(t, dir, "serve", "--listen", farm.address)
	again.address = farm.address
	run.wantCode(0)
	run.drain()
	if got := run.stdout.String(); got != "added 10000, changed 0, unchanged 0, refused 0\n" {
		t.Errorf("the import says %s", got)
	}
}

func TestATerminalShowsHowFarAnImportIs(t *testing.T) {
	farm := farmWith(t)
	screen := atTerminal(t, at(t, farm, "import", file(t, "users.csv", many(2500)), "--project", project))
	screen.wantCode(0)
	screen.says("importing")
	screen.says("added 2500")
}
