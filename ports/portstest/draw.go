package portstest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// The fewer values there are, the more often they meet.
var (
	drawEnv    = rapid.SampledFrom([]string{"staging", "production"})
	drawDomain = rapid.SampledFrom([]string{"shop", "mail"})
	drawLogin  = rapid.SampledFrom([]string{"ann", "Ann", "ben", "BEN", "cid", "dan", "eve", "fay"})
	drawRole   = rapid.SampledFrom([]string{"", "admin", "plain"})
	drawPlan   = rapid.SampledFrom([]string{"", "", "free"})
	drawTOTP   = rapid.SampledFrom([]string{"", "otpauth://totp/?period=1&secret=AAAA", "otpauth://totp/?period=1&secret=BBBB"})
	drawTTL    = rapid.Map(rapid.IntRange(1, 4), func(n int) time.Duration { return time.Duration(n) * instant })
)

func drawLabels(t *rapid.T) domain.Labels {
	labels := domain.Labels{}
	if role := drawRole.Draw(t, "role"); role != "" {
		labels["role"] = role
	}
	if plan := drawPlan.Draw(t, "plan"); plan != "" {
		labels["plan"] = plan
	}
	return labels
}

// drawFields draws pool fields and labels of which most are not set, so that somebody has them.
func drawFields(t *rapid.T) domain.Selector {
	s := domain.Selector{}
	fields := []string{"nothing", "nothing", "env", "domain", "role", "role", "labels", "all"}
	switch rapid.SampledFrom(fields).Draw(t, "fields") {
	case "env":
		s.Env = drawEnv.Draw(t, "env")
	case "domain":
		s.Domain = drawDomain.Draw(t, "domain")
	case "role":
		s.Labels = domain.Labels{"role": "admin"}
	case "labels":
		s.Labels = drawLabels(t)
	case "all":
		s.Env, s.Domain, s.Labels = drawEnv.Draw(t, "env"), drawDomain.Draw(t, "domain"), drawLabels(t)
	}
	return s
}

// codePeriod is how long a code is good that a second factor makes which was drawn.
const codePeriod = time.Second

func drawSpec(t *rapid.T) domain.Spec {
	var totp domain.TOTP
	if text := drawTOTP.Draw(t, "totp"); text != "" {
		var err error
		if totp, err = domain.ParseTOTP(text); err != nil {
			t.Fatal(err)
		}
	}
	return domain.Spec{
		Login:    drawLogin.Draw(t, "login"),
		Password: domain.NewSecret(rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "password")),
		Pool:     domain.Pool{Env: drawEnv.Draw(t, "env"), Domain: drawDomain.Draw(t, "domain")},
		Labels:   drawLabels(t),
		TOTP:     totp,
	}
}

// drawnTerms are terms, and whether they put users into quarantine when they expire.
type drawnTerms struct {
	domain.Terms
	quarantines bool
}

func (m *machine) drawTerms(t *rapid.T) drawnTerms {
	drawn := drawnTerms{quarantines: rapid.IntRange(0, 3).Draw(t, "quarantines") == 3}
	asked := domain.Terms{
		Owner: rapid.SampledFrom([]string{"", "worker-1", "worker-2"}).Draw(t, "owner"),
		Note:  rapid.SampledFrom([]string{"", "a note"}).Draw(t, "note"),
	}
	var err error
	drawn.Terms, err = domain.LeasePolicy{QuarantineOnExpiry: drawn.quarantines}.Apply([]domain.Selector{anyone}, asked)
	if err != nil {
		t.Fatal(err)
	}
	drawn.TTL = drawTTL.Draw(t, "ttl")
	return drawn
}

// drawOnce draws a call, most often one that may be carried out again. Each has an outcome of its own.
func (m *machine) drawOnce(t *rapid.T) domain.Once {
	key := rapid.IntRange(0, 5).Draw(t, "once")
	if key > 1 {
		return domain.Once{}
	}
	once := domain.Once{Outcome: domain.NewLeaseID()}
	copy(once.Key[:], m.projects[key][:])
	once.Request[0] = byte(rapid.IntRange(1, 3).Draw(t, "request") / 2)
	return once
}

func drawQuery(t *rapid.T) ports.Query {
	fields := drawFields(t)
	return ports.Query{
		Env:    fields.Env,
		Domain: fields.Domain,
		Login:  rapid.OneOf(rapid.Just(""), rapid.Just(""), rapid.Just(""), drawLogin).Draw(t, "login"),
		Status: rapid.SampledFrom([]domain.Status{"", domain.Free, domain.Locked, domain.Quarantined}).Draw(t, "status"),
		Labels: fields.Labels,
		Limit:  rapid.IntRange(1, 4).Draw(t, "limit"),
	}
}

// id returns one of the few ids that a case uses. No other case has the same, and their order is that of the numbers.
func (m *machine) id(number byte) domain.UserID {
	id := domain.UserID(m.projects[0])
	id[0] = number
	return id
}

// drawUser draws the id of a user, or seldom one that nobody has.
func (m *machine) drawUser(t *rapid.T) domain.UserID {
	i := rapid.IntRange(0, len(m.model.users)).Draw(t, "user")
	if i == len(m.model.users) {
		return m.id(0)
	}
	return m.model.users[i].ID
}

// drawLease draws the id of a lease, the latest most often, or seldom one that never was.
func (m *machine) drawLease(t *rapid.T) domain.LeaseID {
	ago := rapid.IntRange(1, len(m.leases)+1).Draw(t, "lease")
	if ago > len(m.leases) {
		return domain.NewLeaseID()
	}
	return m.leases[len(m.leases)-ago]
}

func (m *machine) drawProject(t *rapid.T) domain.ProjectID {
	return rapid.SampledFrom(m.projects[:]).Draw(t, "project")
}

// drawScope draws a part of the case's projects, most often both.
func (m *machine) drawScope(t *rapid.T) domain.Scope {
	both := domain.Only(m.projects[:]...)
	return rapid.SampledFrom([]domain.Scope{
		both, both, both, domain.Only(m.projects[0]), domain.Only(m.projects[1]), domain.Only(),
	}).Draw(t, "scope")
}

// drawSelectors draws the selectors of one lease, as [domain.CheckSelectors] allows them.
func (m *machine) drawSelectors(t *rapid.T) []domain.Selector {
	scope := m.drawScope(t)
	want := make([]domain.Selector, rapid.IntRange(1, 3).Draw(t, "selectors"))
	named := make(map[domain.UserID]bool)
	for i := range want {
		if rapid.IntRange(0, 3).Draw(t, fmt.Sprint("named ", i)) == 3 {
			if id := m.drawUser(t); !named[id] {
				named[id] = true
				want[i] = domain.Selector{UserID: id}.In(scope)
				continue
			}
		}
		want[i] = drawFields(t).In(scope)
		if rapid.IntRange(0, 2).Draw(t, fmt.Sprint("project of ", i)) == 2 {
			want[i].ProjectID = m.drawProject(t)
		}
	}
	return want
}
