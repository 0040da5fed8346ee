package domain_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func checkName(name string) error {
	return domain.CheckProject(domain.Project{ID: domain.ProjectID{1}, Name: name}, "")
}

func TestAProjectMayHaveAVisibleNameThatIsNoUUID(t *testing.T) {
	const uuid = "5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39"
	for _, name := range []string{
		"", "s", "Shop", "Shop of ann", "été", "e\u0301", "店", "\U0001f642", strings.Repeat("\u00e9", 64), "x" + uuid, uuid + "x", uuid[1:],
		strings.ReplaceAll(uuid, "-", ""), strings.ReplaceAll(uuid, "-", "_"), strings.ReplaceAll(uuid, "b", "g"),
	} {
		if err := checkName(name); err != nil {
			t.Errorf("%+q: %v", name, err)
		}
	}
	for name, detail := range map[string]string{
		uuid:                                   "must not be a UUID",
		strings.ToUpper(uuid):                  "must not be a UUID",
		"00000000-0000-0000-0000-000000000000": "must not be a UUID",
		" shop":                                "must not begin with the invisible character U+0020 SPACE",
		"shop\u00a0":                           "must not end with the invisible character U+00A0 NO-BREAK SPACE",
		"\u200b":                               "must not begin with the invisible character U+200B ZERO WIDTH SPACE",
		" " + uuid:                             "must not begin with the invisible character U+0020 SPACE",
		"sh\nop":                               "must not contain control characters",
		"sh\xffop":                             "must be valid UTF-8",
		strings.Repeat("x", 65):                "must have at most 64 characters",
	} {
		if err := checkName(name); fmt.Sprint(err) != "invalid input: /name "+detail {
			t.Errorf("%+q: %v, want %s", name, err, detail)
		}
	}
	wantFields(t, domain.CheckProject(domain.Project{Name: uuid}, ""), "/project_id", "/name")
	wantFields(t, domain.CheckProject(domain.Project{}, ""), "/project_id")
}

func TestAProjectIsNamedForAReason(t *testing.T) {
	shop := domain.Project{ID: domain.ProjectID{1}, Name: "Shop"}
	must(t, domain.CheckProject(shop, ""))
	must(t, domain.CheckProject(shop, strings.Repeat("ë", 1024)))
	for _, reason := range []string{strings.Repeat("ë", 1025), "a\nb", "\xff"} {
		wantFields(t, domain.CheckProject(shop, reason), "/reason")
		wantFields(t, domain.CheckProject(domain.Project{Name: " x"}, reason), "/project_id", "/name", "/reason")
	}
	want := domain.Event{
		Kind: domain.ProjectNamed, Pool: domain.Pool{ProjectID: shop.ID}, Name: "Shop", Key: domain.APIKeyID{9}, Reason: "a new team",
	}
	if got := shop.Named(domain.APIKeyID{9}, "a new team"); !reflect.DeepEqual(got, want) {
		t.Errorf("it is recorded as %+v, want %+v", got, want)
	}
}

func TestPoolsAreAddedUpByProject(t *testing.T) {
	a, b, c, d := domain.ProjectID{1}, domain.ProjectID{2}, domain.ProjectID{3}, domain.ProjectID{4}
	pools := []domain.PoolCount{
		{Pool: domain.Pool{ProjectID: b, Env: "x"}, Total: 6, Free: 1, Locked: 2, Quarantined: 3, Waiting: 7},
		{Pool: domain.Pool{ProjectID: a}, Total: 1, Free: 1},
		{Pool: domain.Pool{ProjectID: b, Env: "y"}, Total: 4, Free: 4},
		{Pool: domain.Pool{ProjectID: d}, Total: 1, Locked: 1},
	}
	named := []domain.Project{{ID: d, Name: "zoo"}, {ID: c, Name: "Bank"}, {ID: b, Name: "art"}}
	want := []domain.ProjectCount{
		{Project: named[2], Pools: 2, Total: 10, Free: 5, Locked: 2, Quarantined: 3},
		{Project: named[1]},
		{Project: named[0], Pools: 1, Total: 1, Locked: 1},
		{Project: domain.Project{ID: a}, Pools: 1, Total: 1, Free: 1},
	}
	if got := domain.CountProjects(pools, named); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%+v, want\n\t%+v", got, want)
	}
	if got := domain.CountProjects(nil, nil); got == nil || len(got) > 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

// Every user is counted in exactly one project, whatever the pools and the names are, and the order of the input does not matter.
func TestCountsOfProjectsLoseNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 0)) //nolint:gosec // test data
	draw := func() domain.ProjectID { return domain.ProjectID{byte(1 + random.IntN(5))} }
	for range 2000 {
		var pools []domain.PoolCount
		users, projects := 0, map[domain.ProjectID]bool{}
		for env := range random.IntN(8) {
			p := domain.PoolCount{Pool: domain.Pool{ProjectID: draw(), Env: fmt.Sprint(env)}, Free: random.IntN(3), Locked: random.IntN(3), Quarantined: 1}
			p.Total = p.Free + p.Locked + p.Quarantined
			pools, users, projects[p.Pool.ProjectID] = append(pools, p), users+p.Total, true
		}
		var named []domain.Project
		for range random.IntN(4) {
			if id := draw(); !slices.ContainsFunc(named, func(p domain.Project) bool { return p.ID == id }) {
				named, projects[id] = append(named, domain.Project{ID: id, Name: string("aAbBcC"[random.IntN(6)])}), true
			}
		}
		counts := domain.CountProjects(pools, named)
		counted, inPools := 0, 0
		for _, c := range counts {
			if c.Total != c.Free+c.Locked+c.Quarantined {
				t.Fatalf("the parts of %+v make another total", c)
			}
			counted, inPools = counted+c.Total, inPools+c.Pools
		}
		if counted != users || inPools != len(pools) || len(counts) != len(projects) {
			t.Fatalf("%+v and %+v are counted as %+v", pools, named, counts)
		}
		if !slices.IsSortedFunc(counts, func(a, b domain.ProjectCount) int { return domain.CompareProjects(a.Project, b.Project) }) {
			t.Fatalf("%+v is not in order", counts)
		}
		random.Shuffle(len(pools), func(i, j int) { pools[i], pools[j] = pools[j], pools[i] })
		slices.Reverse(named)
		if again := domain.CountProjects(pools, named); !reflect.DeepEqual(again, counts) {
			t.Fatalf("in another order, the counts are\n\t%+v, not\n\t%+v", again, counts)
		}
	}
}
