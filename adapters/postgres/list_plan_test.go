package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A page of a list reads about as many users as it has, no matter how many others the farm has, or in which order they were added.
func TestAPageOfAListReadsFewUsers(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	ctx := context.Background()
	queries := new(queryRecorder)
	store := openTraced(t, databaseURL, queries)
	large, small := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"}, domain.Pool{ProjectID: domain.ProjectID{2}, Env: "e", Domain: "d"}
	users := make([]*domain.User, 6000)
	for i := range users {
		now := time.Now()
		s := domain.Snapshot{
			ID: domain.UserID{1, byte(i >> 8), byte(i)}, CreatedAt: now, Login: fmt.Sprint("user ", i), Pool: large,
			Labels: domain.Labels{"role": "plain"},
		}
		switch i % 1000 {
		case 999:
			s.Lock = &domain.Lock{Lease: domain.NewLeaseID().Digest(), Size: 1, Owner: "ci", AcquiredAt: now, ExpiresAt: now.Add(time.Hour)}
		case 998:
			s.Quarantine = &domain.Quarantine{Reason: "broken", Since: now}
		}
		if i >= 5900 { // come after all of the large pool, or before: newest first
			s.Pool = small
		}
		if i%3000 == 7 {
			s.Labels = domain.Labels{"role": "admin"}
		}
		users[i] = domain.Restore(s)
	}
	if err := store.Add(ctx, domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, "VACUUM ANALYZE")

	const limit, some = 10, 60
	for name, q := range map[string]ports.Query{
		"all":                        {},
		"of a large project":         {ProjectID: large.ProjectID},
		"of a small project":         {ProjectID: small.ProjectID},
		"of an environment":          {Env: "e"},
		"of an unknown domain":       {Domain: "nowhere"},
		"in scope":                   {Scope: domain.Only(small.ProjectID)},
		"with a common label":        {Labels: domain.Labels{"role": "plain"}},
		"with a rare label":          {Labels: domain.Labels{"role": "admin"}, ProjectID: large.ProjectID},
		"with an unknown label":      {Labels: domain.Labels{"role": "none"}, ProjectID: large.ProjectID},
		"free":                       {Status: domain.Free},
		"free ones of a project":     {Status: domain.Free, ProjectID: large.ProjectID},
		"held":                       {Status: domain.Locked},
		"held ones of a project":     {Status: domain.Locked, ProjectID: small.ProjectID},
		"in quarantine":              {Status: domain.Quarantined},
		"in quarantine of a project": {Status: domain.Quarantined, ProjectID: large.ProjectID, Env: "e", Domain: "d"},
		"of an owner in a project":   {Owner: "ci", ProjectID: large.ProjectID},
		"with a login":               {Login: "USER 7"},
		"with a login in a project":  {Login: "user 7", ProjectID: large.ProjectID},
	} {
		for _, newestFirst := range []bool{false, true} {
			for _, after := range []domain.UserID{{}, users[3000].ID()} {
				q.NewestFirst, q.After, q.Limit = newestFirst, after, limit
				queries.statements = nil
				if _, err := store.List(ctx, q); err != nil {
					t.Fatal(err)
				}
				if len(queries.statements) < 2 {
					t.Fatal("the statements were not recorded")
				}
				for _, s := range queries.statements {
					for _, node := range explainUnder(t, databaseURL, nil, s).nodes() {
						if node.Relation == "users" && node.Rows+node.Removed > some {
							t.Errorf("%s, newest first %v, after %v: %s of %s reads %v users and discards %v:\n%s",
								name, newestFirst, after, node.NodeType, node.Index, node.Rows, node.Removed, s.sql)
						}
					}
				}
			}
		}
	}
}
