package dashboard_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"regexp"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/dashboard"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// readLogins reads a file with a login on each line.
func readLogins(_ string, file io.Reader) (rows []dashboard.FileRow, err error) {
	text, err := io.ReadAll(file)
	for i, login := range strings.Fields(string(text)) {
		rows = append(rows, dashboard.FileRow{Line: i + 1, ImportRow: domain.ImportRow{
			Login: login, Pool: domain.Pool{ProjectID: shop, Env: "stage", Domain: "regular"}, Password: new(domain.NewSecret("secret-" + login)),
		}})
	}
	return rows, err
}

// upload sends the form of an import.
func (b browser) upload(token, reason, file string) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("form_token", token) // a buffer returns no errors
	_ = form.WriteField("reason", reason)
	part, _ := form.CreateFormFile("file", "users.txt")
	_, _ = io.WriteString(part, file)
	_ = form.Close()
	req := b.request("POST", "import", &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

var importID = regexp.MustCompile(`name="id" value="([^"]+)"`)

func TestAnImportSaysWhatFor(t *testing.T) {
	f := newFarm(t, func(s *http.Settings) { s.ReadUsers = readLogins })
	b := f.signedIn(domain.Admin)
	token := b.get("import").want(200).has("What for (may be empty)").token()
	b.upload(token, "a\x00b", "ann").want(422).has("Nothing was changed: 1 field is not right", "must not contain control characters")
	b.upload(token, "for the load test", "").want(422).has("the file has no users", `value="for the load test"`)
	for _, each := range []struct{ reason, login string }{{"for the <load> test", "ann"}, {"", "bob"}} {
		preview := b.upload(token, each.reason, each.login).want(200)
		if shown := strings.Contains(preview.body, "<p>What for: <bdi>for the &lt;load&gt; test</bdi></p>"); shown != (each.reason != "") {
			t.Errorf("the preview of an import for %q is %s", each.reason, preview.body)
		}
		id := importID.FindStringSubmatch(preview.body)[1]
		b.post("import-confirm", token, "id", id, "rows", "1").want(303)
		if e := f.wantEvent(domain.UserCreated, each.reason); e.Login != each.login {
			t.Errorf("the event is about %s", e.Login)
		}
	}
	page, err := f.Users(t.Context(), ports.Query{Login: "ann"})
	if err != nil || len(page.Users) != 1 {
		t.Fatal(page, err)
	}
	b.get("user?id="+page.Users[0].ID.String()).want(200).has("added", "for the &lt;load&gt; test", "the admin")
}
