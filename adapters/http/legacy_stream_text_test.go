package http_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// textFarm is a farm whose users have the text in every field.
type textFarm struct {
	ports.Farm
	ports.Health
	texts []string
}

// AllAccounts implements [ports.Accounts].
func (f textFarm) AllAccounts(context.Context) iter.Seq2[domain.Account, error] {
	return func(yield func(domain.Account, error) bool) {
		for _, text := range f.texts {
			account := domain.Account{
				View: domain.View{
					ID:        domain.UserID{15: 1},
					CreatedAt: time.Date(2026, 1, 2, 23, 0, 0, 0, time.FixedZone("west of UTC", -2*60*60)),
					Login:     text,
					Pool:      domain.Pool{ProjectID: domain.ProjectID{1}, Env: text, Domain: text},
					Lock:      &domain.LockView{AcquiredAt: time.UnixMicro(1_795_426_200_000_001)},
				},
				Password: domain.NewSecret(text),
			}
			if !yield(account, nil) {
				return
			}
		}
	}
}

func TestTheListOfAllUsersWritesTextsLikeEncodingJSON(t *testing.T) {
	farm := textFarm{texts: []string{
		"", " ", `"`, `\`, `\"`, `\u0022`, `{"user_id":1}],`, "</script>&'", "%s",
		"a\x00b", "\b\f\n\r\t\x1b\x7f", "\u0085\u2028\u2029\ufeff", "é",
		"e\u0301", "日本語", "😀", "\ufffd", "\uffff", "\xff", "a\xc3", "\xed\xa0\x80",
	}}
	body := newFarmClient(t, farm, farm).get("/get_users").want(200).body
	var got []map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if len(got) != len(farm.texts) {
		t.Fatalf("got %d users, want %d", len(got), len(farm.texts))
	}
	for i, text := range farm.texts {
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(encoded, &want); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"login", "password", "env", "domain"} {
			if got[i][key] != want {
				t.Errorf("%s of %q reads as %q, want %q", key, text, got[i][key], want)
			}
		}
	}
	if got[0]["created_ad"] != "2026-01-03" {
		t.Errorf("created_ad is %v, want the day in UTC", got[0]["created_ad"])
	}
}

// The JSON of a list, without reflection, is the same as the JSON of one user, with reflection.
func TestAUserIsListedAsItWasCreated(t *testing.T) {
	c := newClient(t)
	body := `{"login":"\"<&>\\\u2028😀","password":"` + newPassword() + `\\\"é","domain":"日本語",` +
		`"project_id":"` + projectID + `","env":"/'%"}`
	created := c.post("/create_user", body).want(200).body
	if got := c.get("/get_users").want(200).body; got != "["+created+"]" {
		t.Errorf("got %s, want [%s]", got, created)
	}
}
