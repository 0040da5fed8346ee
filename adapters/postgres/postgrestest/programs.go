package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// programs are PostgreSQL's programs, and the account that runs them: PostgreSQL refuses to run as root.
type programs struct {
	folder string
	as     *account // nil for the account that runs the test
}

type account struct {
	name     string
	uid, gid int
}

var errNoPrograms = errors.New("PostgreSQL's programs initdb and postgres are not on this machine")

// installFolders are patterns of the folders in which systems install the programs.
var installFolders = []string{
	"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
	"/usr/pgsql-*/bin",                  // Red Hat, from postgresql.org
	"/usr/libexec/postgresql*",          // Alpine
	"/opt/homebrew/opt/postgresql*/bin", // macOS
	"/usr/local/opt/postgresql*/bin",
	"/usr/local/pgsql/bin",
}

// find looks for the programs in the PATH and in [installFolders], the newest version first. It returns [errNoPrograms].
func find() (programs, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // the other programs may have no link in the same folder
			folders = append(folders, filepath.Dir(path))
		}
	}
	for _, pattern := range installFolders {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		slices.Reverse(found)
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		if isExecutable(filepath.Join(folder, "initdb")) && isExecutable(filepath.Join(folder, "postgres")) {
			as, err := serverAccount()
			return programs{folder: folder, as: as}, err
		}
	}
	return programs{}, errNoPrograms
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// serverAccount returns the account that servers run as if the test runs as root.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(found.Uid)
		gid, errGID := strconv.Atoi(found.Gid)
		if errUID == nil && errGID == nil {
			return &account{name: name, uid: uid, gid: gid}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and this machine has no account postgres or nobody to run it: " +
		"run the tests as another user, or set " + Variable)
}

// command prepares a program to run in a folder.
func (p programs) command(folder, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + p.folder + ":" + os.Getenv("PATH"), "LC_ALL=C"}
	isolate(cmd, p.as)
	return cmd
}

// run runs one of the programs.
func (p programs) run(folder, name string, args ...string) error {
	output, err := p.command(folder, filepath.Join(p.folder, name), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, p.explain(err), output)
	}
	return nil
}

// explain says what to do where root may not change to another account, as in some containers.
func (p programs) explain(err error) error {
	if p.as != nil && errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("PostgreSQL refuses to run as root, and root can't change to %s here: run the tests as another user (%w)",
			p.as.name, err)
	}
	return err
}

// newFolder makes a folder that belongs to the account that runs the programs. Its path is short, because the path of a socket
// must be.
func (p programs) newFolder() (string, error) {
	folder, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return "", err
	}
	return folder, p.give(folder)
}

// writeFile writes a file that belongs to the account that runs the programs.
func (p programs) writeFile(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return p.give(path)
}

func (p programs) give(path string) error {
	if p.as == nil {
		return nil
	}
	return os.Chown(path, p.as.uid, p.as.gid)
}
