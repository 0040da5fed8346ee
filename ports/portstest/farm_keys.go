package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var farmKeyTests = []farmTest{
	{"creates an API key as it is specified", keyIsCreated},
	{"revokes an API key", keyIsRevoked},
	{"lists API keys page by page", keysArePaged},
	{"knows only API keys that it has", keyIsUnknown},
	{"rejects specifications and reasons that break a rule", badKeyIsRejected},
}

func keyIsCreated(g *guest) {
	spec := domain.KeySpec{Name: "ci", Role: domain.Tester, Scope: domain.Only(projectB, projectA), TTL: time.Hour}
	key, token, err := g.Farm.CreateKey(g.Context(), spec)
	g.must(err)
	if key.ID.IsZero() || key.CreatedAt.IsZero() || token.IsZero() {
		g.Error("the API key has no id, no time or no token")
	}
	g.wantEqual("the API key", key, domain.KeyView{Status: domain.KeyActive, APIKey: domain.APIKey{
		ID: key.ID, Name: "ci", Role: domain.Tester, Scope: spec.Scope, Digest: token.Digest(), CreatedAt: key.CreatedAt,
		ExpiresAt: key.CreatedAt.Add(time.Hour),
	}})
	for _, scope := range []domain.Scope{{}, domain.Only(projectA)} {
		key, _, err := g.Farm.CreateKey(g.Context(), domain.KeySpec{Name: "x", Role: domain.Admin, Scope: scope})
		g.must(err)
		read, err := g.Farm.Key(g.Context(), key.ID)
		g.must(err)
		if !read.Scope.Equal(scope) || !read.ExpiresAt.IsZero() {
			g.Errorf("the API key has the scope %+v and ends at %v", read.Scope, read.ExpiresAt)
		}
	}
}

func keyIsRevoked(g *guest) {
	key, _, err := g.Farm.CreateKey(g.Context(), domain.KeySpec{Name: "ci", Role: domain.Viewer})
	g.must(err)
	for range 2 { // the second call has nothing to do
		revoked, err := g.Farm.RevokeKey(g.Context(), key.ID, "")
		g.must(err)
		if revoked.Status != domain.KeyRevoked || revoked.RevokedAt.IsZero() {
			g.Errorf("the revoked API key is %s since %v", revoked.Status, revoked.RevokedAt)
		}
	}
}

func keysArePaged(g *guest) {
	var ids []domain.APIKeyID
	for range 3 {
		key, _, err := g.Farm.CreateKey(g.Context(), domain.KeySpec{Name: "ci", Role: domain.Viewer})
		g.must(err)
		ids = append(ids, key.ID)
		g.Advance(time.Millisecond)
	}
	first, err := g.Farm.Keys(g.Context(), ports.KeyQuery{Limit: 2})
	g.must(err)
	if len(first.Keys) != 2 || first.Keys[0].ID != ids[0] || first.Next != ids[1] {
		g.Fatalf("the first page has %d API keys, and the next one begins after %v", len(first.Keys), first.Next)
	}
	second, err := g.Farm.Keys(g.Context(), ports.KeyQuery{After: first.Next})
	g.must(err)
	if len(second.Keys) != 1 || second.Keys[0].ID != ids[2] || !second.Next.IsZero() {
		g.Errorf("the second page has %d API keys, and the next one begins after %v", len(second.Keys), second.Next)
	}
}

func keyIsUnknown(g *guest) {
	for _, id := range []domain.APIKeyID{{9}, {}} {
		_, err := g.Farm.Key(g.Context(), id)
		g.wantErr("read", err, domain.ErrKeyNotFound)
		_, err = g.Farm.RevokeKey(g.Context(), id, "")
		g.wantErr("revoke", err, domain.ErrKeyNotFound)
	}
}

func badKeyIsRejected(g *guest) {
	_, _, err := g.Farm.CreateKey(g.Context(), domain.KeySpec{Role: "boss", Scope: domain.Only(), TTL: -time.Second, Reason: "a\nb"})
	g.wantFields("an API key", err, "/name", "/role", "/projects", "/expires_in_seconds", "/reason")
	key, _, err := g.Farm.CreateKey(g.Context(), domain.KeySpec{Name: "ci", Role: domain.Viewer})
	g.must(err)
	_, err = g.Farm.RevokeKey(g.Context(), key.ID, "a\nb")
	g.wantFields("a reason", err, "/reason")
	read, err := g.Farm.Key(g.Context(), key.ID)
	g.must(err)
	if read.Status != domain.KeyActive {
		g.Errorf("the API key is %s", read.Status)
	}
}
