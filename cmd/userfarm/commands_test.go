//go:build unix

package main_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// do runs a command at a farm, and returns what it wrote. It must succeed, and have nothing to complain about.
func (p *process) do(args ...string) string {
	p.t.Helper()
	run := begin(p.t, at(p.t, p, args...))
	run.wantCode(0)
	run.drain()
	if run.stderr.String() != "" {
		p.t.Errorf("%v: standard error has\n%s", args, run.stderr)
	}
	return run.stdout.String()
}

func (p *process) addUser(login, role string) string {
	p.t.Helper()
	command := at(p.t, p, "users", "add", login, "--project", project, "--env", "stage", "--domain", "regular",
		"--label", "role="+role, "--password-file", "-")
	command.Stdin = strings.NewReader("hunter2\n")
	run := begin(p.t, command)
	run.wantCode(0)
	run.drain()
	return run.stdout.String()
}

func TestUsersAreManagedAtTheTerminal(t *testing.T) {
	farm := farmWith(t)
	if shown := farm.addUser("ann", "admin"); !strings.Contains(shown, "ann") || strings.Contains(shown, "hunter2") {
		t.Errorf("users add wrote\n%s", shown)
	}
	farm.addUser("bob", "buyer")
	wantStates := func(want map[string]string) {
		t.Helper()
		if got := farm.statuses(); !reflect.DeepEqual(got, want) {
			t.Errorf("the users are %v, want %v", got, want)
		}
	}
	farm.do("users", "quarantine", "ann", "--reason", "the password has expired")
	wantStates(map[string]string{"ann": "quarantined", "bob": "free"})
	if listed := farm.do("users", "list", "--status", "quarantined"); !strings.Contains(listed, "quarantined: the password has expired") ||
		strings.Contains(listed, "bob") {
		t.Errorf("users list wrote\n%s", listed)
	}
	farm.do("users", "restore", "ann")
	wantStates(map[string]string{"ann": "free", "bob": "free"})

	farm.do("acquire", "--label", "role=admin", "--json")
	wantStates(map[string]string{"ann": "locked", "bob": "free"})
	farm.do("users", "force-release", "ann", "--reason", "stuck")
	wantStates(map[string]string{"ann": "free", "bob": "free"})

	farm.do("users", "change", "ann", "--label", "plan=free", "--remove-label", "role")
	if listed := farm.do("users", "list", "--label", "plan=free"); !strings.Contains(listed, "plan=free ") || strings.Contains(listed, "role=") {
		t.Errorf("after the change, users list wrote\n%s", listed)
	}
	farm.do("users", "remove", "bob")
	wantStates(map[string]string{"ann": "free"})
}

func TestTheHistorySaysWhatUsersWereChangedFor(t *testing.T) {
	farm := farmWith(t)
	add := at(t, farm, "users", "add", "ann", "--project", project, "--env", "stage", "--domain", "regular", "--password-file", "-",
		"--reason", "for the checkout")
	add.Stdin = strings.NewReader("hunter2\n")
	begin(t, add).wantCode(0)
	farm.do("users", "change", "ann", "--label", "role=admin", "--reason", "needs more rights")
	farm.do("users", "change", "ann", "--label", "role=buyer")
	farm.do("users", "remove", "ann", "--reason", "it's over & done")
	var got []string
	for line := range strings.Lines(farm.do("events", "--json", "--login", "ann")) {
		event := decode(t, line)
		got = append(got, event["kind"].(string)+": "+event["reason"].(string))
	}
	want := []string{"created: for the checkout", "changed: needs more rights", "changed: ", "removed: it's over & done"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the events are %q, want %q", got, want)
	}
	table := farm.do("events", "--login", "ann")
	for _, shown := range []string{" for the checkout ", " labels: needs more rights ", " labels  ", " it's over & done "} {
		if !strings.Contains(table, shown) {
			t.Errorf("the table has no %q:\n%s", shown, table)
		}
	}
	for _, args := range [][]string{
		{"users", "add", "bob", "--project", project, "--env", "e", "--domain", "d", "--password-file", file(t, "password", "x"), "--reason", "a\nb"},
		{"import", file(t, "users.csv", header+"stage,d,bob,pw,\n"), "--project", project, "--reason", strings.Repeat("x", 1025)},
	} {
		run := begin(t, at(t, farm, args...))
		run.wantCode(1)
		run.complains("--reason must ")
	}
}

func TestANewPasswordReachesTheNextHolder(t *testing.T) {
	farm := farmWith(t, "admin")
	command := at(t, farm, "users", "change", "admin", "--password-file", "-")
	command.Stdin = strings.NewReader("it's \"new\" $x\r\n")
	begin(t, command).wantCode(0)
	exports := farm.do("acquire", "--export")
	out, err := exec.Command("sh", "-c", exports+`printf %s "$USERFARM_PASSWORD"`).Output()
	if err != nil || string(out) != `it's "new" $x` {
		t.Errorf("the shell has the password %q (%v)", out, err)
	}
}

func TestATerminalAsksForThePasswordAndDoesNotShowIt(t *testing.T) {
	farm := farmWith(t)
	screen := atTerminal(t, at(t, farm, "users", "add", "ann", "--project", project, "--env", "stage", "--domain", "regular"))
	screen.says("password: ")
	screen.types("opensesame\n")
	screen.wantCode(0)
	if strings.Contains(screen.stdout.String(), "opensesame") {
		t.Errorf("the terminal shows\n%s", screen.stdout)
	}
	if lease := farm.do("acquire", "--json"); !strings.Contains(lease, `"password": "opensesame"`) {
		t.Error("the user has another password")
	}
}

func TestALeaseIsAcquiredRenewedAndReleasedInAShell(t *testing.T) {
	farm := farmWith(t, "buyer", "seller")
	script := at(t, farm)
	script.Path = "/bin/sh"
	script.Args = []string{"sh", "-ec", `
		eval "$("$0" acquire --user seller=role=seller --user buyer=role=buyer --export)"
		echo "$USERFARM_SELLER_LOGIN and $USERFARM_BUYER_LOGIN"
		"$0" renew --ttl 10m
		"$0" who
		"$0" release --quarantine "cart is not empty" --user "$USERFARM_BUYER_USER_ID"
		"$0" release --quarantine "too late"`, binary}
	run := begin(t, script)
	run.wantCode(1)
	run.complains("acquire again")
	run.says("seller and buyer\n")
	run.says("ci-4711")
	want := map[string]string{"buyer": "quarantined", "seller": "free"}
	if got := farm.statuses(); !reflect.DeepEqual(got, want) {
		t.Errorf("the users are %v, want %v", got, want)
	}
}

// What the caller has given is not repeated: a lease id is a secret.
func TestALeaseIsRenewedAndReleasedWithJSON(t *testing.T) {
	farm := farmWith(t, "buyer", "seller")
	type name struct {
		UserID string `json:"user_id"`
		Login  string `json:"login"`
	}
	lease := struct {
		LeaseID   string `json:"lease_id"`
		ExpiresAt string `json:"expires_at"`
		Users     []name `json:"users"`
	}{}
	take := func() {
		t.Helper()
		text := farm.do("acquire", "--user", "seller=role=seller", "--user", "buyer=role=buyer", "--ttl", "1m", "--json")
		if err := json.Unmarshal([]byte(text), &lease); err != nil {
			t.Fatal(err)
		}
	}
	do := func(into any, args ...string) {
		t.Helper()
		command := at(t, farm, args...)
		command.Env = append(command.Env, "USERFARM_LEASE_ID="+lease.LeaseID)
		run := begin(t, command)
		run.wantCode(0)
		run.drain()
		decoder := json.NewDecoder(strings.NewReader(run.stdout.String()))
		decoder.DisallowUnknownFields() // such as secrets
		if err := decoder.Decode(into); err != nil {
			t.Fatalf("%v\n%s", err, run.stdout)
		}
	}
	take()
	var renewed struct {
		ExpiresAt string `json:"expires_at"`
		Users     []name `json:"users"`
	}
	if do(&renewed, "renew", "--ttl", "10m", "--json"); renewed.ExpiresAt <= lease.ExpiresAt || !reflect.DeepEqual(renewed.Users, lease.Users) {
		t.Errorf("renew wrote %+v of %+v", renewed, lease)
	}
	seller, buyer := lease.Users[0], lease.Users[1]
	var released struct {
		Released    []name `json:"released"`
		Quarantined []name `json:"quarantined"`
	}
	do(&released, "release", "--quarantine", "cart is not empty", "--user", buyer.UserID, "--json")
	if !reflect.DeepEqual(released.Released, []name{seller}) || !reflect.DeepEqual(released.Quarantined, []name{buyer}) {
		t.Errorf("release wrote %+v", released)
	}
	farm.do("users", "restore", "buyer")
	take()
	do(&released, "release", "--json")
	if !reflect.DeepEqual(released.Released, lease.Users) || released.Quarantined == nil || len(released.Quarantined) > 0 {
		t.Errorf("release wrote %+v", released)
	}
	var removed struct {
		UserID  string `json:"user_id"`
		Login   string `json:"login"`
		Removed bool   `json:"removed"`
	}
	do(&removed, "users", "remove", "buyer", "--json")
	if removed.UserID != buyer.UserID || removed.Login != "buyer" || !removed.Removed {
		t.Errorf("users remove wrote %+v", removed)
	}
}

// The farm takes a report about a bad user also after the lease.
func TestAUserGoesIntoQuarantineAfterItsLease(t *testing.T) {
	farm := farmWith(t, "buyer")
	lease := decode(t, farm.do("acquire", "--json"))
	farm.force("buyer")
	id := lease["users"].([]any)[0].(map[string]any)["user_id"].(string)
	command := at(t, farm, "release", "--quarantine", "cart is not empty", "--user", id, "--json")
	command.Env = append(command.Env, "USERFARM_LEASE_ID="+lease["lease_id"].(string))
	begin(t, command).wantCode(1)
	if got := farm.statuses()["buyer"]; got != "quarantined" {
		t.Errorf("the user is %s", got)
	}
}

func TestALeaseThatCantBeWrittenIsReleased(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	farm := farmWith(t, "admin")
	for _, format := range []string{"--json", "--export"} {
		command := at(t, farm, "acquire", format)
		command.Stdout = full
		if command.Run(); command.ProcessState.ExitCode() != 1 {
			t.Errorf("exit code = %d", command.ProcessState.ExitCode())
		}
		if got := farm.statuses()["admin"]; got != "free" {
			t.Errorf("%s: the user is %s", format, got)
		}
	}
}

// Programs that know the API need not learn other names.
func TestTheJSONOfACommandIsThatOfTheAPI(t *testing.T) {
	farm := farmWith(t, "admin", "free", "faulty", "removed")
	farm.do("users", "quarantine", "faulty", "--reason", "locked out")
	farm.do("users", "remove", "removed")
	farm.do("acquire", "--label", "role=admin", "--json")
	waiter := begin(t, at(t, farm, "acquire", "--env", "stage", "--label", "role=admin", "--wait", "5m", "--json"))
	waiter.complains("place 1 in line")

	until(t, "both say the same about the line", func() bool { // the waiter asks again, every few seconds
		before, told := farm.api("/v1/line"), decode(t, farm.do("line", "--json"))
		after := farm.api("/v1/line")
		if !reflect.DeepEqual(before, after) {
			return false
		}
		return reflect.DeepEqual(told, after)
	})
	for command, path := range map[string]string{
		"users list --json":                "/v1/users",
		"who --json":                       "/v1/users?status=locked",
		"pools --json":                     "/v1/pools",
		"projects --json":                  "/v1/projects",
		"users list --owner=nobody --json": "/v1/users?owner=nobody",
	} {
		want, got := farm.api(path), decode(t, farm.do(strings.Fields(command)...))
		delete(want, "next_cursor")
		if path == "/v1/pools" { // it goes on counting
			for _, pools := range []map[string]any{want, got} {
				delete(pools["pools"].([]any)[0].(map[string]any), "longest_wait_seconds")
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("userfarm %s wrote\n%v\nand GET %s is\n%v", command, got, path, want)
		}
	}
	user := farm.api("/v1/users?login=admin")["users"].([]any)[0]
	if got := decode(t, farm.do("users", "show", "admin", "--json")); !reflect.DeepEqual(any(got), user) {
		t.Errorf("users show wrote\n%v\nwant\n%v", got, user)
	}
	events := farm.api("/v1/events?kind=created&kind=quarantined&kind=removed&kind=acquired")["events"].([]any)
	lines := strings.Split(strings.TrimSpace(farm.do("events", "--json", "--kind", "created", "--kind", "quarantined", "--kind", "removed",
		"--kind", "acquired")), "\n")
	if len(lines) != len(events) {
		t.Fatalf("%d events, want %d", len(lines), len(events))
	}
	for i, line := range lines {
		if got := decode(t, line); !reflect.DeepEqual(any(got), events[i]) {
			t.Errorf("event %d is\n%v\nwant\n%v", i, got, events[i])
		}
	}
}

// api returns what the API answers.
func (p *process) api(path string) map[string]any {
	p.t.Helper()
	status, body, err := p.send(http.MethodGet, path, "")
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("GET %s = %d %s (%v)", path, status, body, err)
	}
	return decode(p.t, body)
}

func decode(t *testing.T, text string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return object
}

func TestEventsAreFollowedUntilCtrlC(t *testing.T) {
	farm := farmWith(t)
	follower := begin(t, at(t, farm, "events", "--follow", "--kind", "created"))
	// The stream begins when the farm has the request, which nobody sees. So add users until one is shown.
	until(t, "an event is shown", func() bool {
		farm.add("role-" + string(rune('a'+len(farm.statuses()))))
		return strings.Contains(follower.stdout.String(), "created")
	})
	follower.command.Process.Signal(syscall.SIGINT)
	follower.wantCode(0)
	if lines := strings.Split(strings.TrimSpace(follower.stdout.String()), "\n"); !strings.Contains(lines[0], "  created        role-") ||
		strings.HasSuffix(lines[0], " ") {
		t.Errorf("the first line is %q", lines[0])
	}
}

func TestErrorsSayWhatToDoNext(t *testing.T) {
	farm := farmWith(t, "admin")
	closed := serve(t, t.TempDir(), "--admin-key-file", writeToken(t))
	silent := &process{address: freeAddress(t)}
	broken := farmWith(t, "seller")
	broken.do("users", "quarantine", "seller", "--reason", "cart is full")
	for name, test := range map[string]struct {
		farm *process
		args []string
		code int
		says string
	}{
		"all in quarantine":              {broken, []string{"acquire", "--json"}, 1, "waiting does not help; userfarm users list --status quarantined shows them"},
		"no farm":                        {silent, []string{"pools"}, 1, "userfarm serve starts a farm"},
		"no API key":                     {closed, []string{"who"}, 1, "userfarm keys create --role tester"},
		"no such login":                  {farm, []string{"users", "show", "nobody"}, 1, "userfarm users list"},
		"no such id":                     {farm, []string{"users", "show", project}, 1, "userfarm users list"},
		"no lease":                       {farm, []string{"release"}, 1, "userfarm acquire --export"},
		"no format":                      {farm, []string{"acquire"}, 2, "--json or --export"},
		"no password":                    {farm, []string{"users", "add", "x", "--project", project, "--env", "e", "--domain", "d"}, 1, "--password-file -"},
		"nothing to change":              {farm, []string{"users", "change", "admin"}, 2, "--label"},
		"an invalid field":               {farm, []string{"users", "quarantine", "admin", "--reason", ""}, 1, "--reason is required"},
		"nobody is free":                 {farm, []string{"acquire", "--env", "prod", "--json"}, 1, `env "stage", not "prod"`},
		"a limit of what follows":        {farm, []string{"events", "--follow", "--limit", "5"}, 2, "--follow and --limit exclude each other"},
		"a user outside of a quarantine": {farm, []string{"release", "--user", project}, 2, "--quarantine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := begin(t, at(t, test.farm, test.args...))
			run.wantCode(test.code)
			run.complains(test.says)
			run.drain()
			if run.stdout.String() != "" {
				t.Errorf("standard output has\n%s", run.stdout)
			}
		})
	}
}

func TestOneThingIsNotCalledSeveral(t *testing.T) {
	dir := t.TempDir()
	sealed := serve(t, dir)
	sealed.add("admin")
	sealed.signal(syscall.SIGTERM)
	sealed.wait()
	old := strings.Fields(mustExecute(t, dir, "keyring", "list"))[7]
	mustExecute(t, dir, "keyring", "add")
	if refused := execute(t, dir, "keyring", "remove", old); !strings.Contains(refused.stderr, ": 1 user, 0 sessions and 0 parts of imports are sealed") {
		t.Errorf("keyring remove wrote\n%s", refused.stderr)
	}
	if resealed := mustExecute(t, dir, "keyring", "reseal"); resealed != "1 user resealed\n" {
		t.Errorf("keyring reseal wrote %q", resealed)
	}
}

func TestAnAPIKeyComesFromAFileOrTheEnvironment(t *testing.T) {
	file := writeToken(t)
	farm := serve(t, t.TempDir(), "--store", "memory:", "--admin-key-file", file)
	farm.do("pools", "--api-key-file", file)
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	command := at(t, farm, "pools")
	command.Env = append(command.Env, "USERFARM_API_KEY="+strings.TrimSpace(string(token)))
	begin(t, command).wantCode(0)

	broken := filepath.Join(t.TempDir(), "broken.key")
	if err := os.WriteFile(broken, token[:len(token)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	run := begin(t, at(t, farm, "pools", "--api-key-file", broken))
	run.wantCode(2)
	run.complains("--api-key-file: malformed API key")
	if strings.Contains(run.stderr.String(), string(token[:20])) {
		t.Errorf("the error quotes the key:\n%s", run.stderr)
	}
}

func TestTablesFitTheTerminal(t *testing.T) {
	farm := farmWith(t, "admin", strings.Repeat("long", 30))
	screen := atTerminal(t, at(t, farm, "users", "list"))
	screen.wantCode(0)
	screen.says("…")
	for line := range strings.Lines(screen.stdout.String()) {
		if width := len([]rune(strings.TrimRight(line, "\r\n"))); width > 80 {
			t.Errorf("a line has %d columns: %q", width, line)
		}
	}
}

func TestWhatCantBeMeantIsRefused(t *testing.T) {
	farm := farmWith(t, "admin")
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"flags of a command":         {[]string{"run", "echo", "-n", "hi"}, 64, "put -- before the command"},
		"less than no users":         {[]string{"users", "list", "--limit=-1"}, 2, "--limit must be 0 or more"},
		"a line of nobody":           {[]string{"line", "--limit", "0"}, 2, "--limit must be from 1 to 1000"},
		"a longer line than is told": {[]string{"line", "--limit", "1001"}, 2, "--limit must be from 1 to 1000"},
		"a label twice":              {[]string{"users", "change", "admin", "--label", "a=1", "--label", "a=2"}, 2, "the label a is there twice"},
		"a label of a new user twice": {[]string{"users", "add", "x", "--project", project, "--env", "e", "--domain", "d", "--label", "a=1", "--label", "a=2"},
			2, "the label a is there twice"},
		"a label to keep and to remove": {[]string{"users", "change", "admin", "--label", "a=1", "--remove-label", "a"}, 2,
			"--label and --remove-label exclude each other for the label a"},
		"a name twice":                  {[]string{"acquire", "--json", "--user", "a", "--user", "a"}, 2, "the name a is there twice"},
		"a quarantine without a reason": {[]string{"release", "--quarantine", ""}, 2, "--quarantine needs a reason"},
		"a long lease":                  {[]string{"acquire", "--json", "--ttl", "100h"}, 1, "--ttl, in seconds, must be from 1 to 86400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := begin(t, at(t, farm, test.args...))
			run.wantCode(test.code)
			run.complains(test.says)
		})
	}
}

func TestAUserOfAnotherLeaseIsNamedByItsFlag(t *testing.T) {
	farm := farmWith(t, "admin")
	command := at(t, farm, "release", "--quarantine", "cart is not empty", "--user", project)
	command.Env = append(command.Env, "USERFARM_LEASE_ID="+decode(t, farm.do("acquire", "--json"))["lease_id"].(string))
	run := begin(t, command)
	run.wantCode(1)
	run.complains("--user must be a user of this lease")
}
