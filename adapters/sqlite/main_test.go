package sqlite_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(tenantPath); path != "" {
		live(path)
		return
	}
	goleak.VerifyTestMain(m)
}
