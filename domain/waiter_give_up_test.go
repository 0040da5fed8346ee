package domain_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestAClaimThatGaveUpIsRecordedOnceForEachPool(t *testing.T) {
	since := time.UnixMilli(1000).UTC()
	shop := domain.Selector{Env: "stage", Domain: "shop", Labels: domain.Labels{"role": "buyer"}}
	seller := domain.Selector{Env: "stage", Domain: "shop", Labels: domain.Labels{"role": "seller"}}
	w := domain.Waiter{
		Want: []domain.Selector{shop, {Env: "prod"}, seller}, Asker: domain.Asker{Owner: "ann", Note: "a note"},
		Since: since, Until: since.Add(5 * time.Second),
	}
	got := w.GaveUp(since.Add(time.Minute))
	want := domain.Event{
		At: since.Add(time.Minute), Kind: domain.ClaimGaveUp, Pool: domain.Pool{Env: "stage", Domain: "shop"}, Owner: "ann", Note: "a note",
		Waited: 5 * time.Second, Held: 55 * time.Second, Want: w.Want,
	}
	other := want
	other.Pool, other.Want = domain.Pool{Env: "prod"}, nil
	if !reflect.DeepEqual(got, []domain.Event{want, other}) {
		t.Errorf("got %+v, want %+v and %+v", got, want, other)
	}
}
