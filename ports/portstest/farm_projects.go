package portstest

import (
	"strings"

	"github.com/userfarm/userfarm/domain"
)

var farmProjectTests = []farmTest{
	{"has no projects at first", noProjects},
	{"counts the users of every project, and lists those with names first", projectsAreCounted},
	{"lists a project as long as it has users or a name", projectsComeAndGo},
	{"gives a name to one project only, however it is spelled", nameIsTaken},
	{"rejects names that break a rule", badNameIsRejected},
}

func (g *guest) name(id domain.ProjectID, name string) error {
	return g.Farm.NameProject(g.Context(), domain.Project{ID: id, Name: name}, "")
}

// wantProjects fails the test unless these are all projects, and those of them that have names the named ones.
func (g *guest) wantProjects(want ...domain.ProjectCount) {
	g.Helper()
	counts, err := g.Farm.Projects(g.Context())
	g.must(err)
	g.wantEqual("the list of projects", counts, append([]domain.ProjectCount{}, want...))
	named, err := g.Farm.ProjectNames(g.Context())
	g.must(err)
	var names []domain.Project
	for _, p := range want {
		if p.Name != "" {
			names = append(names, p.Project)
		}
	}
	g.wantEqual("the list of names", append([]domain.Project(nil), named...), names)
}

func noProjects(g *guest) { g.wantProjects() }

func projectsAreCounted(g *guest) {
	shop := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"}
	mail := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "mail"}
	bank := domain.Pool{ProjectID: projectB, Env: "staging", Domain: "shop"}
	g.create(in(shop))
	g.create(in(mail))
	locked, broken := g.create(in(shop)), g.create(in(shop))
	g.create(in(bank))
	g.acquire(g.named(locked))
	_, err := g.Farm.Quarantine(g.Context(), broken.ID, "broken")
	g.must(err)
	inA := domain.ProjectCount{Project: domain.Project{ID: projectA}, Pools: 2, Total: 4, Free: 2, Locked: 1, Quarantined: 1}
	inB := domain.ProjectCount{Project: domain.Project{ID: projectB}, Pools: 1, Total: 1, Free: 1}
	g.wantProjects(inA, inB)

	g.must(g.name(projectB, "zoo"))
	inB.Name = "zoo"
	g.wantProjects(inB, inA)
	g.must(g.name(projectA, "Bank"))
	g.must(g.name(projectC, "\u00fcber"))
	inA.Name = "Bank"
	g.wantProjects(inA, inB, domain.ProjectCount{Project: domain.Project{ID: projectC, Name: "\u00fcber"}})
}

func projectsComeAndGo(g *guest) {
	g.must(g.name(projectA, "Shop"))
	g.wantProjects(domain.ProjectCount{Project: domain.Project{ID: projectA, Name: "Shop"}})
	user := g.create()
	g.wantProjects(domain.ProjectCount{Project: domain.Project{ID: projectA, Name: "Shop"}, Pools: 1, Total: 1, Free: 1})
	g.must(g.name(projectA, ""))
	g.wantProjects(domain.ProjectCount{Project: domain.Project{ID: projectA}, Pools: 1, Total: 1, Free: 1})
	g.must(g.Farm.RemoveUser(g.Context(), user.ID, ""))
	g.must(g.name(projectA, ""))
	g.wantProjects()
}

func nameIsTaken(g *guest) {
	g.must(g.name(projectA, "\u00c9t\u00e9"))
	g.wantErr("the name of another project", g.name(projectB, "e\u0301TE\u0301"), domain.ErrProjectNameTaken)
	g.must(g.name(projectA, "\u00e9t\u00e9")) // another spelling of its own name
	g.wantProjects(domain.ProjectCount{Project: domain.Project{ID: projectA, Name: "\u00e9t\u00e9"}})
}

func badNameIsRejected(g *guest) {
	for _, name := range []string{projectB.String(), " shop", "shop ", "a\tb", strings.Repeat("x", 65)} {
		g.wantFields(name, g.name(projectA, name), "/name")
	}
	g.wantFields("no project", g.name(domain.ProjectID{}, "x"), "/project_id")
	g.wantFields("nothing right", g.name(domain.ProjectID{}, " x"), "/name", "/project_id")
	shop := domain.Project{ID: projectA, Name: "Shop"}
	g.wantFields("a bad reason", g.Farm.NameProject(g.Context(), shop, "a\nb"), "/reason")
	g.wantProjects()
}
