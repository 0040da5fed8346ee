package entrance

import (
	"errors"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

// A header Authorization is a token as it was made, or is rejected by an error that does not quote it.
func FuzzParseAuthorization(f *testing.F) {
	token := domain.NewToken().Reveal()
	for _, text := range []string{
		"", "Bearer", "Bearer ", "Bearer " + token, "bearer  " + token, "Basic " + token, token, "Bearer " + token[:20] + "1" + token[21:],
		"Bearer " + token + token, "Bearer\t" + token, "Bearer \xff", "Bearer userfarm_" + strings.Repeat("a", 40),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseAuthorization(text)
		if err == nil {
			if scheme := strings.TrimSuffix(text, got.Reveal()); !strings.EqualFold(strings.TrimRight(scheme, " "), "Bearer") {
				t.Errorf("%q is the token %q", text, got.Reveal())
			}
			return
		}
		if !errors.Is(err, domain.ErrUnauthorized) || !got.IsZero() {
			t.Errorf("got the error %v", err)
		}
		if credentials := strings.TrimPrefix(text, "Bearer "); len(credentials) > 20 && strings.Contains(err.Error(), credentials) {
			t.Errorf("the error quotes the header: %v", err)
		}
	})
}
