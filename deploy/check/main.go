// Looks at what is deployed with the very libraries that read it: BuildKit's frontend for the Dockerfile, compose-go for
// compose.yaml, kustomize and the API server's own validation for the manifests. Prints what it found as one JSON value.
// `npm run check:deploy` builds and asks it; see scripts/deploy/.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// None of the questions reaches for the network; each is done within seconds.
const timeout = 2 * time.Minute

const usage = `usage:
  check dockerfile CONTEXT           the stages, the image's config, the context's files, BuildKit's warnings
  check compose FILE ENV_FILE        the project as compose would run it
  check kubernetes FOLDER            what kustomize makes of the folder, and what an API server would say to it`

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	answer, err := ask(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(answer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(ctx context.Context, args []string) (any, error) {
	switch {
	case len(args) == 2 && args[0] == "dockerfile":
		return readDockerfile(ctx, args[1])
	case len(args) == 3 && args[0] == "compose":
		return readCompose(ctx, args[1], args[2])
	case len(args) == 2 && args[0] == "kubernetes":
		return readKubernetes(ctx, args[1])
	default:
		return nil, fmt.Errorf("%s", usage)
	}
}
