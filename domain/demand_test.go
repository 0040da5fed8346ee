package domain_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestDemandsComeFromEvents(t *testing.T) {
	shop := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "shop"}
	blog := domain.Pool{ProjectID: domain.ProjectID{2}, Env: "stage", Domain: "blog"}
	admin := domain.Selector{ProjectID: shop.ProjectID, Env: "stage", Domain: "shop", Labels: labelled("r=admin")}
	open := domain.Selector{Env: "stage", Labels: labelled("r=any")}
	inBlog := domain.Selector{Domain: "blog"}
	ann, bob, cid := domain.UserID{1}, domain.UserID{2}, domain.UserID{3}
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	acquired := func(when int, user domain.UserID, pool domain.Pool, fence uint64, want ...domain.Selector) domain.Event {
		return domain.Event{At: at(when), Kind: domain.UserAcquired, UserID: user, Pool: pool, Fence: fence, Want: want}
	}
	ended := func(kind domain.EventKind, user domain.UserID, fence uint64, held int) domain.Event {
		return domain.Event{At: at(1000), Kind: kind, UserID: user, Fence: fence, Held: seconds(held)}
	}
	labels := func(pairs ...string) domain.Selector {
		if len(pairs) == 0 {
			return domain.Selector{}
		}
		return domain.Selector{Labels: labelled(pairs...)}
	}
	waited := acquired(20, ann, shop, 1, admin)
	waited.Waited = seconds(15)
	claim := func(came int, want domain.Selector, held int) domain.PastClaim {
		return domain.PastClaim{Came: at(came), Want: []domain.Selector{want}, Held: []time.Duration{seconds(held)}}
	}
	late := claim(5, labels("r=admin"), 30)
	late.Waited = seconds(15)
	particular := func(c domain.PastClaim) domain.PastClaim { c.Particular = true; return c }
	two := domain.PastClaim{
		Came: at(30), Want: []domain.Selector{labels("r=admin"), labels("r=any")}, Held: []time.Duration{seconds(3), seconds(4)},
	}
	gaveUp := func(want ...domain.Selector) domain.Event {
		return domain.Event{At: at(100), Kind: domain.ClaimGaveUp, Waited: seconds(10), Held: seconds(40), Want: want}
	}
	impatientFor := func(want ...domain.Selector) domain.PastClaim {
		return domain.PastClaim{Came: at(50), Waited: seconds(10), GaveUp: true, Want: want}
	}
	for name, test := range map[string]struct {
		events []domain.Event
		want   map[domain.Pool][]domain.PastClaim
	}{
		"a claim comes before it has waited": {
			[]domain.Event{waited, ended(domain.UserReleased, ann, 1, 30)}, map[domain.Pool][]domain.PastClaim{shop: {late}},
		},
		"an expired and a forced lock end, too": {
			[]domain.Event{
				acquired(1, ann, shop, 1, admin), acquired(2, bob, shop, 7, admin), ended(domain.UserExpired, bob, 7, 5), ended(domain.UserForced, ann, 1, 6),
			},
			map[domain.Pool][]domain.PastClaim{shop: {claim(1, labels("r=admin"), 6), claim(2, labels("r=admin"), 5)}},
		},
		"a user that is still held is held until now": {
			[]domain.Event{acquired(10, ann, shop, 2, admin), ended(domain.UserReleased, ann, 1, 30)},
			map[domain.Pool][]domain.PastClaim{shop: {claim(10, labels("r=admin"), 990)}},
		},
		"a claim of several users is one": {
			[]domain.Event{
				acquired(30, ann, shop, 1, admin, open), {At: at(30), Kind: domain.UserExpired, UserID: bob, Fence: 1},
				acquired(30, bob, shop, 2), ended(domain.UserReleased, ann, 1, 3), ended(domain.UserReleased, bob, 2, 4),
			},
			map[domain.Pool][]domain.PastClaim{shop: {two}},
		},
		"two claims at the same time are two": {
			[]domain.Event{acquired(30, ann, shop, 1, admin), acquired(30, bob, shop, 2, open)},
			map[domain.Pool][]domain.PastClaim{shop: {claim(30, labels("r=admin"), 970), claim(30, labels("r=any"), 970)}},
		},
		"a claim of several pools counts in each with its part": {
			[]domain.Event{acquired(30, ann, shop, 1, admin, open, inBlog), acquired(30, bob, blog, 1), acquired(30, cid, blog, 1)},
			map[domain.Pool][]domain.PastClaim{
				shop: {claim(30, labels("r=admin"), 970)},
				blog: {{Came: at(30), Want: []domain.Selector{labels("r=any"), labels()}, Held: []time.Duration{seconds(970), seconds(970)}}},
			},
		},
		"a claim of which only the end was read is of any user": {
			[]domain.Event{acquired(30, bob, blog, 1)}, map[domain.Pool][]domain.PastClaim{blog: {particular(claim(30, labels(), 970))}},
		},
		"a claim that names its user is of any user": {
			[]domain.Event{acquired(30, bob, blog, 1, domain.Selector{UserID: bob})},
			map[domain.Pool][]domain.PastClaim{blog: {particular(claim(30, labels(), 970))}},
		},
		"more users may not have helped a claim that also names a user of another pool": {
			[]domain.Event{acquired(30, ann, shop, 1, admin, domain.Selector{UserID: bob}), acquired(30, bob, blog, 1)},
			map[domain.Pool][]domain.PastClaim{
				shop: {particular(claim(30, labels("r=admin"), 970))}, blog: {particular(claim(30, labels(), 970))},
			},
		},
		"more users may not have helped a claim that gave up and also names a user": {
			[]domain.Event{gaveUp(admin, domain.Selector{UserID: ann})},
			map[domain.Pool][]domain.PastClaim{shop: {particular(impatientFor(labels("r=admin")))}},
		},
		"a claim that gave up is in every pool that could have served it, since it came": {
			[]domain.Event{gaveUp(open, admin), gaveUp(), acquired(900, bob, blog, 1, inBlog)},
			map[domain.Pool][]domain.PastClaim{
				shop: {impatientFor(labels("r=any"), labels("r=admin"))},
				blog: {impatientFor(labels("r=any")), claim(900, labels(), 100)},
			},
		},
		"a claim that gave up on a user that it names could not have been helped": {
			[]domain.Event{gaveUp(domain.Selector{UserID: ann})}, map[domain.Pool][]domain.PastClaim{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(map[domain.Pool][]domain.PastClaim)
			for _, d := range domain.DemandsOf(test.events, []domain.Pool{shop}, at(1000)) {
				got[d.Pool] = d.Claims
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("the demand is\n\t%+v, want\n\t%+v", got, test.want)
			}
		})
	}
}
