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

var projectOfTests = domain.ProjectID{1}

func counted(value string, users int) domain.ValueCount {
	return domain.ValueCount{Value: value, Users: users}
}

func lacking(users int) domain.ValueCount { return domain.ValueCount{Absent: true, Users: users} }

func TestANearMissNamesWhatUsersHaveInstead(t *testing.T) {
	want := domain.Selector{
		ProjectID: projectOfTests, Env: "stage", Domain: "shop", Labels: domain.Labels{"role": "admin", "a/b": "x", "none": ""},
	}
	for _, test := range []struct {
		field   domain.Field
		counts  []domain.ValueCount
		pointer string
		users   int
		values  []string
		text    string
	}{
		{
			domain.FieldEnv, []domain.ValueCount{counted("staging", 12)}, "/users/2/env", 12, []string{"staging"},
			`12 users that match otherwise have env "staging", not "stage"`,
		},
		{
			domain.FieldEnv, []domain.ValueCount{counted("stage", 3), counted("prod", 1), counted("gone", 0)}, "/users/2/env", 1, []string{"prod"},
			`1 user that matches otherwise has env "prod", not "stage"`,
		},
		{ // similar ones first, then frequent ones
			domain.FieldEnv, []domain.ValueCount{counted("dev", 50), counted("qa", 70), counted("Stage", 1), counted("stage-2", 2), counted("prod", 90)},
			"/users/2/env", domain.MostCounted, []string{"Stage", "stage-2", "prod"},
			`more than 100 users that match otherwise have env "Stage", "stage-2", "prod" or something else, not "stage"`,
		},
		{
			domain.FieldLabel("role"), []domain.ValueCount{counted("user", 60), counted("buyer", 60)}, "/users/2/labels/role", 101, []string{"buyer", "user"},
			`more than 100 users that match otherwise have label role "buyer" or "user", not "admin"`,
		},
		{
			domain.FieldLabel("a/b"), []domain.ValueCount{lacking(7)}, "/users/2/labels/a~1b", 7, nil,
			`7 users that match otherwise have no label a/b`,
		},
		{
			domain.FieldLabel("none"), []domain.ValueCount{lacking(7), counted("y\n", 1)}, "/users/2/labels/none", 8, []string{"y\n"},
			`8 users that match otherwise have label none "y\n" or something else, not ""`,
		},
		{
			domain.FieldProject, []domain.ValueCount{counted(domain.ProjectID{2}.String(), 2)}, "/users/2/project_id", 2, []string{domain.ProjectID{2}.String()},
			`2 users that match otherwise have project_id "02000000-0000-0000-0000-000000000000", not "01000000-0000-0000-0000-000000000000"`,
		},
	} {
		miss, ok := want.MissedBy(test.field, 2, test.counts)
		if !ok || miss.Pointer() != test.pointer || miss.Users != test.users || !slices.Equal(miss.Values, test.values) || miss.String() != test.text {
			t.Errorf("%v: %v, %s, %d users, %q: %v", test.field, ok, miss.Pointer(), miss.Users, miss.Values, miss)
		}
	}
}

func TestUsersThatMatchAreNoNearMiss(t *testing.T) {
	want := domain.Selector{Env: "stage", Labels: domain.Labels{"role": ""}}
	for _, counts := range [][]domain.ValueCount{nil, {counted("stage", 5)}, {counted("prod", 0)}} {
		if miss, ok := want.MissedBy(domain.FieldEnv, 0, counts); ok {
			t.Errorf("%+v: %v", counts, miss)
		}
	}
	if miss, ok := want.MissedBy(domain.FieldLabel("role"), 0, []domain.ValueCount{counted("", 5)}); ok {
		t.Error(miss)
	}
}

func TestWithoutANearMissTheNumberOfAllUsersIsTold(t *testing.T) {
	for _, test := range []struct {
		want   domain.Selector
		counts []domain.ValueCount
		text   string
	}{
		{domain.Selector{ProjectID: projectOfTests}, nil, "project 01000000-0000-0000-0000-000000000000 has no users"},
		{domain.Selector{Env: "a"}, []domain.ValueCount{counted("b", 1)}, "no field alone is to blame, and the farm has 1 user"},
		{domain.Selector{Env: "a"}, []domain.ValueCount{counted("b", 101), counted("c", 7)}, "no field alone is to blame, and the farm has more than 100 users"},
		{domain.Selector{}, []domain.ValueCount{counted("b", 2), counted("c", 3)}, "the farm has 5 users"},
	} {
		miss := test.want.MissedByAll(1, test.counts)
		if miss.Pointer() != "/users/1" || miss.Wanted() != "" || miss.Values != nil || miss.String() != test.text {
			t.Errorf("%s: %q, %q: %v", miss.Pointer(), miss.Wanted(), miss.Values, miss)
		}
	}
}

// A user that misses a selector by one field matches it without this field, and without no other.
func TestASelectorWithoutAFieldMatchesTheUsersThatMissItByThatField(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	for range 2000 {
		labels := domain.Labels{}
		for _, key := range []string{"role", "plan"} {
			if random.IntN(2) == 0 {
				labels[key] = pick("a", "b")
			}
		}
		user := newUser("ann", labels)
		want := domain.Selector{Env: pick("", "stage", "prod"), Domain: pick("", "regular", "x"), Labels: domain.Labels{}}
		if random.IntN(2) == 0 {
			want.ProjectID = domain.ProjectID{byte(1 + random.IntN(2))}
		}
		for _, key := range []string{"role", "plan", "vip"} {
			if random.IntN(3) == 0 {
				want.Labels[key] = pick("a", "b")
			}
		}
		before := fmt.Sprint(want)
		var missed []domain.Field
		for _, field := range want.Fields() {
			value, has := field.Of(user.Pool(), labels)
			if _, misses := want.MissedBy(field, 0, []domain.ValueCount{{Value: value, Absent: !has, Users: 1}}); misses {
				missed = append(missed, field)
			}
		}
		for _, field := range want.Fields() {
			matches := len(missed) == 0 || reflect.DeepEqual(missed, []domain.Field{field})
			if want.Without(field).Matches(user) != matches || slices.Contains(want.Without(field).Fields(), field) {
				t.Fatalf("%+v without %v: %v, but %+v misses it by %v", want, field, !matches, user.Snapshot(), missed)
			}
		}
		if want.Matches(user) != (len(missed) == 0) || fmt.Sprint(want) != before {
			t.Fatalf("%+v: %+v misses it by %v", want, user.Snapshot(), missed)
		}
	}
}

func TestLongValuesAreComparedSoon(t *testing.T) {
	var counts []domain.ValueCount
	for i := range 1000 {
		counts = append(counts, counted(fmt.Sprintf("%s%d", strings.Repeat("ab", 120), i), 1))
	}
	want := domain.Selector{Env: strings.Repeat("ba", 127)}
	if miss, ok := want.MissedBy(domain.FieldEnv, 0, counts); !ok || len(miss.Values) != 3 || miss.Users != domain.MostCounted {
		t.Errorf("%v", miss)
	}
}

func TestAnUnmatchedErrorNamesWhatComesClosest(t *testing.T) {
	want := domain.Selector{Env: "stage"}
	miss, _ := want.MissedBy(domain.FieldEnv, 1, []domain.ValueCount{counted("prod", 1)})
	err := &domain.UnmatchedError{Reason: domain.ErrNoMatch, Selectors: []int{1}, Closest: []domain.NearMiss{miss}}
	if got := err.Error(); got != `no user matches (selector 1); /users/1/env: 1 user that matches otherwise has env "prod", not "stage"` {
		t.Error(got)
	}
}

func TestSimilarValuesComeInTheOrderOfTheirSimilarity(t *testing.T) {
	values := []string{"bank", "web shop", "Shop", "chop", "shops", "stop", "zoo"}
	if got := domain.Similar("shop", values); !slices.Equal(got, []string{"Shop", "chop", "shops"}) {
		t.Errorf("got %q", got)
	}
	for _, wanted := range []string{"", "insurance"} {
		if got := domain.Similar(wanted, values); len(got) > 0 {
			t.Errorf("%q: got %q", wanted, got)
		}
	}
}
