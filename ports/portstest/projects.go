package portstest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/userfarm/userfarm/domain"
)

var projectTests = []storeTest{
	{"has no names at first", func(f *farm) { f.wantNames(domain.Scope{}) }},
	{"gives a project a name, another one, and none", nameChanges},
	{"keeps any name", nameTexts},
	{"gives a name to one project only, however it is spelled", nameTaken},
	{"gives a name to one of many projects at once", nameRace},
	{"gives a project one of many names at once", nameManyAtOnce},
	{"returns only names in scope", nameScope},
	{"keeps names over a restart", nameRestart},
}

func (f *farm) nameProject(id domain.ProjectID, name string) error {
	project := domain.Project{ID: id, Name: name}
	return f.store.NameProject(f.Context(), project, project.Named(domain.APIKeyID{}, ""))
}

// wantNames fails the test unless these are the names in a scope, in any order.
func (f *farm) wantNames(scope domain.Scope, want ...domain.Project) {
	f.Helper()
	got, err := f.store.ProjectNames(f.Context(), scope)
	f.must(err)
	slices.SortFunc(got, domain.CompareProjects)
	slices.SortFunc(want, domain.CompareProjects)
	if !slices.Equal(got, want) {
		f.Fatalf("the names are\n\t%+v, want\n\t%+v", got, want)
	}
}

func nameChanges(f *farm) {
	f.add(inProject(projectB)) // a project may be named before it has users, and afterwards
	for _, name := range []string{"Shop", "shop", "Shop", "Bank", "sho\u0301p", "sh\u00f3p"} {
		f.must(f.nameProject(projectA, name))
		f.must(f.nameProject(projectB, name+" 2"))
		f.wantNames(domain.Scope{}, domain.Project{ID: projectA, Name: name}, domain.Project{ID: projectB, Name: name + " 2"})
	}
	for range 2 { // the second time it has nothing to do
		f.must(f.nameProject(projectA, ""))
		f.wantNames(domain.Scope{}, domain.Project{ID: projectB, Name: "sh\u00f3p 2"})
	}
	f.must(f.nameProject(projectB, ""))
	f.wantNames(domain.Scope{})
}

func nameTexts(f *farm) {
	var want []domain.Project
	for i := range hostile {
		name := []rune(hostileLogin(i)) // all are different
		named := domain.Project{ID: domain.ProjectID{0: 7, 14: byte(i >> 8), 15: byte(i)}, Name: string(name[:min(len(name), 64)])}
		f.must(f.nameProject(named.ID, named.Name))
		want = append(want, named)
	}
	f.wantNames(domain.Scope{}, want...)
}

func nameTaken(f *farm) {
	f.must(f.nameProject(projectA, "Été"))
	for _, spelling := range []string{"Été", "été", "ÉTÉ", "E\u0301te\u0301"} {
		f.wantErr("the name of another project", f.nameProject(projectB, spelling), domain.ErrProjectNameTaken)
	}
	f.must(f.nameProject(projectB, "Ete"))
	f.wantErr("the name of another project", f.nameProject(projectB, "été"), domain.ErrProjectNameTaken)
	f.wantNames(domain.Scope{}, domain.Project{ID: projectA, Name: "Été"}, domain.Project{ID: projectB, Name: "Ete"})
	f.must(f.nameProject(projectA, "Winter"))
	f.must(f.nameProject(projectB, "été"))
	f.must(f.nameProject(projectA, ""))
	f.must(f.nameProject(projectC, "WINTER"))
	f.wantNames(domain.Scope{}, domain.Project{ID: projectB, Name: "été"}, domain.Project{ID: projectC, Name: "WINTER"})
}

func nameRace(f *farm) {
	const n = 20
	errs := together(n, func(i int) error { return f.nameProject(domain.ProjectID{0: 7, 15: byte(i)}, "Shop") })
	f.wantOutcomes(errs, 1, domain.ErrProjectNameTaken)
	f.wantNames(domain.Scope{}, domain.Project{ID: domain.ProjectID{0: 7, 15: byte(slices.Index(errs, nil))}, Name: "Shop"})
}

func nameManyAtOnce(f *farm) {
	const n = 20
	f.must(errors.Join(together(n, func(i int) error { return f.nameProject(projectA, fmt.Sprint("Shop ", i)) })...))
	named, err := f.store.ProjectNames(f.Context(), domain.Scope{})
	f.must(err)
	if len(named) != 1 || named[0].ID != projectA || !strings.HasPrefix(named[0].Name, "Shop ") {
		f.Fatalf("the names are %+v", named)
	}
	f.must(f.nameProject(projectA, "Bank"))
	for i := range n { // all are free
		f.must(f.nameProject(domain.ProjectID{0: 7, 15: byte(i)}, fmt.Sprint("Shop ", i)))
	}
}

func nameScope(f *farm) {
	all := []domain.Project{{ID: projectA, Name: "a"}, {ID: projectB, Name: "b"}, {ID: projectC, Name: "c"}}
	for _, p := range all {
		f.must(f.nameProject(p.ID, p.Name))
	}
	for _, scope := range scopes {
		f.wantNames(scope, slices.DeleteFunc(slices.Clone(all), func(p domain.Project) bool { return !scope.Has(p.ID) })...)
	}
}

func nameRestart(f *farm) {
	f.must(f.nameProject(projectA, "Été"))
	f.restart()
	f.wantNames(domain.Scope{}, domain.Project{ID: projectA, Name: "Été"})
	f.wantErr("the name of another project", f.nameProject(projectB, "ÉTÉ"), domain.ErrProjectNameTaken)
}
