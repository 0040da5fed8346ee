// Package login tells which logins are one account of the system under test, and which names of projects are the same. Two users of
// one account would defeat the lock: a store keeps at most one user for each [Rule.Key] in a project and environment.
//
// It is apart from package domain because it needs the tables of Unicode normal forms, which the standard library lacks.
package login

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/userfarm/userfarm/domain"
)

// Rule says how the system under test compares logins. By the zero value, upper and lower case are the same.
type Rule struct{ CaseSensitive bool }

// Key returns the normal form of a login: logins are one account if their keys are the same. In the normal form, letters are
// composed (NFC), there is nothing invisible at the ends, and case is folded unless the rule is case-sensitive. Unicode
// guarantees that later versions change the normal form of no character that is assigned today.
//
// The key of a key is the key itself. A text that is not UTF-8 is its own key.
func (r Rule) Key(login string) string {
	if !utf8.ValidString(login) {
		return login
	}
	login = strings.TrimFunc(login, domain.IsBlank)
	if !r.CaseSensitive {
		// Marks of decomposed letters may have to be folded, too (U+0345), so decompose first. Fold swaps the cases of Cherokee
		// letters, which ToLower makes one again; it changes nothing else that is folded.
		login = strings.ToLower(cases.Fold().String(norm.NFD.String(login)))
	}
	return norm.NFC.String(login)
}

// NameKey returns the normal form of a project's name: names are the same if their keys are. The case of a name never matters.
func NameKey(name string) string { return Rule{}.Key(name) }

// String returns the name of the rule, by which a store remembers how its keys were computed.
func (r Rule) String() string {
	if r.CaseSensitive {
		return "case-sensitive"
	}
	return "case-insensitive"
}
