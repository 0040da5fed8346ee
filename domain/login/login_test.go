package login_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
)

var rules = []login.Rule{{}, {CaseSensitive: true}}

// eachRune calls do with every character of Unicode that is assigned, but for ideographs, which have no case and no marks.
func eachRune(do func(r rune)) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf) &&
			!unicode.In(r, unicode.Unified_Ideograph, unicode.Tangut) {
			do(r)
		}
	}
}

// alphabet are characters that make normal forms difficult: letters whose case changes their number, marks, jamo, blanks.
var alphabet = []rune("aAzZ09.@-_ßẞſsSiIıİŉǰΐΰςσΣΆάᾳᾼᾷⅠⓐÅÅKKÄäéÉﬁﬃﬀնﬔևԵՒꭰᎠ\u0301\u0307\u0308\u030a\u0323\u0327\u0345\u0338\u0f71\u0f72" +
	"\u1100\u1161\u11a8각\u0958\ufb2c\U0001d160日本ёЁ\u0306Йй \u00a0\u200b\u200d\ufeff\u3164\u2800\U0001f642\U00010400\U00010428")

// draw returns a short random text.
func draw(random *rand.Rand) string {
	text := make([]rune, random.IntN(8))
	for i := range text {
		text[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(text)
}

func TestTheKeyOfAKeyIsTheKey(t *testing.T) {
	for _, rule := range rules {
		check := func(text string) {
			if key := rule.Key(text); rule.Key(key) != key {
				t.Fatalf("%v: the key of %+q is %+q, and the key of that is %+q", rule, text, key, rule.Key(key))
			}
		}
		eachRune(func(r rune) { check(string(r)) })
		random := rand.New(rand.NewPCG(11, 0)) //nolint:gosec // test data
		for range 10_000 {
			check(draw(random))
		}
	}
}

func TestComposedAndDecomposedLettersAreTheSame(t *testing.T) {
	for _, rule := range rules {
		check := func(text string) {
			if key := rule.Key(text); rule.Key(norm.NFC.String(text)) != key || rule.Key(norm.NFD.String(text)) != key {
				t.Fatalf("%v: composed, as it is and decomposed, %+q is not the same", rule, text)
			}
		}
		eachRune(func(r rune) { check(string(r)) })
		random := rand.New(rand.NewPCG(12, 0)) //nolint:gosec // test data
		for range 10_000 {
			check(draw(random))
		}
	}
}

func TestUpperAndLowerCaseAreTheSame(t *testing.T) {
	eachRune(func(r rune) {
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if (login.Rule{}).Key("x"+string(r)+"y") != (login.Rule{}).Key("x"+string(other)+"y") {
				t.Errorf("%U and %U are not the same", r, other)
			}
		}
	})
	for _, pair := range [][2]string{
		{"Ann@Example.COM", "ann@example.com"}, {"STRASSE", "straße"}, {"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"ﬁne", "FINE"}, {"ÉCOLE", "e\u0301cole"},
	} {
		if (login.Rule{}).Key(pair[0]) != (login.Rule{}).Key(pair[1]) {
			t.Errorf("%+q and %+q are not the same", pair[0], pair[1])
		}
		if (login.Rule{CaseSensitive: true}).Key(pair[0]) == (login.Rule{CaseSensitive: true}).Key(pair[1]) {
			t.Errorf("to a case-sensitive rule, %+q and %+q are the same", pair[0], pair[1])
		}
	}
}

func TestInvisibleCharactersAtTheEndsDoNotCount(t *testing.T) {
	for _, rule := range rules {
		for _, text := range []string{" ann", "ann ", "\u00a0ann\u3000", "\u200bann", "ann\ufeff", "\u200e ann \u00ad", "ann\u3164", "\u2800ann\ufe0f"} {
			if got := rule.Key(text); got != "ann" {
				t.Errorf("%v: the key of %+q is %+q", rule, text, got)
			}
		}
	}
}

func TestOtherLoginsDiffer(t *testing.T) {
	for _, rule := range rules {
		seen := make(map[string]string)
		for _, text := range []string{
			"ann", "ánn", "aňn", "an", "a nn", "an\u200bn", "ann1", "ann@example.com", "ann+1@example.com", "a.nn@example.com",
			"0nn", "onn", "i", "ı", "1", "l", "аnn", "日本", "日", "", "\xff", "\ufffd", "\xfe", "ann\xff",
		} {
			key := rule.Key(text)
			if other, same := seen[key]; same {
				t.Errorf("%v: %+q is the same as %+q", rule, text, other)
			}
			seen[key] = text
		}
	}
}

func TestRulesHaveNames(t *testing.T) {
	if a, b := rules[0].String(), rules[1].String(); a == b || a == "" || b == "" {
		t.Errorf("the rules are named %q and %q", a, b)
	}
}

func FuzzKey(f *testing.F) {
	for _, text := range []string{"", "Ann", "straße", "ΐ", "\u0345\u0308", "\xff", " \u200b", "İ", "\U0001d160", strings.Repeat("ﬃ", 85)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, rule := range rules {
			if key := rule.Key(text); rule.Key(key) != key {
				t.Errorf("%v: the key of %+q is %+q, and the key of that is %+q", rule, text, key, rule.Key(key))
			}
		}
	})
}

// A name can be told from an id, and from a name of another project, however a person types it.
func TestTheKeyOfANameIsThatOfItsSpellings(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 0)) //nolint:gosec // test data
	valid := 0
	for range 20_000 {
		name := draw(random)
		if name == "" || domain.CheckProject(domain.Project{ID: domain.ProjectID{1}, Name: name}, "") != nil {
			continue
		}
		valid++
		key := login.NameKey(name)
		if key == "" {
			t.Fatalf("%+q has no key", name)
		}
		for _, spelling := range []string{norm.NFD.String(name), norm.NFC.String(name), " " + name + "\u00a0", key} {
			if got := login.NameKey(spelling); got != key {
				t.Fatalf("%+q has the key %+q, but %+q has %+q", name, key, spelling, got)
			}
		}
	}
	if valid < 1000 {
		t.Errorf("only %d names are valid", valid)
	}
}
