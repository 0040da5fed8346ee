package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
)

// adminKeyVariable is the environment variable for the API key of the first admin. There is no flag for it, because other accounts on
// the machine can see flags.
const adminKeyVariable = "USERFARM_ADMIN_KEY"

// Validate returns an error that does not quote the key.
func (c AccessConfig) Validate() error {
	text := os.Getenv(adminKeyVariable)
	if text == "" {
		return nil
	}
	if c.AdminKeyFile != "" {
		return errors.New("set either --admin-key-file or " + adminKeyVariable + ", not both")
	}
	if _, err := domain.ParseToken(text); err != nil {
		return fmt.Errorf("%s: %w", adminKeyVariable, err)
	}
	return nil
}

// adminKey returns the token of the first admin, or the zero token if none was given.
func (c AccessConfig) adminKey() (domain.Token, error) {
	if c.AdminKeyFile == "" {
		text := os.Getenv(adminKeyVariable)
		if text == "" {
			return domain.Token{}, nil
		}
		return domain.ParseToken(text)
	}
	text, err := os.ReadFile(c.AdminKeyFile)
	if err != nil {
		return domain.Token{}, fmt.Errorf("--admin-key-file: %w", err)
	}
	token, err := domain.ParseToken(strings.TrimSpace(string(text)))
	if err != nil {
		return domain.Token{}, fmt.Errorf("--admin-key-file: %s: %w (make one with: userfarm keys generate)", c.AdminKeyFile, err)
	}
	return token, nil
}

// admitAdmin adds the API key of the first admin to the farm, if one was given and the farm does not have it yet.
func admitAdmin(ctx context.Context, cfg AccessConfig, farm *app.Farm, log *slog.Logger) error {
	token, err := cfg.adminKey()
	if err != nil || token.IsZero() {
		return err
	}
	if cfg.AdminKeyFile != "" {
		warnIfReadable(log, "the API key of the first admin", cfg.AdminKeyFile)
	}
	added, err := farm.AdmitFirst(ctx, token)
	if err != nil {
		return fmt.Errorf("admit the first admin: %w", err)
	}
	if added {
		log.Info("the API key of the first admin was added to the farm")
	}
	return nil
}
