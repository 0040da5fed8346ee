package userfile_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/adapters/userfile"
	"github.com/userfarm/userfarm/domain"
)

// texts are texts that some format could take for something else, and any others.
var texts = rapid.OneOf(
	rapid.String(),
	rapid.SampledFrom([]string{"null", "~", "yes", "0123", "1e3", "- a", "a: b", "#", "=1+1", "sep=;", "a;b", "a,b", "\"", "'", "---", "...", "|", "&a", "*a",
		"{}", "[]", "%TAG", "a\u2028b", "a b", " a", "\ufeffa", "@", "`", "?", "\\n", "<<", "2026-11-26", "0x1F", ".inf"}),
)

// anyUser draws a user that a farm may have.
func anyUser(t *rapid.T) domain.Spec {
	return rapid.Custom(func(t *rapid.T) domain.Spec {
		user := domain.Spec{
			Login: texts.Draw(t, "login"), Password: domain.NewSecret(texts.Draw(t, "password")), Labels: domain.Labels{},
			Pool: domain.Pool{ProjectID: domain.ProjectID{rapid.Byte().Draw(t, "project"), 1}, Env: texts.Draw(t, "env"), Domain: texts.Draw(t, "domain")},
		}
		for _, key := range rapid.SliceOfN(rapid.SampledFrom([]string{"role", "a/b", "on", "1", "null"}), 0, 3).Draw(t, "keys") {
			user.Labels[key] = texts.Draw(t, "value")
		}
		if rapid.Bool().Draw(t, "second factor") {
			user.TOTP, _ = domain.ParseTOTP("JBSWY3DPEHPK3PXP")
		}
		return user
	}).Filter(func(user domain.Spec) bool { return domain.CheckSpec(user) == nil }).Draw(t, "user")
}

func TestEveryUserThatAFarmMayHaveIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := make([]domain.Spec, rapid.IntRange(1, 3).Draw(t, "users"))
		layout := userfile.Layout{Secrets: rapid.Bool().Draw(t, "secrets")}
		keys := map[string]bool{}
		for i := range users {
			users[i] = anyUser(t)
			for key, value := range users[i].Labels {
				keys[key] = true
				layout.LabelsAsJSON = layout.LabelsAsJSON || !userfile.FitCell(value)
			}
		}
		layout.Labels = slices.Sorted(maps.Keys(keys))
		format := rapid.SampledFrom([]userfile.Format{userfile.CSV, userfile.JSONL, userfile.YAML}).Draw(t, "format")

		var file strings.Builder
		writer, err := userfile.NewWriter(&file, format, layout)
		for _, user := range users {
			if err == nil {
				err = writer.Write(user)
			}
		}
		if err == nil {
			err = writer.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for row, err := range userfile.Read(strings.NewReader(file.String()), format) {
			if err != nil || len(row.User.Check()) > 0 || n == len(users) {
				t.Fatalf("row %d: %v %v\n%s", n, err, row.User.Check(), file.String())
			}
			wantSame(t, row.User, users[n], layout.Secrets)
			n++
		}
		if n != len(users) {
			t.Fatalf("%d of %d users were read:\n%s", n, len(users), file.String())
		}
	})
}
