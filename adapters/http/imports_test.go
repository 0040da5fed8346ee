package http_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// importRow returns a line of an import. members replace or add to those of a good one.
func importRow(login, members string) string {
	return fmt.Sprintf(`{"login":%q,"project_id":%q,"env":"e","domain":"d","password":%q%s}`+"\n", login, projectID, newPassword(), members)
}

func report(t *testing.T, body string) (report api.ImportReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func TestUsersAreImported(t *testing.T) {
	c := newClient(t)
	body := importRow("ann", `,"labels":{"role":"admin"},"totp_secret":"`+newTOTP()+`"`) + "\r\n\n" + importRow("bob", "")
	got := c.post("/v1/users/import", body).want(200)
	if want := `{"state":"applied","added":2,"changed":0,"unchanged":0,"refused":0,"errors":[],"errors_total":0,"differences":[]}`; got.body != want {
		t.Errorf("got %s, want %s", got.body, want)
	}
	if !strings.Contains(c.get("/v1/users?login=ann").want(200).body, `"labels":{"role":"admin"},"has_totp":true`) {
		t.Error("the user has no label, or no second factor")
	}
}

func TestARefusedImportNamesEveryBadRow(t *testing.T) {
	c := newClient(t)
	body := importRow("ann", "") + `{"login":1,"role":"x","project_id":"p","env":"e"}` + "\nno JSON\n" + importRow("ANN", "") +
		importRow("eve", `,"totp_secret":"1"`)
	problem := c.post("/v1/users/import", body).want(422).wantProblem(api.CodeInvalid)
	if problem.Import == nil || problem.Import.State != api.ImportStateChecked || problem.Import.Refused != 4 || problem.Import.Added != 1 {
		t.Fatalf("got %+v", problem.Import)
	}
	var got []string
	for _, e := range problem.Import.Errors {
		got = append(got, fmt.Sprintf("%d %s", e.Row, e.Pointer))
		if (e.OtherRow != nil) != (e.Row == 4) || e.OtherRow != nil && *e.OtherRow != 1 {
			t.Errorf("the other row of %+v is wrong", e)
		}
	}
	want := "2 /login, 2 /project_id, 2 /role, 3 , 4 /login, 5 /totp_secret"
	if strings.Join(got, ", ") != want || problem.Import.ErrorsTotal != 6 {
		t.Errorf("got the errors %s, want %s", strings.Join(got, ", "), want)
	}
	if users := c.get("/v1/users").want(200).body; !strings.Contains(users, `"users":[]`) {
		t.Errorf("something was imported: %s", users)
	}
	partial := report(t, c.post("/v1/users/import?partial=true", body).want(200).body)
	if partial.Added != 1 || partial.Refused != 4 || partial.ErrorsTotal != 6 || partial.State != api.ImportStateApplied {
		t.Errorf("the partial import is %+v", partial)
	}
}

func TestADryRunSaysWhatAnImportWouldDo(t *testing.T) {
	c := newClient(t)
	c.post("/v1/users/import", importRow("ann", "")).want(200)
	got := c.post("/v1/users/import?dry_run=true", importRow("ann", `,"labels":{"a":"b"}`)+importRow("bob", "")).want(200)
	want := `{"state":"checked","added":1,"changed":1,"unchanged":0,"refused":0,"errors":[],"errors_total":0,"differences":[` +
		`{"row":1,"op":"changed","login":"ann","changed":["password","labels"]},{"row":2,"op":"added","login":"bob","changed":[]}]}`
	if got.body != want {
		t.Errorf("got %s, want %s", got.body, want)
	}
}

func TestThousandsOfErrorsAreBounded(t *testing.T) {
	c := newClient(t)
	problem := c.post("/v1/users/import", strings.Repeat("{}\n", 10_000)).want(422).wantProblem(api.CodeInvalid)
	if len(problem.Import.Errors) != 1000 || problem.Import.ErrorsTotal != 30_000 || problem.Import.Refused != 10_000 {
		t.Errorf("%d errors of %d, %d rows", len(problem.Import.Errors), problem.Import.ErrorsTotal, problem.Import.Refused)
	}
	c.post("/v1/users/import", strings.Repeat("{}\n", 10_001)).want(422).wantProblem(api.CodeInvalid, "")
	c.post("/v1/users/import", strings.Repeat("x", 1<<20+1)).want(413).wantProblem(api.CodeTooLarge)
}

func TestAnImportInParts(t *testing.T) {
	c := newClient(t)
	part := "/v1/users/import?import_id=" + someID + "&first_row="
	c.post(part+"1", importRow("ann", "")).want(200)
	c.post("/v1/users/import/"+someID+"/finish", `{"rows":2}`).want(409).wantProblem(api.CodeImportIncomplete)
	c.post(part+"2", importRow("bob", "")).want(200)
	mismatch := c.post(part+"2", importRow("joe", "")).want(422).wantProblem(api.CodeIdempotencyMismatch)
	if !strings.HasPrefix(mismatch.Detail, "The import_id was used with other rows") {
		t.Errorf("the detail is %q", mismatch.Detail)
	}
	for range 2 {
		got := report(t, c.post("/v1/users/import/"+someID+"/finish", `{"rows":2}`).want(200).body)
		if got.State != api.ImportStateApplied || got.Added != 2 {
			t.Errorf("got %+v", got)
		}
	}
	c.post("/v1/users/import/"+otherProjectID+"/finish", `{"rows":2}`).want(404).wantProblem(api.CodeImportNotFound)
}

func TestAnImportHasAReason(t *testing.T) {
	c := newClient(t)
	c.post("/v1/users/import?reason=load+%26+test", importRow("ann", "")+importRow("bob", "")).want(200)
	c.post("/v1/users/import?reason=more+rights", `{"login":"ann","project_id":"`+projectID+`","env":"e","labels":{"role":"admin"}}`).want(200)
	c.post("/v1/users/import?reason=", importRow("eve", "")).want(200)
	c.wantEvents("", "created: load & test", "created: load & test", "changed: more rights", "created")
	c.post("/v1/users/import", importRow("zoe", `,"reason":"of a row"`)).want(422).wantProblem(api.CodeInvalid)

	part := "/v1/users/import?import_id=" + someID + "&first_row="
	c.post(part+"1&reason=one", importRow("ann-1", "")).want(200)
	c.post(part+"2&reason=two", importRow("ann-2", "")).want(200)
	c.post("/v1/users/import/"+someID+"/finish?reason=all", `{"rows":2}`).want(422).wantProblem(api.CodeInvalid, "/reason")
	c.post("/v1/users/import/"+someID+"/finish", `{"rows":2}`).want(200)
	c.wantEvents("login=ann-1", "created: one")
	c.wantEvents("login=ann-2", "created: two")
	if exported := c.send("POST", "/v1/users/export", "").want(200).body; strings.Contains(exported, "reason") {
		t.Errorf("an export has a reason: %s", exported)
	}
}

func TestABadImportIsRejected(t *testing.T) {
	c := newClient(t)
	row := importRow("ann", "")
	c.post("/v1/users/import?first_row=1", row).want(422).wantProblem(api.CodeInvalid, "/import_id")
	c.post("/v1/users/import?first_row=0&dry_run=yes&partial=&import_id=x&all=1", row).want(422).
		wantProblem(api.CodeInvalid, "/all", "/dry_run", "/first_row", "/import_id", "/partial")
	c.post("/v1/users/import?reason=a%00b", row).want(422).wantProblem(api.CodeInvalid, "/reason")
	c.post("/v1/users/import?reason=a&reason=b", row).want(422).wantProblem(api.CodeInvalid, "/reason")
	c.post("/v1/users/import/x/finish", `{"rows":0}`).want(422).wantProblem(api.CodeInvalid, "/import_id", "/rows")
	c.post("/v1/users/import", "\n \n").want(400).wantProblem(api.CodeMalformed)
	c.sendAs("application/json", "POST", "/v1/users/import", row).want(415).wantProblem(api.CodeUnsupportedMediaType)
}

func TestAnImportIsLimitedToTheProjectsOfTheKey(t *testing.T) {
	f := newGuardedFarm(t)
	admin := f.as(f.key(domain.Admin, project(t, otherProjectID)))
	problem := admin.post("/v1/users/import", importRow("ann", "")).want(422).wantProblem(api.CodeInvalid)
	if e := problem.Import.Errors; len(e) != 1 || e[0].Pointer != "/project_id" || e[0].Detail != "must be a project of the API key" {
		t.Errorf("got %+v", e)
	}
}

func TestOnlyAnExportHasSecrets(t *testing.T) {
	c := newClient(t)
	password, totp := newPassword(), newTOTP()
	line := fmt.Sprintf(`{"login":"ann","project_id":%q,"env":"e","domain":"d","password":%q,"labels":{"a":"b"},"totp_secret":%q}`, projectID, password, totp)
	c.post("/v1/users/import", line).want(200)
	c.post("/v1/users/import", importRow("bob", "")).want(200)
	got := c.send("POST", "/v1/users/export?limit=1&label=a:b", "").want(200)
	var page api.ExportPage
	if err := json.Unmarshal([]byte(got.body), &page); err != nil {
		t.Fatal(err)
	}
	user := page.Users[0]
	if len(page.Users) != 1 || user.Login != "ann" || *user.Password != password || (*user.Labels)["a"] != "b" || user.TOTPSecret == nil {
		t.Errorf("got %s", got.body)
	}
	c.send("POST", "/v1/users/export?limit=x", "").want(422).wantProblem(api.CodeInvalid, "/limit")
}
