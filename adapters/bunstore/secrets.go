package bunstore

import (
	"fmt"
	"strings"

	"github.com/userfarm/userfarm/domain"
)

// totpSeparator stands between the password and the TOTP secret of a user. No password has a control character in it.
const totpSeparator = "\x00"

// sealSecrets seals the secrets of a user.
func (s *Store) sealSecrets(id domain.UserID, password domain.Secret, totp domain.TOTP) (Secrets, error) {
	secrets := password
	if !totp.IsZero() {
		secrets = domain.NewSecret(password.Reveal() + totpSeparator + totp.URI().Reveal())
	}
	sealed, key, err := s.sealer.Seal(id, secrets)
	return Secrets{Password: sealed, SealingKey: key}, refuse(err)
}

// openSecrets opens what sealSecrets sealed.
func (s *Store) openSecrets(id domain.UserID, sealed Secrets) (password domain.Secret, totp domain.TOTP, err error) {
	secrets, err := s.sealer.Open(id, sealed.Password)
	if err != nil {
		return domain.Secret{}, domain.TOTP{}, fmt.Errorf("secrets of user %s: %w", id, err)
	}
	before, uri, found := strings.Cut(secrets.Reveal(), totpSeparator)
	if !found {
		return secrets, domain.TOTP{}, nil
	}
	totp, err = domain.ParseTOTP(uri)
	if err != nil {
		return domain.Secret{}, domain.TOTP{}, fmt.Errorf("secrets of user %s: %w", id, err)
	}
	return domain.NewSecret(before), totp, nil
}
