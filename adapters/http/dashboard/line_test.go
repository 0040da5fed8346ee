package dashboard

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestAClaimIsToldHowManyBeforeItWantSuchUsers(t *testing.T) {
	id := domain.UserID{7}
	admin := domain.Selector{Labels: domain.Labels{"role": "admin"}}
	buyer := domain.Selector{Labels: domain.Labels{"role": "buyer"}}
	named := domain.Selector{UserID: id}
	claim := func(want ...domain.Selector) domain.Waiter { return domain.Waiter{Want: want} }
	for name, test := range map[string]struct {
		want   []domain.Selector
		before []domain.Waiter
		why    string
	}{
		"the first":              {[]domain.Selector{admin}, nil, "it is about to be served"},
		"others want others":     {[]domain.Selector{admin}, []domain.Waiter{claim(buyer), claim(named)}, "it is about to be served"},
		"another wants the same": {[]domain.Selector{admin}, []domain.Waiter{claim(buyer, admin)}, "1 claim before it wants such users, too"},
		"others want any":        {[]domain.Selector{admin}, []domain.Waiter{claim(domain.Selector{}), claim(admin)}, "2 claims before it want such users, too"},
		"others want the user":   {[]domain.Selector{named}, []domain.Waiter{claim(admin), claim(named)}, "1 claim before it wants such users, too"},
		"it wants several":       {[]domain.Selector{admin, buyer}, nil, "it needs all of its users at once"},
	} {
		texts := []wantText{{Free: true}, {}}
		sayWhyNotFree(texts, test.want, test.before)
		if texts[0].Why != test.why || texts[1].Why != "" {
			t.Errorf("%s: got %q and %q, want %q", name, texts[0].Why, texts[1].Why, test.why)
		}
	}
}
