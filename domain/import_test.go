package domain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

var importPool = domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "regular"}

func importedUser(t *testing.T) *domain.User {
	t.Helper()
	user, err := domain.NewUser(domain.UserID{1}, time.Unix(1, 0), domain.Spec{
		Login: "ann", Password: domain.NewSecret("pw"), Pool: importPool, Labels: domain.Labels{"role": "admin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func TestARowIsComparedWithTheUser(t *testing.T) {
	same, another := domain.NewSecret("pw"), domain.NewSecret("another")
	labels, none := domain.Labels{"role": "admin"}, domain.Labels{}
	totp, err := domain.ParseTOTP("JBSWY3DPEHPK3PXP")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := importPool
	elsewhere.Domain = "another"
	unsaid := importPool
	unsaid.Domain = ""
	tests := map[string]struct {
		row     domain.ImportRow
		op      domain.ImportOp
		changed string
		broken  string
	}{
		"nothing is said":     {domain.ImportRow{Pool: unsaid}, domain.ImportKeeps, "", ""},
		"everything the same": {domain.ImportRow{Pool: importPool, Password: &same, Labels: &labels, TOTP: new(domain.TOTP{})}, domain.ImportKeeps, "", ""},
		"everything else":     {domain.ImportRow{Pool: importPool, Password: &another, Labels: &none, TOTP: &totp}, domain.ImportChanges, "password,labels,totp_secret", ""},
		"another domain":      {domain.ImportRow{Pool: elsewhere}, domain.ImportKeeps, "", "/domain"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			user := importedUser(t)
			op, changed, broken := test.row.Compare(user)
			if op != test.op || changed.String() != test.changed || pointers(broken) != test.broken {
				t.Errorf("got %s %q %v", op, changed, broken)
			}
			added, op, refused := domain.Caller{Key: domain.APIKeyID{9}}.Merge(time.Unix(2, 0), domain.UserID{2}, test.row, "", user)
			if added != nil || op != test.op || pointers(refused) != test.broken {
				t.Errorf("the merge returns %v %s %v", added, op, refused)
			}
			if again, _, _ := test.row.Compare(user); test.broken == "" && again != domain.ImportKeeps {
				t.Errorf("after the merge, the row is %s", again)
			}
		})
	}
}

func pointers(fields []domain.FieldError) string {
	all := make([]string, len(fields))
	for i, field := range fields {
		all[i] = field.Pointer
	}
	return strings.Join(all, " ")
}

func TestARowForANewUserNeedsAPasswordAndADomain(t *testing.T) {
	row := domain.ImportRow{Login: "ann", Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage"}}
	if broken := row.Check(); len(broken) > 0 {
		t.Errorf("a row for a user that may exist breaks %v", broken)
	}
	if _, _, broken := row.Compare(nil); pointers(broken) != "/domain /password" {
		t.Errorf("got %v", broken)
	}
	password := domain.NewSecret("pw")
	row.Pool.Domain, row.Password = "regular", &password
	added, op, broken := domain.Caller{Key: domain.APIKeyID{9}}.Merge(time.Unix(2, 0), domain.UserID{2}, row, "", nil)
	if len(broken) > 0 || op != domain.ImportAdds || added.ID() != (domain.UserID{2}) || added.Events()[0].Key != (domain.APIKeyID{9}) {
		t.Errorf("got %v %s %v", added, op, broken)
	}
	if spec := added.Spec(); spec.Login != "ann" || spec.Password != password || spec.Pool != row.Pool {
		t.Errorf("the user would be created again from %+v", spec)
	}
}

func TestWhatCouldNotBeReadOfARowBreaksNoOtherRule(t *testing.T) {
	row := domain.ImportRow{Unread: []domain.FieldError{{Pointer: "/login", Detail: "must be a string"}, {Pointer: "/role", Detail: "is not known"}}}
	if broken := row.Check(); pointers(broken) != "/env /login /project_id /role" || broken[1].Detail != "must be a string" {
		t.Errorf("got %v", broken)
	}
	row.Unread = []domain.FieldError{{Pointer: "", Detail: "must be JSON"}}
	if broken := row.Check(); pointers(broken) != "" || len(broken) != 1 {
		t.Errorf("got %v", broken)
	}
	labels, empty := domain.Labels{"": "x"}, domain.Secret{}
	row = domain.ImportRow{Login: " x", Pool: importPool, Password: &empty, Labels: &labels}
	if broken := row.Check(); pointers(broken) != "/labels/ /login /password" {
		t.Errorf("got %v", broken)
	}
}

func TestTheOutcomeOfAnImportHasItsCounts(t *testing.T) {
	counts := domain.ImportCounts{Added: 1, Changed: 300, Unchanged: 70_000, Refused: 4}
	if got := domain.ImportCountsOf(counts.Outcome()); got != counts || counts.Rows() != 70_305 {
		t.Errorf("got %+v, %d rows", got, counts.Rows())
	}
}

func TestAReportHasABoundedNumberOfErrors(t *testing.T) {
	var report domain.ImportReport
	report.AddErrors(make([]domain.ImportError, 600)...)
	report.AddErrors(make([]domain.ImportError, 600)...)
	if len(report.Errors) != domain.MostImportErrors || report.ErrorsTotal != 1200 {
		t.Errorf("%d errors of %d", len(report.Errors), report.ErrorsTotal)
	}
}

func TestARefusedImportNamesTheFirstError(t *testing.T) {
	err := &domain.ImportRefusedError{}
	err.Report.AddErrors(domain.ImportError{Row: 3, FieldError: domain.FieldError{Pointer: "/login", Detail: "must not be empty"}})
	if want := "nothing was imported: row 3: /login must not be empty"; err.Error() != want || !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestImportsOfDifferentCallersHaveDifferentKeys(t *testing.T) {
	id, one, two := domain.ImportID{1}, domain.Caller{Key: domain.APIKeyID{1}}, domain.Caller{Key: domain.APIKeyID{2}}
	if id.Of(one) == id.Of(two) || id.Of(one) == (domain.ImportID{2}).Of(one) {
		t.Error("the keys are wrong")
	}
}
