package http_test

import (
	"context"
	"iter"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// brokenFarm is a farm and its health. All its methods return the error of the function.
type brokenFarm func(ctx context.Context) error

var (
	_ ports.Farm   = brokenFarm(nil)
	_ ports.Health = brokenFarm(nil)
)

// failing is a farm that fails with err.
func failing(err error) brokenFarm { return func(context.Context) error { return err } }

// hanging is a farm that answers only when its context ends.
func hanging(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (f brokenFarm) Acquire(
	ctx context.Context, _ []domain.Selector, _ domain.Terms, _ domain.IdempotencyKey,
) (domain.Lease, error) {
	return domain.Lease{}, f(ctx)
}

func (f brokenFarm) Lease(ctx context.Context, _ domain.LeaseID) (domain.Lease, error) {
	return domain.Lease{}, f(ctx)
}

func (f brokenFarm) Renew(ctx context.Context, _ domain.LeaseID, _ time.Duration) (domain.Lease, error) {
	return domain.Lease{}, f(ctx)
}

func (f brokenFarm) OneTimeCode(
	ctx context.Context, _ domain.LeaseID, _ domain.UserID, _ domain.CodeTerms,
) (domain.OneTimeCode, error) {
	return domain.OneTimeCode{}, f(ctx)
}

func (f brokenFarm) Release(ctx context.Context, _ domain.LeaseID, _ ...domain.Fault) error {
	return f(ctx)
}

func (f brokenFarm) Session(ctx context.Context, _ domain.LeaseID, _ domain.UserID) (domain.Session, error) {
	return domain.Session{}, f(ctx)
}

func (f brokenFarm) SaveSession(
	ctx context.Context, _ domain.LeaseID, _ domain.UserID, _ domain.NewSession,
) (domain.Session, error) {
	return domain.Session{}, f(ctx)
}

func (f brokenFarm) DropSession(ctx context.Context, _ domain.LeaseID, _ domain.UserID) error {
	return f(ctx)
}

func (f brokenFarm) LockOpen(ctx context.Context, _ domain.UserID) (time.Time, error) {
	return time.Time{}, f(ctx)
}

func (f brokenFarm) ReleaseOpen(ctx context.Context, _ domain.UserID) error { return f(ctx) }

func (f brokenFarm) CreateUser(ctx context.Context, _ domain.Spec, _ domain.IdempotencyKey) (domain.View, error) {
	return domain.View{}, f(ctx)
}

func (f brokenFarm) User(ctx context.Context, _ domain.UserID) (domain.View, error) {
	return domain.View{}, f(ctx)
}

func (f brokenFarm) Users(ctx context.Context, _ ports.Query) (ports.UserPage, error) {
	return ports.UserPage{}, f(ctx)
}

func (f brokenFarm) ChangeUser(ctx context.Context, _ domain.UserID, _ domain.Change) (domain.View, error) {
	return domain.View{}, f(ctx)
}

func (f brokenFarm) RemoveUser(ctx context.Context, _ domain.UserID, _ string) error { return f(ctx) }

func (f brokenFarm) AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error] {
	return func(yield func(domain.Account, error) bool) { yield(domain.Account{}, f(ctx)) }
}

func (f brokenFarm) Quarantine(ctx context.Context, _ domain.UserID, _ string) (domain.View, error) {
	return domain.View{}, f(ctx)
}

func (f brokenFarm) Restore(ctx context.Context, _ domain.UserID, _ string) (domain.View, error) {
	return domain.View{}, f(ctx)
}

func (f brokenFarm) ForceRelease(ctx context.Context, _ domain.UserID, _ uint64, _ string) (domain.View, error) {
	return domain.View{}, f(ctx)
}

func (f brokenFarm) Pools(ctx context.Context) ([]domain.PoolCount, error) { return nil, f(ctx) }

func (f brokenFarm) Line(ctx context.Context, _ int) ([]domain.Waiter, int, error) {
	return nil, 0, f(ctx)
}

func (f brokenFarm) Advice(ctx context.Context, _ ports.AdviceQuery) (domain.Advice, error) {
	return domain.Advice{}, f(ctx)
}

func (f brokenFarm) Projects(ctx context.Context) ([]domain.ProjectCount, error) { return nil, f(ctx) }

func (f brokenFarm) ProjectNames(ctx context.Context) ([]domain.Project, error) { return nil, f(ctx) }

func (f brokenFarm) NameProject(ctx context.Context, _ domain.Project, _ string) error { return f(ctx) }

func (f brokenFarm) Events(ctx context.Context, _ ports.EventQuery) (ports.EventPage, error) {
	return ports.EventPage{}, f(ctx)
}

func (f brokenFarm) CreateKey(ctx context.Context, _ domain.KeySpec) (domain.KeyView, domain.Token, error) {
	return domain.KeyView{}, domain.Token{}, f(ctx)
}

func (f brokenFarm) Key(ctx context.Context, _ domain.APIKeyID) (domain.KeyView, error) {
	return domain.KeyView{}, f(ctx)
}

func (f brokenFarm) Keys(ctx context.Context, _ ports.KeyQuery) (ports.KeyPage, error) {
	return ports.KeyPage{}, f(ctx)
}

func (f brokenFarm) RevokeKey(ctx context.Context, _ domain.APIKeyID, _ string) (domain.KeyView, error) {
	return domain.KeyView{}, f(ctx)
}

func (f brokenFarm) Ping(ctx context.Context) error { return f(ctx) }

func (f brokenFarm) ImportUsers(ctx context.Context, _ domain.ImportPart) (domain.ImportReport, error) {
	return domain.ImportReport{}, f(ctx)
}

func (f brokenFarm) FinishImport(ctx context.Context, _ domain.ImportID, _ int) (domain.ImportReport, error) {
	return domain.ImportReport{}, f(ctx)
}

func (f brokenFarm) ExportUsers(ctx context.Context, _ ports.Query) (ports.ExportPage, error) {
	return ports.ExportPage{}, f(ctx)
}
