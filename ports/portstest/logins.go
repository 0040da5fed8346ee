package portstest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var loginTests = []storeTest{
	{"keeps at most one user of an account, however its login is spelled", loginTaken},
	{"finds a user by any spelling of its login, and keeps the login as it was given", loginFound},
	{"keeps logins apart that are not the same", loginsApart},
	{"frees a login for another spelling of it", loginFreed},
	{"adds no batch with two spellings of one login", loginTwice},
}

var caseSensitiveLoginTests = []storeTest{
	{"keeps logins apart that differ in case", caseApart},
	{"keeps at most one user of an account, composed or decomposed", composedTaken},
}

// TestCaseSensitiveLogins tests a store that tells logins apart by upper and lower case.
func TestCaseSensitiveLogins(t *testing.T, env Env, newSubject Factory) {
	t.Helper()
	for _, test := range caseSensitiveLoginTests {
		t.Run(test.name, func(t *testing.T) {
			env(t, func(t *testing.T) { test.run(newFarm(t, newSubject(t))) })
		})
	}
}

// sameLogins are logins of one account each. The first is not always the normal form.
var sameLogins = [][]string{
	{"Ann@Example.com", "ann@example.com", "ANN@EXAMPLE.COM", "aNN@eXAMPLE.cOM"},
	{"stra\u00dfe", "STRASSE", "Strasse", "STRA\u1e9eE"},
	{"zo\u00eb", "zoe\u0308", "ZO\u00cb", "ZOE\u0308"},
	{"\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3", "\u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c2"},
	{"\u212bngstr\u00f6m", "\u00e5ngstr\u00f6m", "A\u030angstro\u0308m"},
	{"\u1100\u1161\u11a8", "\uac01"},
	{"\U00010400", "\U00010428"},
	{"\u0130zmir", "i\u0307zmir", "I\u0307ZMIR"}, // the Turkish capital I with a dot, not the dotless small one
	{"\ufb01sh", "FISH", "\ufb01SH"},
	{"q\u0323\u0307", "Q\u0307\u0323"}, // marks in another order
	{"\u1fb3", "\u0391\u0399", "\u03b1\u0345"},
	{"\uff21\uff4e\uff4e", "\uff41\uff2e\uff2e"}, // full width
	{"\u01c4", "\u01c5", "\u01c6"},
	{"\u00b5", "\u03bc", "\u039c"}, // micro sign and Greek mu
	{"\u13a0", "\uab70"},           // Cherokee
	{"ann\U0001f469\u200d\U0001f4bb", "ANN\U0001f469\u200d\U0001f4bb"},
	{"\u05d0\u05e0\u200f\u05d0x", "\u05d0\u05e0\u200f\u05d0X"},             // Hebrew, with a mark inside
	{strings.Repeat("\U0001d160", 255), strings.Repeat("\U0001d160", 255)}, // the longest normal form of all
}

func loginTaken(f *farm) {
	for _, logins := range sameLogins {
		first := f.add(withLogin(logins[0]))
		for _, login := range logins {
			f.wantErr(fmt.Sprintf("%+q, which is %+q", login, logins[0]), f.store.Add(f.Context(), domain.Once{}, f.build(withLogin(login))),
				domain.ErrUserExists)
			pool := first.Snapshot().Pool
			pool.Domain = "elsewhere"
			f.wantErr("in another domain", f.store.Add(f.Context(), domain.Once{}, f.build(withLogin(login), in(pool))), domain.ErrUserExists)
		}
	}
	if got := len(f.list(ports.Query{})); got != len(sameLogins) {
		f.Fatalf("%d users, want %d", got, len(sameLogins))
	}
}

func loginFound(f *farm) {
	for _, logins := range sameLogins {
		u := f.add(withLogin(logins[0]))
		for _, login := range append(logins, " "+logins[0], logins[0]+"\u200b") {
			f.wantIDs(fmt.Sprintf("list by %+q", login), f.list(ports.Query{Login: login}), []domain.UserID{u.ID()})
		}
		if got := f.get(u.ID()).Snapshot().Login; got != logins[0] {
			f.Fatalf("%+q became %+q", logins[0], got)
		}
	}
}

func loginsApart(f *farm) {
	logins := []string{
		"\uff41nn", "\uff41\uff4e\uff4e", "ann\u200dx", "annx", "an\u034fn", "\u2764\ufe0fx", "\u2764x", "an\u200en", "an\u200fn", "an\u00adn",
		"\U0001f469\u200d\U0001f4bb", "\U0001f469\U0001f4bb", "\U0001f469\U0001f3fd", "i\u0307", "\u0131\u0307", "ss", "\u03b2",
		"an\u3000n", "an\u00a0n", "2", "\u00b2", "\u2460", "anni\u0308", "anni",
		"ann", "\u00e1nn", "an n", "an\u200bn", "ann1", "a.nn", "i", "\u0131", "1", "l", "\u0430nn", "null", "NUL", "%", "_", "\\", "'",
	}
	for _, login := range logins {
		f.add(withLogin(login))
	}
	for _, login := range logins {
		if got := len(f.list(ports.Query{Login: login})); got != 1 {
			f.Fatalf("%+q finds %d users, want 1", login, got)
		}
	}
	for _, login := range []string{"an", "anne", "\xff", "an\x00n", "%nn"} {
		f.wantIDs(fmt.Sprintf("list by %+q", login), f.list(ports.Query{Login: login}), nil)
	}
}

func loginFreed(f *farm) {
	u := f.add(withLogin("Ann"))
	f.must(f.remove(u.ID()))
	again := f.add(withLogin("aNN"))
	f.wantIDs("list", f.list(ports.Query{Login: "ann"}), []domain.UserID{again.ID()})
}

func loginTwice(f *farm) {
	batch := []*domain.User{f.build(), f.build(withLogin("Twice")), f.build(withLogin("twice"))}
	f.wantErr("the batch", f.store.Add(f.Context(), domain.Once{}, batch...), domain.ErrUserExists)
	f.wantIDs("list", f.list(ports.Query{}), nil)
}

func caseApart(f *farm) {
	for _, logins := range [][]string{{"Ann", "ann", "ANN"}, {"stra\u00dfe", "strasse", "STRASSE"}} {
		for _, login := range logins {
			u := f.add(withLogin(login))
			f.wantIDs("list by "+login, f.list(ports.Query{Login: login}), []domain.UserID{u.ID()})
		}
	}
}

func composedTaken(f *farm) {
	for _, logins := range [][2]string{{"zo\u00eb", "zoe\u0308"}, {"\u212b", "\u00c5"}, {"\u1100\u1161\u11a8", "\uac01"}, {"Ann", "Ann"}} {
		u := f.add(withLogin(logins[0]))
		f.wantErr(fmt.Sprintf("%+q", logins[1]), f.store.Add(f.Context(), domain.Once{}, f.build(withLogin(logins[1]))), domain.ErrUserExists)
		f.wantIDs("list", f.list(ports.Query{Login: logins[1] + " "}), []domain.UserID{u.ID()})
	}
}
