package domain

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sentence returns the advice as a sentence for people. target is that of the [Advice].
func (w WantAdvice) Sentence(target time.Duration) string {
	now, enough, bound := w.At(w.Users), w.At(w.Enough), "under "+DurationText(target)
	switch {
	case !w.Reached:
		return fmt.Sprintf("Even %s would not bring p95 %s: it would be %s.",
			w.more(w.Most-w.Users), bound, waitsText(w.At(w.Most), w.Claims))
	case w.Enough > w.Users && now.Served == 0:
		return fmt.Sprintf("%s would bring p95 %s; with %d, no claim would get its users.", w.more(w.Enough-w.Users), bound, w.Users)
	case w.Enough > w.Users && now.P95 < target:
		return fmt.Sprintf("%s would bring the claims that give up from %d to %d of %d.",
			w.more(w.Enough-w.Users), now.GaveUp, enough.GaveUp, w.Claims)
	case w.Enough > w.Users:
		return fmt.Sprintf("%s would bring p95 from %s to %s.", w.more(w.Enough-w.Users), waitsText(now, w.Claims), bound)
	case w.Enough < w.Users:
		return fmt.Sprintf("%d of the %d %s could go, and p95 would stay %s.", w.Users-w.Enough, w.Users, w.accounts(w.Users), bound)
	default:
		return fmt.Sprintf("The %d %s %s just enough: p95 is %s.", w.Users, w.accounts(w.Users), are(w.Users), bound)
	}
}

// accounts names the accounts, without their number.
func (w WantAdvice) accounts(n int) string {
	noun := "accounts"
	if n == 1 {
		noun = "account"
	}
	words := make([]string, 0, len(w.Labels)+2)
	for _, key := range slices.Sorted(maps.Keys(w.Labels)) {
		words = append(words, key+"="+w.Labels[key])
	}
	words = append(words, noun, "in", w.Pool.Env+",", w.Pool.Domain)
	if w.Project != "" {
		words[len(words)-1] += ", project " + w.Project
	}
	return strings.Join(words, " ")
}

func (w WantAdvice) more(n int) string {
	return fmt.Sprintf("%d more %s", n, w.accounts(n))
}

func waitsText(w Waits, claims int) string {
	text := DurationText(w.P95)
	if w.GaveUp > 0 {
		text += fmt.Sprintf(" (and %d of %d claims give up)", w.GaveUp, claims)
	}
	return text
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// DurationText returns a duration for people, like 2 min 10 s. It has the two largest units.
func DurationText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case d.Round(time.Second) < time.Minute:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d.Round(time.Second) < time.Hour:
		d = d.Round(time.Second)
		return twoUnits(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	default:
		d = d.Round(time.Minute)
		return twoUnits(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	}
}

func twoUnits(large int, unit string, small int, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, unit)
	}
	return fmt.Sprintf("%d %s %d %s", large, unit, small, smallUnit)
}
