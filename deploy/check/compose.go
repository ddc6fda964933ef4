package main

import (
	"context"

	"github.com/compose-spec/compose-go/v2/cli"
)

// The project as `docker compose config` prints it: checked against the Compose schema, which refuses keys that it does
// not know, with variables put in and paths made absolute. Every profile is on.
func readCompose(ctx context.Context, file, envFile string) (any, error) {
	options, err := cli.NewProjectOptions(
		[]string{file},
		cli.WithoutEnvironmentResolution,
		cli.WithEnvFiles(envFile),
		cli.WithDotEnv,
		cli.WithDefaultProfiles("*"),
		cli.WithConsistency(true),
		cli.WithNormalization(true),
	)
	if err != nil {
		return nil, err
	}
	return options.LoadProject(ctx)
}
