package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

//go:embed templates
var templateFiles embed.FS

// templates are the pages. What is in the data is escaped for its place in a page.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"asset":    asset,
	"ago":      ago,
	"left":     left,
	"duration": duration,
	"link":     link,
	"has":      func(all []string, one string) bool { return slices.Contains(all, one) },
	"kinds":    kindsFor,
	"kindText": func(kind domain.EventKind) string { return kindTexts[kind] },
	"statuses": func() []domain.Status { return []domain.Status{domain.Free, domain.Locked, domain.Quarantined} },
	"statusText": func(status domain.Status) string {
		return map[domain.Status]string{domain.Free: "free", domain.Locked: "held", domain.Quarantined: "in quarantine"}[status]
	},
	"dict":  dict,
	"count": count,
	"field": formName,
}).ParseFS(templateFiles, "templates/*.html"))

// assetDigest is the digest of all files in static, so that browsers load them again after an upgrade.
var assetDigest = func() string {
	digest := sha256.New()
	_ = fs.WalkDir(staticFiles, "static", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := fs.ReadFile(staticFiles, path)
		_, _ = digest.Write(file)
		return err
	})
	return hex.EncodeToString(digest.Sum(nil)[:6])
}()

func asset(name string) string { return "static/" + name + "?v=" + assetDigest }

// timeElement is a time that a script of the page shows in the zone of the reader. Without the script it is in UTC.
func timeElement(t time.Time, kind string) template.HTML {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-show="%s">%s</time>`, //nolint:gosec // a time and constants
		t.Format("2006-01-02T15:04:05.000Z"), kind, t.Format("2006-01-02 15:04:05 UTC")))
}

// ago is a time in the past: 3 min ago.
func ago(t time.Time) template.HTML { return timeElement(t, "ago") }

// left is a time in the future: 3 min.
func left(t time.Time) template.HTML { return timeElement(t, "left") }

// duration returns a duration with at most two units.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return units(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 48*time.Hour:
		return units(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	default:
		return units(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
	}
}

func units(large int, unit string, small int, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, unit)
	}
	return fmt.Sprintf("%d %s %d %s", large, unit, small, smallUnit)
}

// count returns a number with a thin space between thousands.
func count(n int) string {
	digits := fmt.Sprint(n)
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), "\u202f")
}

// dict returns a map of names and values in turn.
func dict(values ...any) map[string]any {
	m := make(map[string]any, len(values)/2)
	for i := 0; i+1 < len(values); i += 2 {
		m[fmt.Sprint(values[i])] = values[i+1]
	}
	return m
}
