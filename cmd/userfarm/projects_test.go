//go:build unix

package main_test

import (
	"reflect"
	"strings"
	"testing"
)

const otherProject = "6a1d8b63-2f1c-4b66-8e40-8f7f4b2f3c21"

// refuse runs a command that must fail with this exit code, and with these texts in its complaint.
func (p *process) refuse(code int, texts []string, args ...string) {
	p.t.Helper()
	run := begin(p.t, at(p.t, p, args...))
	run.wantCode(code)
	run.drain()
	for _, text := range texts {
		if !strings.Contains(run.stderr.String(), text) {
			p.t.Errorf("%v complains\n%s, want %q", args, run.stderr, text)
		}
	}
	if run.stdout.String() != "" {
		p.t.Errorf("%v wrote\n%s", args, run.stdout)
	}
}

func TestANameStandsForAProjectInEveryCommand(t *testing.T) {
	farm := farmWith(t, "admin")
	farm.do("projects", "name", project, "Été shop")
	farm.do("projects", "name", otherProject, "Bank")
	command := at(t, farm, "users", "add", "bob", "--project", "bank", "--env", "stage", "--domain", "regular", "--password-file", "-")
	command.Stdin = strings.NewReader("hunter2\n")
	begin(t, command).wantCode(0)
	begin(t, at(t, farm, "run", "--project", "BANK", "--", "sh", "-c", `test "$USERFARM_LOGIN" = bob`)).wantCode(0)
	farm.do("acquire", "--project", "E\u0301TE\u0301 shop", "--json")

	for _, args := range [][]string{
		{"users", "list", "--project", "été shop"}, {"who", "--project", "été shop"}, {"users", "show", "admin", "--project", "été shop"},
		{"users", "list", "--project", project},
	} {
		if got := farm.do(args...); !strings.Contains(got, "admin") || strings.Contains(got, "bob") || strings.Contains(got, project) {
			t.Errorf("%v wrote\n%s", args, got)
		}
	}
	if got := farm.do("users", "list"); !strings.Contains(got, "Été shop") || !strings.Contains(got, "Bank") {
		t.Errorf("users list wrote\n%s", got)
	}
	if got := farm.do("pools"); !strings.Contains(got, "Été shop") || strings.Contains(got, project) {
		t.Errorf("pools wrote\n%s", got)
	}
	if got := farm.do("users", "list", "--project", "Bank", "--json"); !strings.Contains(got, otherProject) || strings.Contains(got, "Bank") {
		t.Errorf("users list --json wrote\n%s", got)
	}
	waiter := begin(t, at(t, farm, "acquire", "--project", "Été shop", "--wait", "5m", "--json"))
	waiter.complains("place 1 in line")
	if got := farm.do("line"); !strings.Contains(got, "project Été shop") {
		t.Errorf("line wrote\n%s", got)
	}
}

func TestAnUnknownNameOfAProjectIsToldFromSimilarOnes(t *testing.T) {
	farm := farmWith(t, "admin")
	farm.do("projects", "name", project, "Shop")
	farm.do("projects", "name", otherProject, "Bank")
	unknown := []string{`no project has the name "shpo"; similar names are "Shop"`, "userfarm projects"}
	for _, args := range [][]string{
		{"users", "list"}, {"who"}, {"users", "show", "admin"}, {"users", "remove", "admin"}, {"acquire", "--json"},
		{"users", "add", "x", "--env", "e", "--domain", "d"},
	} {
		farm.refuse(1, unknown, append(args, "--project", "shpo")...)
	}
	farm.refuse(65, unknown, "run", "--project", "shpo", "--", "true")
	farm.refuse(1, []string{`no project has the name "insurance"` + "\n"}, "projects", "unname", "insurance")
}

func TestAProjectIsNamedAtTheTerminal(t *testing.T) {
	farm := farmWith(t)
	farm.do("projects", "name", project, "Shop")
	farm.do("projects", "name", "shop", "Web shop")
	names := func(want ...string) {
		t.Helper()
		var got []string
		for _, project := range farm.api("/v1/projects")["projects"].([]any) {
			got = append(got, project.(map[string]any)["name"].(string))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the names are %q, want %q", got, want)
		}
	}
	names("Web shop")
	farm.refuse(1, []string{"Another project has this name", "userfarm projects"}, "projects", "name", otherProject, "WEB SHOP")
	farm.refuse(1, []string{"the name must not be a UUID"}, "projects", "name", project, otherProject)
	farm.refuse(1, []string{"the name must not be empty", "unname"}, "projects", "name", project, "")
	farm.refuse(2, []string{"--project", "must have at most 64 characters"}, "users", "list", "--project", strings.Repeat("x", 65))
	names("Web shop")
	farm.do("projects", "unname", "web shop")
	names()
}
