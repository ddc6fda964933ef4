package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// What the official Node images set, as far as a build depends on it.
var nodeImage = ocispecs.Image{
	Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"},
	Config: ocispecs.ImageConfig{
		Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Entrypoint: []string{"docker-entrypoint.sh"},
		Cmd:        []string{"node"},
	},
}

type step struct {
	Line    int               `json:"line"`
	Code    string            `json:"code"`
	Name    string            `json:"name"`
	Shell   bool              `json:"shell,omitempty"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	Sources []string          `json:"sources,omitempty"`
	To      string            `json:"to,omitempty"`
	From    string            `json:"from,omitempty"`
	Owner   string            `json:"owner,omitempty"`
	Mode    string            `json:"mode,omitempty"`
	Unknown []string          `json:"unknown,omitempty"`
}

type stage struct {
	Name  string `json:"name"`
	Base  string `json:"base"`
	Steps []step `json:"steps"`
}

type dockerfile struct {
	Stages   []stage  `json:"stages"`
	Image    any      `json:"image"`
	Files    []string `json:"files"`
	Warnings []string `json:"warnings"`
}

// The stages with variables put in, and the image's config as BuildKit would write it.
func readDockerfile(ctx context.Context, folder string) (any, error) {
	text, err := os.ReadFile(filepath.Join(folder, "Dockerfile"))
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, metaArgs, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	if len(metaArgs) > 0 {
		return nil, fmt.Errorf("ARG before FROM: name each base in full, so that its tag is fixed")
	}
	answer := dockerfile{Stages: []stage{}}
	for _, each := range stages {
		steps, err := readSteps(each)
		if err != nil {
			return nil, err
		}
		answer.Stages = append(answer.Stages, stage{Name: each.Name, Base: each.BaseName, Steps: steps})
	}
	if answer.Image, answer.Warnings, err = convert(ctx, text); err != nil {
		return nil, err
	}
	answer.Files, err = contextFiles(folder)
	return answer, err
}

func readSteps(of instructions.Stage) ([]step, error) {
	env := map[string]string{}
	for _, pair := range nodeImage.Config.Env {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	lex := shell.NewLex('\\')
	steps := []step{}
	for _, command := range of.Commands {
		if expandable, ok := command.(instructions.SupportsSingleWordExpansion); ok {
			err := expandable.Expand(func(word string) (string, error) {
				result, _, err := lex.ProcessWord(word, shell.EnvsFromSlice(pairs(env)))
				return result, err
			})
			if err != nil {
				return nil, err
			}
		}
		next := step{Name: command.Name(), Code: fmt.Sprint(command)}
		if location := command.Location(); len(location) > 0 {
			next.Line = location[0].Start.Line
		}
		describe(command, &next, env)
		steps = append(steps, next)
	}
	return steps, nil
}

// What is only in the image's config (labels, ports, the entry point) is not a step to be taken.
func describe(command instructions.Command, next *step, env map[string]string) {
	switch c := command.(type) {
	case *instructions.EnvCommand:
		for _, pair := range c.Env {
			env[pair.Key] = pair.Value
		}
	case *instructions.ArgCommand:
		for _, arg := range c.Args {
			if arg.Value != nil {
				env[arg.Key] = *arg.Value
			}
		}
	case *instructions.RunCommand:
		next.Shell, next.Args, next.Unknown = c.PrependShell, c.CmdLine, c.FlagsUsed
		next.Env = map[string]string{}
		for name, value := range env {
			next.Env[name] = value
		}
		if len(c.Files) > 0 {
			next.Unknown = append(next.Unknown, "a here-document")
		}
	case *instructions.CopyCommand:
		next.Sources, next.To, next.From, next.Owner, next.Mode = c.SourcePaths, c.DestPath, c.From, c.Chown, c.Chmod
		if len(c.ExcludePatterns) > 0 || c.Parents || len(c.SourceContents) > 0 {
			next.Unknown = append(next.Unknown, "an option of COPY")
		}
	case *instructions.WorkdirCommand:
		next.To = c.Path
	case *instructions.UserCommand:
		next.Owner = c.User
	}
}

func pairs(env map[string]string) []string {
	all := []string{}
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// Answers for a registry that can't be asked.
type knownImages struct{}

func (knownImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(nodeImage)
	return ref, "", config, err
}

func convert(ctx context.Context, text []byte) (any, []string, error) {
	warnings := []string{}
	result, err := dockerfile2llb.Dockerfile2LLB(ctx, text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{},
		MetaResolver: knownImages{},
		SourceMap:    llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text),
		AllStages:    true,
		Warn: func(rule, _, _, message string, _ []parser.Range) {
			warnings = append(warnings, rule+": "+message)
		},
	})
	if err != nil {
		return nil, nil, err
	}
	return result.Image.Config, warnings, nil
}

// The files that a builder would be sent, by .dockerignore.
func contextFiles(folder string) ([]string, error) {
	matcher, err := ignored(folder)
	if err != nil {
		return nil, err
	}
	files := []string{}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		hidden, err := matcher.MatchesOrParentMatches(name)
		if err != nil {
			return err
		}
		if hidden && entry.IsDir() && !holdsException(matcher, name) {
			return filepath.SkipDir
		}
		if !hidden && !entry.IsDir() {
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

// Whether a pattern such as `!deploy/image` brings back something below the folder.
func holdsException(matcher *patternmatcher.PatternMatcher, folder string) bool {
	for _, pattern := range matcher.Patterns() {
		if pattern.Exclusion() && strings.HasPrefix(pattern.String()+"/", folder+"/") {
			return true
		}
	}
	return false
}

func ignored(folder string) (*patternmatcher.PatternMatcher, error) {
	file, err := os.Open(filepath.Join(folder, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}
