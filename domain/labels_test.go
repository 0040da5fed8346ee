package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestLabelKeys(t *testing.T) {
	check := func(key string) error {
		return domain.CheckSelectors([]domain.Selector{{Labels: domain.Labels{key: ""}}})
	}
	for _, key := range []string{"a", "0", "Role", "a.b", "a_b", "a-b", "a/b", "example.com/role", "a..b", strings.Repeat("k", 63)} {
		if err := check(key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	for key, pointer := range map[string]string{
		"":                      "",
		" ":                     " ",
		"-a":                    "-a",
		"a-":                    "a-",
		"/a":                    "~1a",
		"a/":                    "a~1",
		"~":                     "~0",
		"~1":                    "~01",
		"a:b":                   "a:b",
		"a b":                   "a b",
		"a\n":                   "a\n",
		"é":                     "é",
		strings.Repeat("k", 64): strings.Repeat("k", 64),
	} {
		wantFields(t, check(key), "/users/0/labels/"+pointer)
	}
}

func TestTheNumberOfLabelsIsLimited(t *testing.T) {
	labels := domain.Labels{}
	for i := range 64 {
		labels[fmt.Sprint("k", i)] = ""
	}
	must(t, domain.CheckSelectors([]domain.Selector{{Labels: labels}}))
	labels["one-more"] = ""
	wantFields(t, domain.CheckSelectors([]domain.Selector{{}, {Labels: labels}}), "/users/1/labels")
}

func TestLabelsContain(t *testing.T) {
	labels := domain.Labels{"role": "admin", "empty": ""}
	for _, wanted := range []domain.Labels{nil, {}, {"role": "admin"}, {"empty": ""}, labels} {
		if !labels.Contain(wanted) {
			t.Errorf("%v does not contain %v", labels, wanted)
		}
	}
	for _, wanted := range []domain.Labels{{"role": ""}, {"role": "Admin"}, {"absent": ""}, {"role": "admin", "absent": ""}} {
		if labels.Contain(wanted) {
			t.Errorf("%v contains %v", labels, wanted)
		}
	}
	if domain.Labels(nil).Contain(labels) || !domain.Labels(nil).Contain(nil) {
		t.Error("no labels contain some, or lack none")
	}
	if clone := domain.Labels(nil).Clone(); clone == nil {
		t.Error("the clone of no labels is nil")
	}
}
