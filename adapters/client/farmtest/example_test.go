package farmtest_test

import (
	"os"
	"testing"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/adapters/client/farmtest"
	"github.com/userfarm/userfarm/domain"
)

// One line gives a test a user.
func Example() {
	checkout := func(t *testing.T) {
		farm, err := client.New(os.Getenv("USERFARM_URL"), client.WithAPIKey(os.Getenv("USERFARM_API_KEY")))
		if err != nil {
			t.Fatal(err)
		}
		user := farmtest.User(t, farm, domain.Selector{Env: "stage", Labels: domain.Labels{"role": "admin"}})
		logIn(t, user.Login, user.Password.Reveal())
	}
	_ = checkout // func TestCheckout
}

// logIn stands for the login page of the system under test.
func logIn(*testing.T, string, string) {}
