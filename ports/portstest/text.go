package portstest

import (
	"fmt"
	"maps"
	"strings"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var textTests = []storeTest{
	{"keeps any text in any field, and finds it exactly", textFields},
	{"keeps any label, and finds it exactly", textLabels},
	{"keeps any label key, and finds it exactly", textLabelKeys},
}

// hostile has texts with a special meaning for a query language, a driver, a pattern, JSON or a collation. Most stand beside a
// similar text that a careless comparison takes for the same.
var hostile = []string{
	"plain", "Plain", "plain ", " plain", "PLAIN",
	"'", "''", "it's", "';--", "' OR '1'='1", "'); DROP TABLE users; --", `"`, `""`, "`", "$$", "$q$",
	`\`, `\\`, `\'`, `\n`, `\x41`, `A`, `\u0041`, `C:\temp\new`,
	"?", "??", "?0", "?1", "?name", "$1", "$2::text", ":name", "@name", "?TableAlias",
	"%", "%%", "100%", "100x", "%s", "%!s(MISSING)", "a_b", "axb", "*", "a*", "[ab]", "a",
	"{}", "{", "}", "[]", "{{.}}", `{"a":1}`, `["a"]`, "null", "NULL", "true", "1", "1.0", "01", "1e0", "0x1", "-1",
	"a,b", "a;b", "a:b", "a=b", "a&b", "a|b", "a/b", "a.b", "<b>&amp;</b>", "&lt;", "--", "/* */", "#",
	"ä", "a\u0308", "Ä", "ss", "ß", "İ", "ı", "i", "ﬁ", "fi", "Ω", "\u2126",
	"\U0001f642", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
	"\u200b", "\ufeff", "\u2028", "\u202e", "\ufffd", "\uffff", "\U0010ffff",
	"日本語", "עברית", "\u00a0", "\u3000",
	strings.Repeat("x", 255), strings.Repeat("x", 254), strings.Repeat("\U0001f642", 255),
	strings.Repeat("'", 255), strings.Repeat(`\`, 255),
}

func textFields(f *farm) {
	users := make([]*domain.User, len(hostile))
	for i, text := range hostile {
		s := f.build(withLogin(hostileLogin(i)), func(s *domain.Spec) { s.Password = domain.NewSecret(strings.Repeat(text, 4)) }).Snapshot()
		s.Pool = domain.Pool{ProjectID: projectA, Env: text, Domain: text} // of an older user, which may have blanks at the ends
		users[i] = domain.Restore(s)
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, users...))
	for i, u := range users {
		text := hostile[i]
		for _, q := range []ports.Query{{Env: text}, {Domain: text}, {Login: hostileLogin(i)}} {
			f.wantIDs(fmt.Sprintf("list by %+q", text), f.list(q), []domain.UserID{u.ID()})
		}
		terms := domain.Terms{Owner: text, Note: strings.Repeat(text, 4), TTL: ttl}
		lease, err := f.tryAcquireOn(terms, domain.Selector{Env: text, Domain: text})
		if err != nil {
			f.Fatalf("acquire from %+q: %v", text, err)
		}
		f.wantUsers(lease, u)
		f.must(f.quarantine(u.ID(), strings.Repeat(text, 4)))

		s := u.Snapshot()
		s.Fence = 1
		s.Lock = &domain.Lock{
			Lease: lease.ID.Digest(), Size: 1, Owner: terms.Owner, Note: terms.Note, AcquiredAt: f.born, ExpiresAt: f.born.Add(ttl),
		}
		s.Quarantine = &domain.Quarantine{Reason: strings.Repeat(text, 4), Since: f.born}
		f.wantSame(f.get(u.ID()), domain.Restore(s))
	}
	counts, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)
	if len(counts) != len(hostile) {
		f.Fatalf("%d pools, want %d", len(counts), len(hostile))
	}
}

// hostileLogin returns a login with a hostile text that differs from all others, whatever its case.
func hostileLogin(i int) string {
	text := []rune(hostile[i])
	return fmt.Sprintf("%d%s%d", i, string(text[:min(len(text), 249)]), i)
}

func textLabels(f *farm) {
	users := make([]*domain.User, len(hostile))
	for i, text := range hostile {
		users[i] = f.build(withLabels(domain.Labels{"text": text, "same": "yes"}))
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, users...))
	for i, u := range users {
		labels := domain.Labels{"text": hostile[i], "same": "yes"}
		f.wantIDs(fmt.Sprintf("list by label %+q", hostile[i]), f.list(ports.Query{Labels: labels}), []domain.UserID{u.ID()})
		f.wantUsers(f.acquire(domain.Selector{Labels: labels}), u)
		if got := f.get(u.ID()).Snapshot().Labels; !maps.Equal(got, labels) {
			f.Fatalf("labels %+q became %+q", labels, got)
		}
	}
	f.wantUnmatched(domain.ErrNoMatch, []int{0}, domain.Selector{Labels: domain.Labels{"text": ""}})
}

func textLabelKeys(f *farm) {
	keys := []string{
		"a", "A", "a.b", "a/b", "a-b", "a_b", "axb", "a..b", "a.b.c", "example.com/role", "0", "1", "00", "null", "true",
		"id", "labels", "length", "constructor", strings.Repeat("k", 63), strings.Repeat("k", 62),
	}
	users := make([]*domain.User, len(keys))
	for i, key := range keys {
		users[i] = f.build(withLabels(domain.Labels{key: "v"}))
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, users...))
	for i, u := range users {
		labels := domain.Labels{keys[i]: "v"}
		f.wantSame(f.get(u.ID()), u)
		f.wantIDs(fmt.Sprint("list ", labels), f.list(ports.Query{Labels: labels}), []domain.UserID{u.ID()})
		f.wantUsers(f.acquire(domain.Selector{Labels: labels}), u)
	}
}
