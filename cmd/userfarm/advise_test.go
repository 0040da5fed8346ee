//go:build unix

package main_test

import (
	"strings"
	"testing"
)

func TestAFarmAdvisesHowManyUsersAreEnough(t *testing.T) {
	farm := farmWith(t, "admin", "buyer")
	none := begin(t, at(t, farm, "advise"))
	none.wantCode(0)
	none.complains("the history has nothing that tests asked for")
	farm.do("run", "--label", "role=admin", "--", "true")
	got := farm.do("advise", "--target", "30s")
	if !strings.Contains(got, "The 1 role=admin account in stage, regular is just enough: p95 is under 30 s.\n") || !strings.Contains(got, "\n1 *    0 s") {
		t.Errorf("the advice is\n%s", got)
	}
	shown := decode(t, farm.do("advise", "--json", "--env", "stage"))
	want := shown["wants"].([]any)[0].(map[string]any)
	if shown["claims"] != 1.0 || want["users"] != 1.0 || want["reached"] != true || want["measured"].(map[string]any)["served"] != 1.0 {
		t.Errorf("the advice is %v", shown)
	}
	begin(t, at(t, farm, "advise", "--target", "2h")).wantCode(2)
}
