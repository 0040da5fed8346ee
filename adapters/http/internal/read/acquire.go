package read

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// Acquire reads the body of an acquire. It is [Body] with what the request asks for in the words of the domain. With an error,
// what could not be read is zero.
//
// Nearly every second request is an acquire, and its body is nearly always plain. Such a body is read without reflection, in a
// tenth of the time. Everything else takes the way of all bodies, which also finds the words for what is wrong.
func Acquire(c *fiber.Ctx) (want []domain.Selector, terms domain.Terms, err error) {
	if err := checkBody(c); err != nil {
		return nil, domain.Terms{}, err
	}
	body := c.Request().Body()
	if want, terms, ok := readPlainAcquire(string(body)); ok {
		return want, terms, nil
	}
	return decodeAcquire(body)
}

func decodeAcquire(body []byte) (want []domain.Selector, terms domain.Terms, err error) {
	var req api.AcquireRequest
	err = decode(body, &req)
	terms = domain.Terms{Owner: req.Owner, Note: req.Note, Wait: time.Duration(req.WaitSeconds) * time.Second}
	if req.TTLSeconds != nil {
		terms.TTL = time.Duration(*req.TTLSeconds) * time.Second
	}
	want = make([]domain.Selector, len(req.Users))
	for i, s := range req.Users {
		want[i].Labels = domain.Labels(s.Labels)
		if s.Env != nil {
			want[i].Env = *s.Env
		}
		if s.Domain != nil {
			want[i].Domain = *s.Domain
		}
		if s.UserID != nil {
			want[i].UserID, _ = ID[domain.UserID](*s.UserID) // decode has checked it
		}
		if s.ProjectID != nil {
			want[i].ProjectID, _ = ID[domain.ProjectID](*s.ProjectID)
		}
	}
	return want, terms, err
}

// readPlainAcquire reads a body of an acquire that is valid and plain. It returns the same as decodeAcquire, or false.
func readPlainAcquire(body string) (want []domain.Selector, terms domain.Terms, ok bool) {
	p := plainReader{rest: body}
	p.members([]string{"users", "owner", "note", "ttl_seconds", "wait_seconds"}, func(name string) {
		switch name {
		case "users":
			want = p.selectors()
		case "owner":
			terms.Owner = strings.Clone(p.text()) // a lock may keep it in memory, and not the whole body with it
		case "note":
			terms.Note = strings.Clone(p.text())
		case "ttl_seconds":
			terms.TTL = p.seconds()
			p.unusual = p.unusual || terms.TTL == 0
		case "wait_seconds":
			terms.Wait = p.seconds()
		}
	})
	p.skipSpace()
	return want, terms, !p.unusual && p.rest == "" && len(want) > 0
}

// plainReader reads JSON as most programs write it. When it comes to anything else, such as an escape, an unknown or a second
// member or null, it notes that the text is unusual, and what it returns is of no use.
type plainReader struct {
	rest    string
	unusual bool
}

func (p *plainReader) selectors() (want []domain.Selector) {
	p.expect('[')
	for more := true; more && !p.unusual; more = p.found(',') {
		want = append(want, p.selector())
	}
	p.expect(']')
	return want
}

func (p *plainReader) selector() (s domain.Selector) {
	p.members([]string{"project_id", "env", "domain", "labels", "user_id"}, func(name string) {
		switch name {
		case "project_id":
			s.ProjectID = domain.ProjectID(p.id())
		case "env":
			s.Env = p.name()
		case "domain":
			s.Domain = p.name()
		case "labels":
			s.Labels = p.labels()
		case "user_id":
			s.UserID = p.id()
		}
	})
	return s
}

func (p *plainReader) labels() domain.Labels {
	labels := domain.Labels{}
	p.object(func(name string) {
		_, twice := labels[name]
		p.unusual = p.unusual || twice
		labels[name] = p.text()
	})
	return labels
}

func (p *plainReader) id() domain.UserID {
	id, ok := ID[domain.UserID](p.text())
	p.unusual = p.unusual || !ok
	return id
}

func (p *plainReader) name() string {
	name := p.text()
	p.unusual = p.unusual || name == ""
	return name
}

// members reads an object that has some of the members, each at most once.
func (p *plainReader) members(names []string, read func(name string)) {
	seen := 0
	p.object(func(name string) {
		member := 1 << (slices.Index(names, name) + 1)
		p.unusual = p.unusual || member == 1 || seen&member != 0
		seen |= member
		read(name)
	})
}

// object calls read before each value of an object.
func (p *plainReader) object(read func(name string)) {
	p.expect('{')
	if p.found('}') {
		return
	}
	for more := true; more && !p.unusual; more = p.found(',') {
		name := p.text()
		p.expect(':')
		read(name)
	}
	p.expect('}')
}

// text reads a string of printable ASCII without escapes.
func (p *plainReader) text() string {
	p.expect('"')
	for i := range len(p.rest) {
		switch c := p.rest[i]; {
		case c == '"':
			text := p.rest[:i]
			p.rest = p.rest[i+1:]
			return text
		case c == '\\' || c < ' ' || c > '~':
			p.unusual = true
			return ""
		}
	}
	p.unusual = true
	return ""
}

// seconds reads a number of seconds: up to nine digits.
func (p *plainReader) seconds() time.Duration {
	p.skipSpace()
	digits := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, "0123456789"))]
	p.rest = p.rest[len(digits):]
	seconds, err := strconv.Atoi(digits)
	p.unusual = p.unusual || err != nil || len(digits) > 9 || digits[0] == '0' && digits != "0"
	return time.Duration(seconds) * time.Second
}

// expect reads a character after white space.
func (p *plainReader) expect(c byte) { p.unusual = !p.found(c) || p.unusual }

// found reports whether a character comes next, after white space, and reads it.
func (p *plainReader) found(c byte) bool {
	p.skipSpace()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *plainReader) skipSpace() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }
