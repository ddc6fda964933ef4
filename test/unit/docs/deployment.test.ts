/** Docker's and kubectl's commands can't be run without an engine and a cluster: here is what they name. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../../../stack/command.ts';
import { commandsOf } from '../../docs/commands.ts';
import { readPages } from '../../docs/pages.ts';

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const commands = readPages()
  .filter(({ path }) => path === 'docs/deployment.md' || path === 'README.md')
  .flatMap(commandsOf)
  .map(({ plain }) => plain);
const beginningWith = (start: string) => commands.filter((command) => command.startsWith(start));

const dockerfile = read('Dockerfile');
const project = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, { profiles?: string[]; image?: string }>;
};
/** What follows `docker compose` with a value of its own. */
const COMPOSE_VALUES = /--(profile|file|env-file) \S+/g;
const COMPOSE_VERBS = new Set(['up', 'ps', 'run', 'logs', 'down']);

describe('the commands of the deployment', () => {
  it('make every secret that compose asks for, and no other', () => {
    const [loop = ''] = beginningWith('for name in MYSQL_ROOT_PASSWORD');
    const made = execFileSync('bash', ['-c', loop.replace(/> \.env$/, '')], { encoding: 'utf8' });
    const secrets = [...made.matchAll(/^(\w+)=([0-9a-f]{48})$/gm)].map(([, name]) => name);
    const asked = [...read('deploy/compose/example.env').matchAll(/^(\w+)=$/gm)].map(([, name]) => name);
    expect(secrets).toEqual(asked);
  });

  it('build with arguments that the Dockerfile has, to the image that compose and Kubernetes run', () => {
    const builds = beginningWith('docker build');
    const args = builds.flatMap((command) => [...command.matchAll(/--build-arg (\w+)=/g)].map(([, name]) => name));
    expect(args.length).toBeGreaterThan(0);
    expect(args.filter((name) => !dockerfile.includes(`ARG ${name}=`))).toEqual([]);
    const images = new Set(
      commands.flatMap((command) =>
        command.startsWith('docker ') ? (command.match(/\bcrossfade:[\d.]+/g) ?? []) : [],
      ),
    );
    expect([...images]).toEqual([project.services['crossfade-1']?.image]);
    expect(read('deploy/kubernetes/base/deployment.yaml')).toContain(`image: ${[...images].join()}`);
  });

  it('run the image with the ports and the files that it looks for', () => {
    const [run = ''] = beginningWith('docker run --read-only');
    const ports = [...run.matchAll(/127\.0\.0\.1:\d+:(\d+)/g)].map(([, port]) => port);
    expect(ports).toEqual(/^EXPOSE (.*)$/m.exec(dockerfile)?.[1]?.split(' '));
    expect(dockerfile).toContain(/:(\/etc\/\S+crossfade\.yaml):ro/.exec(run)?.[1]);
    const [look = ''] = beginningWith('docker run --rm --entrypoint node');
    expect(dockerfile).toContain(/readFileSync\('([^']+)'/.exec(look)?.[1]);
  });

  it('name services and profiles of compose', () => {
    const composed = beginningWith('docker compose');
    expect(composed.length).toBeGreaterThan(4);
    const profiles = new Set(Object.values(project.services).flatMap((service) => service.profiles ?? []));
    for (const command of composed) {
      const named = [...command.matchAll(/--profile (\S+)/g)].map(([, profile = '']) => profile);
      expect(
        named.filter((profile) => !profiles.has(profile)),
        command,
      ).toEqual([]);
      const [verb = '', ...services] = command
        .replace('docker compose', '')
        .replaceAll(COMPOSE_VALUES, '')
        .split(' ')
        .filter((word) => word !== '' && !word.startsWith('--'));
      expect(COMPOSE_VERBS, command).toContain(verb);
      expect(
        services.filter((service) => !(service in project.services)),
        command,
      ).toEqual([]);
    }
  });

  it('apply folders that have a kustomization, and ask for objects of theirs', () => {
    const kubectl = beginningWith('kubectl');
    const folders = kubectl.flatMap((command) => command.match(/deploy\/kubernetes\/\S+/g) ?? []);
    expect(folders.length).toBeGreaterThan(1);
    for (const folder of folders) {
      expect(statSync(join(ROOT, folder)).isDirectory()).toBe(true);
      expect(existsSync(join(ROOT, folder, 'kustomization.yaml')), folder).toBe(true);
    }
    const [status = ''] = kubectl.filter((command) => command.includes('rollout status'));
    const [, namespace, name] = /--namespace (\S+) rollout status deployment\/(\S+)/.exec(status) ?? [];
    expect(parse(read('deploy/kubernetes/example/kustomization.yaml')).namespace).toBe(namespace);
    expect(parse(read('deploy/kubernetes/base/deployment.yaml')).metadata.name).toBe(name);
  });
});
