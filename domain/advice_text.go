package domain

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sentence returns the advice for a want as a sentence for people. It names the project if that has a name, or if the advice is about
// several projects.
func (a Advice) Sentence(want WantAdvice) string {
	several := slices.ContainsFunc(a.Wants, func(w WantAdvice) bool { return w.Pool.ProjectID != want.Pool.ProjectID })
	if several && want.Project == "" {
		want.Project = want.Pool.ProjectID.String()
	}
	return want.Sentence(a.Target)
}

// Sentence returns the advice as a sentence for people. target is that of the [Advice].
func (w WantAdvice) Sentence(target time.Duration) string {
	bound := "under " + DurationText(target)
	switch {
	case !w.Reached && len(w.Together.More) > 0:
		return w.gain(w.together(), w.Together.Waits, "without them", target)
	case !w.Reached:
		return fmt.Sprintf("Even %s would not bring p95 %s: it would be %s.",
			w.more(w.Most-w.Users), bound, waitsText(w.At(w.Most), w.Claims))
	case w.Enough > w.Users:
		return w.gain(w.more(w.Enough-w.Users), w.At(w.Enough), fmt.Sprintf("with %d", w.Users), target)
	case w.Enough < w.Users && !w.SaysEnough():
		return fmt.Sprintf("The %d %s %s enough: p95 is %s. %s too few to say whether some could go.",
			w.Users, w.accounts(w.Users), are(w.Users), bound, claimsAre(w.Claims))
	case w.Enough < w.Users:
		return fmt.Sprintf("%d of the %d %s could go, and p95 would stay %s.", w.Users-w.Enough, w.Users, w.accounts(w.Users), bound)
	default:
		return fmt.Sprintf("The %d %s %s just enough: p95 is %s.", w.Users, w.accounts(w.Users), are(w.Users), bound)
	}
}

// SaysEnough reports whether the claims say how many users are enough. It is false if the target was not reached, and if there were too
// few claims to say that some of the users are not needed.
func (w WantAdvice) SaysEnough() bool {
	return w.Reached && (w.Enough >= w.Users || w.Claims >= fewClaims)
}

// fewClaims are too few to say that users are not needed.
const fewClaims = 100

func claimsAre(n int) string {
	if n == 1 {
		return "1 claim is"
	}
	return fmt.Sprintf("%d claims are", n)
}

// gain says what more accounts would bring. today names the accounts that there are.
func (w WantAdvice) gain(more string, then Waits, today string, target time.Duration) string {
	now, bound := w.At(w.Users), "under "+DurationText(target)
	switch {
	case now.Served == 0:
		return fmt.Sprintf("%s would bring p95 %s; %s, no claim would get its users.", more, bound, today)
	case now.P95 < target:
		return fmt.Sprintf("%s would bring the claims that give up from %d to %d of %d.", more, now.GaveUp, then.GaveUp, w.Claims)
	default:
		return fmt.Sprintf("%s would bring p95 from %s to %s.", more, waitsText(now, w.Claims), bound)
	}
}

// accounts names the accounts, without their number.
func (w WantAdvice) accounts(n int) string { return accountsText(w.Labels, n) + " " + w.place() }

func (w WantAdvice) more(n int) string {
	return fmt.Sprintf("%d more %s", n, w.accounts(n))
}

// together names the accounts that would be enough together.
func (w WantAdvice) together() string {
	more := make([]string, len(w.Together.More))
	for i, m := range w.Together.More {
		more[i] = fmt.Sprintf("%d more %s", m.Users, accountsText(m.Labels, m.Users))
	}
	if len(more) == 1 && !maps.Equal(w.Together.More[0].Labels, w.Labels) {
		return more[0] + " " + w.place() + ", which the same claims need,"
	}
	if len(more) == 1 {
		return more[0] + " " + w.place()
	}
	last := len(more) - 1
	return strings.Join(more[:last], ", ") + " and " + more[last] + " " + w.place() + ", together"
}

// accountsText names accounts with labels.
func accountsText(labels Labels, n int) string {
	words := make([]string, 0, len(labels)+1)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		words = append(words, key+"="+labels[key])
	}
	noun := "accounts"
	if n == 1 {
		noun = "account"
	}
	return strings.Join(append(words, noun), " ")
}

// place says where the accounts are.
func (w WantAdvice) place() string {
	place := "in " + w.Pool.Env + ", " + w.Pool.Domain
	if w.Project != "" {
		place += ", project " + w.Project
	}
	return place
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
