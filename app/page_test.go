package app_test

import (
	"testing"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestAListWithoutALimitHasAPage(t *testing.T) {
	farm := mustNew(memory.New(), app.Settings{})
	create(t, farm, "ann")
	if _, _, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "ci", Role: domain.Viewer}); err != nil {
		t.Fatal(err)
	}
	users, err := farm.Users(t.Context(), ports.Query{})
	if err != nil || len(users.Users) != 1 || users.Next != (domain.UserID{}) {
		t.Errorf("users: %+v, %v; want one on the only page", users, err)
	}
	keys, err := farm.Keys(t.Context(), ports.KeyQuery{})
	if err != nil || len(keys.Keys) != 1 || keys.Next != (domain.APIKeyID{}) {
		t.Errorf("keys: %+v, %v; want one on the only page", keys, err)
	}
	events, err := farm.Events(t.Context(), ports.EventQuery{})
	if err != nil || len(events.Events) != 2 || events.Next != 0 {
		t.Errorf("events: %+v, %v; want two on the only page", events, err)
	}
}
