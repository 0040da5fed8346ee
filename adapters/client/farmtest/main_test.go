package farmtest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the suite if something still runs after it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
