package crossfade_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	crossfade "crossfade.dev/client"
)

func TestAConnectionNeedsAddressesAndATokenNeedsTLS(t *testing.T) {
	for _, addresses := range [][]string{nil, {""}, {"a:1", ""}} {
		if _, err := crossfade.NewConn(addresses); err == nil {
			t.Errorf("%q made a connection", addresses)
		}
	}
	if _, err := crossfade.NewConn([]string{"a:1"}, crossfade.WithToken(crossfade.StaticToken("secret"))); err == nil {
		t.Error("a token would have been sent in the clear")
	}
}

func TestATokenGoesWithoutTLSOnlyIfTheCallerSaysSo(t *testing.T) {
	server := startScripted(t)
	client := clientOf(t, []string{server.address}, crossfade.WithToken(crossfade.StaticToken("secret")), crossfade.WithTokenInClear())
	if _, err := client.GetMedication(t.Context(), get("1")); err != nil {
		t.Fatal(err)
	}
	if got := server.last().says("authorization"); got != "Bearer secret" {
		t.Errorf("%q", got)
	}
}

func TestAnInstanceThatHangsIsNoticedLongBeforeADistantDeadline(t *testing.T) {
	t.Parallel()
	server := startScripted(t)
	link := startLink(t, server.address)
	client := clientOf(t, []string{link.address}, crossfade.WithRetries(0), crossfade.WithTimeout(time.Minute))
	if _, err := client.GetMedication(t.Context(), get("1")); err != nil {
		t.Fatal(err)
	}
	link.swallow()
	begun := time.Now()
	_, err := client.GetMedication(t.Context(), get("1"))
	if waited := time.Since(begun); status.Code(err) != codes.Unavailable || waited > 30*time.Second {
		t.Errorf("after %v: %v", waited, err)
	}
}

func TestMistakesInTLSFilesShowAtOnce(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(noPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, files := range []crossfade.TLSFiles{{CA: noPEM}, {CA: "/absent"}, {Cert: noPEM}, {Cert: noPEM, Key: noPEM}} {
		if _, err := files.Config(); err == nil {
			t.Errorf("%v made a config", files)
		}
	}
}

func TestMutualTLSCarriesATokenThatIsAskedForEachCall(t *testing.T) {
	folder := t.TempDir()
	writeCertificate(t, folder)
	files := crossfade.TLSFiles{
		CA:   filepath.Join(folder, "own.crt"),
		Cert: filepath.Join(folder, "own.crt"),
		Key:  filepath.Join(folder, "own.key"),
	}
	config, err := files.Config()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := startScripted(t, grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: config.RootCAs,
	})))
	tokens := []string{"first", "second"}
	source := func(context.Context) (string, error) {
		if len(tokens) == 0 {
			return "", errors.New("the issuer is away")
		}
		token := tokens[0]
		tokens = tokens[1:]
		return token, nil
	}
	// Each address by its own name in the certificate, which has none for the first.
	addresses := []string{"localhost:9", server.address}
	client := clientOf(t, addresses, crossfade.WithTLS(config), crossfade.WithToken(source))
	for _, want := range []string{"Bearer first", "Bearer second"} {
		if _, err := client.GetMedication(t.Context(), get("1")); err != nil {
			t.Fatal(err)
		}
		if got := server.last().says("authorization"); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
	_, err = client.CreateMedication(t.Context(), create("1", ""))
	if err == nil || crossfade.OutcomeUnknown(err) {
		t.Errorf("without a token: %v", err)
	}
	withoutOwn, err := crossfade.TLSFiles{CA: files.CA}.Config()
	if err != nil {
		t.Fatal(err)
	}
	_, err = clientOf(t, []string{server.address}, crossfade.WithTLS(withoutOwn)).GetMedication(t.Context(), get("1"))
	if status.Code(err) != codes.Unavailable {
		t.Errorf("without a certificate: %v", err)
	}
}

// writeCertificate makes one for 127.0.0.1 that vouches for itself, for servers and callers.
func writeCertificate(t *testing.T, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test"},
		NotAfter:              time.Now().Add(time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"own.crt": {Type: "CERTIFICATE", Bytes: certificate},
		"own.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
