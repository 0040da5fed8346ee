package userfile_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/userfile"
	"github.com/userfarm/userfarm/domain"
)

const project = "5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39"

// lines returns what a file has, a user on each line, and then the error.
func lines(t testing.TB, format userfile.Format, file string) string {
	t.Helper()
	var all []string
	for row, err := range userfile.Read(strings.NewReader(file), format) {
		if err != nil {
			all = append(all, "error: "+err.Error())
			continue
		}
		all = append(all, describe(row))
	}
	return strings.Join(all, "\n")
}

func describe(row userfile.Row) string {
	u := row.User
	text := fmt.Sprintf("%d: %s %s %s", row.Line, u.Pool.Env, u.Pool.Domain, u.Login)
	if u.Password != nil {
		text += " password=" + u.Password.Reveal()
	}
	if u.TOTP != nil {
		text += fmt.Sprintf(" totp=%t", !u.TOTP.IsZero())
	}
	if u.Labels != nil {
		text += " labels"
		for _, key := range slices.Sorted(maps.Keys(*u.Labels)) {
			text += " " + key + "=" + (*u.Labels)[key]
		}
	}
	for _, field := range u.Unread {
		place := row.Place(field.Pointer)
		text += fmt.Sprintf(" [%d:%d %s %s]", place.Line, place.Column, place.Name, field.Detail)
	}
	return text
}

// terminal has a text, and another one after its end, as a terminal on which people press ctrl-D and type on.
type terminal struct{ texts []string }

func (t *terminal) Read(p []byte) (int, error) {
	if len(t.texts) == 0 || t.texts[0] == "" {
		t.texts = t.texts[min(1, len(t.texts)):]
		return 0, io.EOF
	}
	n := copy(p, t.texts[0])
	t.texts[0] = t.texts[0][n:]
	return n, nil
}

func TestAFileThatHasEndedIsNotReadAgain(t *testing.T) {
	for format, user := range map[userfile.Format]string{
		userfile.CSV: "login\nann\n", userfile.JSONL: "{\"login\":\"ann\"}\n", userfile.YAML: "- login: ann\n",
	} {
		typed := &terminal{texts: []string{user, "typed after the end"}}
		for _, err := range userfile.Read(typed, format) {
			if err != nil {
				t.Errorf("%s: %v", format, err)
			}
		}
		if len(typed.texts) == 0 || typed.texts[0] != "typed after the end" {
			t.Errorf("%s: the file was read after its end", format)
		}
	}
}

func TestFilesAreReadAsPeopleMeanThem(t *testing.T) {
	tests := map[string]struct {
		format     userfile.Format
		file, want string
	}{
		"a plain CSV file": {userfile.CSV, "env,domain,login,password\nstage,d,ann,pw\nstage,d,bob,pw\n",
			"2: stage d ann password=pw\n3: stage d bob password=pw"},
		"a German Excel": {userfile.CSV, "\ufeffenv;domain;login;password;label:role;;\r\nstage;d;ann;\"a;b\"\"c\";admin;;\r\n;;;;;;\r\n\r\nstage;d;bob;pw;;;\r\n",
			"2: stage d ann password=a;b\"c labels role=admin\n5: stage d bob password=pw labels"},
		"tabs":                      {userfile.CSV, "login\tpassword\nann\tp,w\n", "2:   ann password=p,w"},
		"a separator that is named": {userfile.CSV, "sep=;\nlogin;password\nann;pw\n", "3:   ann password=pw"},
		"no line break at the end":  {userfile.CSV, "login,password\nann,pw", "2:   ann password=pw"},
		"names in other letters":    {userfile.CSV, "Login, PASSWORD ,Project\nann,pw,\n", "2:   ann password=pw"},
		"blanks around cells":       {userfile.CSV, "login,env,password\n ann , stage , pw \n", "2: stage  ann password= pw "},
		"a quoted line break":       {userfile.CSV, "login,password,env\n\"a\nb\",pw,e\nc,pw,e\n", "2: e  a\nb password=pw\n4: e  c password=pw"},
		"a short record":            {userfile.CSV, "login,env,password\nann\n", "2:   ann"},
		"a JSON object of labels":   {userfile.CSV, "login,labels\nann,\"{\"\"a\"\":\"\"\"\"}\"\n", "2:   ann labels a="},
		"no columns for labels":     {userfile.CSV, "login\nann\n", "2:   ann"},
		"only a header":             {userfile.CSV, "login\n", ""},
		"nothing":                   {userfile.CSV, "", ""},
		"JSON lines": {userfile.JSONL, "\ufeff{\"login\":\"ann\",\"env\":\"e\",\"labels\":{\"b\":\"2\",\"a\":\"1\"},\"totp_secret\":\"\"}\r\n\r\n  {\"login\":\"bob\",\"password\":null}",
			"1: e  ann totp=false labels a=1 b=2\n3:   bob"},
		"YAML": {userfile.YAML, "- login: ann\n  password: 0123\n  labels: {role: admin, on: yes}\n- login: bob\n  labels:\n",
			"1:   ann password=0123 labels on=yes role=admin\n4:   bob"},
		"YAML documents": {userfile.YAML, "---\nlogin: ann\n---\n- login: bob\n", "2:   ann\n4:   bob"},
		"YAML aliases":   {userfile.YAML, "- login: ann\n  password: &p pw\n- login: bob\n  password: *p\n", "1:   ann password=pw\n3:   bob password=pw"},
		"YAML merges": {userfile.YAML, "- &base\n  login: ann\n  env: stage\n  labels: &l {role: admin}\n- <<: *base\n  login: bob\n  labels: {<<: *l, plan: free}\n" +
			"- login: cid\n  <<: [{env: prod, password: pw}, *base]\n",
			"1: stage  ann labels role=admin\n5: stage  bob labels plan=free role=admin\n8: prod  cid password=pw labels role=admin"},
		"a YAML merge with another name of a field": {
			userfile.YAML, "- &base {login: ann, environment: stage}\n- {env: prod, <<: *base, Username: bob}\n", "1: stage  ann\n2: prod  bob",
		},
		"a YAML merge with itself": {userfile.YAML, "- &a\n  login: ann\n  <<: *a\n", "1:   ann"},
		"a Macintosh Excel":        {userfile.CSV, "login;password\rann;pw\r\"b\rob\";pw\r", "2:   ann password=pw\n3:   b\nob password=pw"},
		"empty YAML":               {userfile.YAML, "\n", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := lines(t, test.format, test.file); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	tests := map[string]struct {
		format     userfile.Format
		file, want string
	}{
		"a column that is not known":  {userfile.CSV, "login,roles\nann,x\n", `error: line 1: the column "roles" is not known`},
		"a column twice":              {userfile.CSV, "login,user\nann,x\n", `error: line 1: the column "user" is there twice`},
		"a label without a key":       {userfile.CSV, "login,label:\nann,x\n", `error: line 1: the column "label:" must have the key`},
		"a cell without a column":     {userfile.CSV, "login\nann,x\n", "2:   ann [2:1  must not have a cell without a column"},
		"a bare quote":                {userfile.CSV, "login\na\"b\nbob\n", "[2:2  must have quotes around a whole cell"},
		"after a bare quote":          {userfile.CSV, "login\na\"b\nbob\n", "3:   bob"},
		"a blank after a quoted cell": {userfile.CSV, "login,env\n\"ann\" ,e\n", "with no blank outside of them"},
		"a YAML merge of a text":      {userfile.YAML, "- login: ann\n  <<: text\n", "[2:7 << is not known"},
		"an open quote":               {userfile.CSV, "login\n\"ann\n", "must have quotes around a whole cell"},
		"a long name":                 {userfile.CSV, "login," + strings.Repeat("\x1b[x", 1000) + "\nann,x\n", `error: line 1: the column "` + strings.Repeat("\ufffd[x", 13) + "\ufffd…\" is not known"},
		"a bad second factor":         {userfile.CSV, "login,totp\nann,111\n", "[2:5 totp must be base32"},
		"Windows letters":             {userfile.CSV, "login,env\nann,m\xfcnchen\n", "[2:5 env must be UTF-8"},
		"UTF-16":                      {userfile.CSV, "\xff\xfel\x00", "error: line 1: the file must be UTF-8, and it is UTF-16"},
		"bad labels":                  {userfile.CSV, "login,labels\nann,x\n", "[2:5 labels must be a JSON object"},
		"a number":                    {userfile.JSONL, `{"login":"ann", "password": 1}`, "[1:29 password must be a text"},
		"a label that is no text":     {userfile.JSONL, `{"login":"ann","labels":{"a/b":true}}`, "[1:32 label:a/b must be a text"},
		"an unknown member":           {userfile.JSONL, `{"login":"ann","role":"admin"}`, "[1:23 role is not known"},
		"no JSON":                     {userfile.JSONL, "{\"login\":\"ann\"\n{\"login\":\"bob\"}", "must be JSON"},
		"a list":                      {userfile.JSONL, `[{"login":"ann"}]`, `error: line 1: must have a JSON object on each line, and this is a list`},
		"a list later":                {userfile.JSONL, "{}\n[]", "2:    [2:1  must be a JSON object in one line"},
		"two objects":                 {userfile.JSONL, `{"login":"ann"}{}`, "nothing after it"},
		"a member twice":              {userfile.JSONL, `{"login":"ann","login":"bob"}`, "must not have a member twice"},
		"a long line":                 {userfile.JSONL, strings.Repeat("x", 2<<20), "1:    [1:1  must have at most 1 MiB]"},
		"after a long line":           {userfile.JSONL, strings.Repeat("x", 2<<20) + "\n{\"login\":\"ann\"}", "2:   ann"},
		"a key of YAML":               {userfile.YAML, "- login: ann\n  role: admin\n", "[2:9 role is not known"},
		"a list for a text":           {userfile.YAML, "- login: [ann]\n", "[1:10 login must be a text"},
		"a text for a user":           {userfile.YAML, "- ann\n", "[1:3  must be a mapping"},
		"a key twice":                 {userfile.YAML, "- login: ann\n  user: bob\n", "must not be there twice"},
		"no YAML":                     {userfile.YAML, "- login: [\n", "error: line"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := lines(t, test.format, test.file); !strings.Contains(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestAFieldThatIsMissingIsNamed(t *testing.T) {
	for row := range userfile.Read(strings.NewReader("login\nann\n"), userfile.CSV) {
		for pointer, name := range map[string]string{"/env": "env", "/labels/a~1b": "label:a/b", "": "", "/login": "login"} {
			if place := row.Place(pointer); place.Name != name || place.Line != 2 {
				t.Errorf("%s is at %+v", pointer, place)
			}
		}
	}
}

func TestTheNameTellsTheFormat(t *testing.T) {
	for name, want := range map[string]userfile.Format{"a.CSV": userfile.CSV, "b.ndjson": userfile.JSONL, "c.yml": userfile.YAML} {
		if got, err := userfile.FormatOf(name); got != want || err != nil {
			t.Errorf("%s is %s (%v)", name, got, err)
		}
	}
	if _, err := userfile.FormatOf("users.xlsx"); err == nil {
		t.Error("there is no error")
	}
}

func spec(login string, labels domain.Labels) domain.Spec {
	id, _ := domain.ParseUserID(project)
	totp, err := domain.ParseTOTP("JBSWY3DPEHPK3PXP")
	if err != nil {
		panic(err)
	}
	return domain.Spec{
		Login: login, Password: domain.NewSecret("=1+1 \"'; " + login), TOTP: totp, Labels: labels,
		Pool: domain.Pool{ProjectID: domain.ProjectID(id), Env: "null", Domain: "- a: b"},
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	users := []domain.Spec{spec("ann", domain.Labels{"role": "admin", "a/b": "x,y;z"}), spec("=bob", domain.Labels{}), spec("zoë", domain.Labels{"n": "0123"})}
	for _, format := range []userfile.Format{userfile.CSV, userfile.JSONL, userfile.YAML} {
		for _, layout := range []userfile.Layout{
			{Secrets: true, Labels: []string{"a/b", "n", "role"}}, {Labels: []string{"a/b", "n", "role"}}, {Secrets: true, LabelsAsJSON: true},
		} {
			if layout.LabelsAsJSON {
				users[0].Labels["empty"] = ""
			}
			var file strings.Builder
			writer, err := userfile.NewWriter(&file, format, layout)
			if err != nil {
				t.Fatal(err)
			}
			for _, user := range users {
				if err := writer.Write(user); err != nil {
					t.Fatal(err)
				}
			}
			if err := writer.Flush(); err != nil {
				t.Fatal(err)
			}
			n := 0
			for row, err := range userfile.Read(strings.NewReader(file.String()), format) {
				if err != nil || len(row.User.Unread) > 0 {
					t.Fatalf("%s: %v %v\n%s", format, err, row.User.Unread, file.String())
				}
				wantSame(t, row.User, users[n], layout.Secrets)
				n++
			}
			if n != len(users) {
				t.Errorf("%s: %d users were read:\n%s", format, n, file.String())
			}
			delete(users[0].Labels, "empty")
		}
	}
}

func wantSame(t interface {
	Helper()
	Errorf(format string, args ...any)
}, row domain.ImportRow, user domain.Spec, secrets bool,
) {
	t.Helper()
	if row.Login != user.Login || row.Pool != user.Pool || row.Labels != nil && !maps.Equal(*row.Labels, user.Labels) ||
		row.Labels == nil && len(user.Labels) > 0 {
		t.Errorf("got %+v, want %+v", row, user)
	}
	if (row.Password != nil) != secrets || secrets && (*row.Password != user.Password || row.TOTP == nil != user.TOTP.IsZero() || row.TOTP != nil && *row.TOTP != user.TOTP) {
		t.Errorf("%s has other secrets", user.Login)
	}
}

func TestANewLabelWhileACSVFileIsWrittenIsAnError(t *testing.T) {
	writer, err := userfile.NewWriter(new(strings.Builder), userfile.CSV, userfile.Layout{})
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(spec("ann", domain.Labels{"role": "admin"})); err == nil || !strings.Contains(err.Error(), "label role") {
		t.Errorf("got the error %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []string{
		"login,password,label:role\nann,pw,admin\n", "\ufeffsep=;\nlogin;labels\n\"a\nb\";{}\n", "a\"b\n\"", `{"login":"ann","labels":{"a":"b"}}`,
		"- &a {login: ann, labels: {a: b}}\n- *a\n", "- login: &x [*x]\n", "? a\n: b\n", "\xff\xfe",
	} {
		for n := range 3 {
			f.Add(n, file)
		}
	}
	f.Fuzz(func(t *testing.T, n int, file string) {
		formats := []userfile.Format{userfile.CSV, userfile.JSONL, userfile.YAML}
		last := 0
		for row, err := range userfile.Read(strings.NewReader(file), formats[uint(n)%3]) {
			if err != nil {
				if _, bad := errors.AsType[*userfile.FormatError](err); !bad {
					t.Errorf("got the error %v", err)
				}
				continue
			}
			for _, field := range row.User.Check() {
				if place := row.Place(field.Pointer); place.Line < 1 || place.Column < 1 || place.Line > strings.Count(file, "\n")+strings.Count(file, "\r")+2 {
					t.Errorf("%s is at %+v", field.Pointer, place)
				}
			}
			if n%3 == 1 && row.Line <= last {
				t.Errorf("line %d is after line %d", row.Line, last)
			}
			last = row.Line
		}
	})
}
