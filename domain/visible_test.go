package domain_test

import (
	"fmt"
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
	for _, login := range []string{"ann", "ann bee", "-", ".ann.", "\U0001f642", "e\u0301", "ann@example.com", "日本", "\u06dd1"} {
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
