package domain_test

import (
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestIDsParseFromTheirText(t *testing.T) {
	user := domain.NewUserID(noon)
	for _, text := range []string{user.String(), strings.ToUpper(user.String())} {
		if got, err := domain.ParseUserID(text); err != nil || got != user {
			t.Errorf("ParseUserID(%s) = %v, %v", text, got, err)
		}
	}
	project := domain.ProjectID{1, 15: 2}
	if got, err := domain.ParseProjectID(project.String()); err != nil || got != project {
		t.Errorf("ParseProjectID = %v, %v", got, err)
	}
	lease := domain.NewLeaseID()
	if got, err := domain.ParseLeaseID(lease.Reveal()); err != nil || got != lease {
		t.Errorf("ParseLeaseID = %v, %v", got.Reveal(), err)
	}
	key := newAPIKey(t, domain.KeySpec{}).ID
	if got, err := domain.ParseAPIKeyID(key.String()); err != nil || got != key {
		t.Errorf("ParseAPIKeyID = %v, %v", got, err)
	}
}

func TestATextThatIsNoIDIsRejectedWithoutQuotingIt(t *testing.T) {
	const id = "01890a5d-ac96-774b-bcce-b302099a8057"
	for _, text := range []string{
		"", "x", id[:35], id + "0", " " + id[1:], id[:35] + " ", "{" + id + "}", "urn:uuid:" + id,
		strings.ReplaceAll(id, "-", ""), "0189-0a5dac96-774b-bcce-b302099a8057", "01890a5d_ac96-774b-bcce-b302099a8057",
		"g1890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a80é",
		"00000000-0000-0000-0000-000000000000",
	} {
		user, errUser := domain.ParseUserID(text)
		project, errProject := domain.ParseProjectID(text)
		lease, errLease := domain.ParseLeaseID(text)
		key, errKey := domain.ParseAPIKeyID(text)
		wantFields(t, errUser, "/user_id")
		wantFields(t, errProject, "/project_id")
		wantFields(t, errLease, "/lease_id")
		wantFields(t, errKey, "/key_id")
		if !user.IsZero() || !project.IsZero() || lease != (domain.LeaseID{}) || !key.IsZero() {
			t.Errorf("%q is rejected, and read as an id all the same", text)
		}
		if len(text) > 1 && strings.Contains(errLease.Error(), text) {
			t.Errorf("the error quotes the lease id: %v", errLease)
		}
	}
}

func FuzzParseUserID(f *testing.F) {
	f.Add("01890a5d-ac96-774b-bcce-b302099a8057")
	f.Add("01890A5D-AC96-774B-BCCE-B302099A8057")
	f.Add("00000000-0000-0000-0000-000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := domain.ParseUserID(text); err == nil && id.String() != strings.ToLower(text) {
			t.Errorf("%q is read as %v", text, id)
		}
	})
}
