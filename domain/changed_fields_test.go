package domain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestAChangeRecordsWhichFieldsChanged(t *testing.T) {
	password, labels, totp := domain.NewSecret("new"), domain.Labels{"role": "admin"}, parseTOTP(t, "JBSWY3DPEHPK3PXP")
	same, none, noLabels := domain.NewSecret("correct horse"), domain.TOTP{}, domain.Labels{}
	for name, test := range map[string]struct {
		change domain.Change
		want   string
	}{
		"nothing":          {domain.Change{}, ""},
		"the same values":  {domain.Change{Password: &same, Labels: &noLabels, TOTP: &none}, ""},
		"the password":     {domain.Change{Password: &password, Labels: &noLabels, TOTP: &none}, "password"},
		"the labels":       {domain.Change{Password: &same, Labels: &labels}, "labels"},
		"the TOTP secret":  {domain.Change{TOTP: &totp}, "totp_secret"},
		"all of them":      {domain.Change{TOTP: &totp, Labels: &labels, Password: &password}, "password,labels,totp_secret"},
		"two of the three": {domain.Change{TOTP: &totp, Password: &password}, "password,totp_secret"},
	} {
		ann := newUser("ann", nil).Clone()
		ann.ActBy(annsKey)
		must(t, ann.Change(noon, test.change))
		if test.want == "" {
			wantEvents(t, ann)
		} else {
			wantEvents(t, ann, domain.Event{At: noon, Kind: domain.UserChanged, Changed: domain.ParseChangedFields(test.want), Key: annsKey})
		}
		must(t, ann.Change(noon, test.change)) // again: now all values are the same
		if n := len(ann.Events()); n > 1 {
			t.Errorf("a change of %s that changes nothing recorded an event", name)
		}
		if t.Failed() {
			t.Fatalf("by a change of %s", name)
		}
	}
}

func TestARemovedSecondFactorIsAChange(t *testing.T) {
	totp, none := parseTOTP(t, "JBSWY3DPEHPK3PXP"), domain.TOTP{}
	ann := newUser("ann", domain.Labels{"role": "admin"})
	must(t, ann.Change(noon, domain.Change{TOTP: &totp}))
	ann = ann.Clone()
	must(t, ann.Change(noon, domain.Change{TOTP: &none, Labels: &domain.Labels{}}))
	wantEvents(t, ann, domain.Event{At: noon, Kind: domain.UserChanged, Changed: domain.ChangedFields{Labels: true, TOTP: true}})
}

func TestARefusedChangeRecordsNoEvent(t *testing.T) {
	ann := newUser("ann", nil).Clone()
	empty := domain.NewSecret("")
	if err := ann.Change(noon, domain.Change{Password: &empty, Labels: &domain.Labels{"role": "admin"}}); err == nil {
		t.Error("an empty password was not refused")
	}
	wantEvents(t, ann)
}

func TestTheEventOfAChangeNamesTheHolder(t *testing.T) {
	ann := newUser("ann", nil)
	lease := grant(t, noon, time.Minute, ann)
	ann = ann.Clone()
	change := func(now time.Time, password string) {
		t.Helper()
		secret := domain.NewSecret(password)
		must(t, ann.Change(now, domain.Change{Password: &secret}))
	}
	last := lease.ExpiresAt.Add(-time.Microsecond)
	change(last, "first")
	change(lease.ExpiresAt, "second")
	password := domain.ChangedFields{Password: true}
	wantEvents(t, ann,
		domain.Event{At: last, Kind: domain.UserChanged, Owner: "ci", Note: "smoke", Fence: 1, Changed: password},
		domain.Event{At: lease.ExpiresAt, Kind: domain.UserChanged, Fence: 1, Changed: password},
	)
}

func TestChangedFieldsAreParsedFromTheirText(t *testing.T) {
	for n := range 8 {
		fields := domain.ChangedFields{Password: n&1 > 0, Labels: n&2 > 0, TOTP: n&4 > 0}
		if got := domain.ParseChangedFields(fields.String()); got != fields {
			t.Errorf("%q is parsed to %+v", fields, got)
		}
	}
	if got := domain.ParseChangedFields("labels,of a newer program"); got != (domain.ChangedFields{Labels: true}) {
		t.Errorf("an unknown name is parsed to %+v", got)
	}
	if names := (domain.ChangedFields{}).Names(); names == nil || len(names) > 0 {
		t.Errorf("no field has the names %#v", names)
	}
	all := domain.ChangedFields{Password: true, Labels: true, TOTP: true}
	if !slices.Equal(all.Names(), strings.Split("password labels totp_secret", " ")) {
		t.Errorf("all fields have the names %q", all.Names())
	}
}
