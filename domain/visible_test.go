package domain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/userfarm/userfarm/domain"
)

func checkLogin(login string) error {
	return domain.CheckSpec(domain.Spec{
		Login: login, Password: domain.NewSecret("x"), Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"},
	})
}

func TestALoginHasNothingInvisibleAtItsEnds(t *testing.T) {
	for blank, name := range map[string]string{
		" ": "U+0020 SPACE", "\u00a0": "U+00A0 NO-BREAK SPACE", "\u00ad": "U+00AD SOFT HYPHEN", "\u200b": "U+200B ZERO WIDTH SPACE",
		"\u200d": "U+200D ZERO WIDTH JOINER", "\u202e": "U+202E RIGHT-TO-LEFT OVERRIDE", "\u2060": "U+2060 WORD JOINER",
		"\u3000": "U+3000 IDEOGRAPHIC SPACE", "\u3164": "U+3164 HANGUL FILLER", "\ufe0f": "U+FE0F VARIATION SELECTOR-16",
		"\ufeff": "U+FEFF ZERO WIDTH NO-BREAK SPACE", "\u2028": "U+2028 LINE SEPARATOR", "\u2800": "U+2800 BRAILLE PATTERN BLANK",
		"\u034f": "U+034F COMBINING GRAPHEME JOINER", "\U000e0041": "U+E0041", "\u115f": "U+115F", "\u2004": "U+2004",
		"\u061c": "U+061C", "\u1680": "U+1680", "\u17b4": "U+17B4", "\u180e": "U+180E", "\u205f": "U+205F", "\u206a": "U+206A",
		"\u2067": "U+2067 RIGHT-TO-LEFT ISOLATE", "\uffa0": "U+FFA0", "\ufff9": "U+FFF9", "\U0001d173": "U+1D173",
		"\U000e007f": "U+E007F", "\u180b": "U+180B",
	} {
		for login, detail := range map[string]string{
			blank + "ann": "must not begin with the invisible character " + name,
			"ann" + blank: "must not end with the invisible character " + name,
			blank:         "must not begin with the invisible character " + name,
		} {
			want := "invalid input: /login " + detail
			if err := checkLogin(login); fmt.Sprint(err) != want {
				t.Errorf("%+q: %v, want %s", login, err, want)
			}
		}
		if err := checkLogin("ann" + blank + "bee"); err != nil {
			t.Errorf("%+q in the middle: %v", blank, err)
		}
	}
	for _, login := range []string{"", "an\x00n", "\x00", "ann\u0085", "ann\xff", strings.Repeat("e\u0301", 128)} {
		if err := checkLogin(login); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%+q: %v", login, err)
		}
	}
	for _, login := range []string{"ann", strings.Repeat("\u00e9", 255), strings.Repeat("e\u0301", 127), "ann bee", "-", ".ann.", "\U0001f642", "e\u0301", "ann@example.com", "日本", "\u06dd1"} {
		if err := checkLogin(login); err != nil {
			t.Errorf("%+q: %v", login, err)
		}
	}
}

func TestLettersDigitsAndSignsAreNoBlanks(t *testing.T) {
	ignorable := []*unicode.RangeTable{unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector}
	for r := range unicode.MaxRune {
		visible := unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.Sc, unicode.Sk, unicode.Sm) && !unicode.In(r, ignorable...)
		if visible && domain.IsBlank(r) {
			t.Errorf("%U is a blank", r)
		}
	}
}
