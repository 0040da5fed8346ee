package postgres_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(postgrestest.Main{M: m})
}
