import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { temporaryFolder } from '../parts/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const MANIFEST = readFileSync(join(ROOT, 'examples/kubernetes/tidegauge.yaml'), 'utf8');

/** Where kubernetes-types has the kinds of an API. It is made from the OpenAPI that Kubernetes publishes. */
const MODULES: Readonly<Record<string, string>> = {
  v1: 'kubernetes-types/core/v1',
  'apps/v1': 'kubernetes-types/apps/v1',
};

const folder = temporaryFolder();
symlinkSync(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
afterAll(() => folder.remove());

/** Each object of a manifest as a literal of its published type, in which tsc refuses what the type does not know. */
function typed(manifest: string): string {
  return parseAllDocuments(manifest)
    .map(document => document.toJS() as { readonly apiVersion: string; readonly kind: string })
    .map((part, i) => {
      const type = `import('${MODULES[part.apiVersion]}').${part.kind}`;
      return `export const part${i}: ${type} = ${JSON.stringify(part, null, 1)};\n`;
    })
    .join('');
}

/** What is wrong with each of some manifests, as tsc says it. */
function problemsOf(manifests: Readonly<Record<string, string>>): Record<string, string[]> {
  const names = Object.keys(manifests);
  for (const [name, manifest] of Object.entries(manifests))
    writeFileSync(join(folder.path, `${name}.ts`), typed(manifest));
  const options = ['--noEmit', '--strict', '--types', '', '--module', 'esnext'];
  options.push('--moduleResolution', 'bundler', '--pretty', 'false');
  const files = names.map(name => `${name}.ts`);
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { stdout } = spawnSync(tsc, [...options, ...files], { cwd: folder.path, encoding: 'utf8' });
  const lines = stdout.split('\n');
  return Object.fromEntries(names.map(name => [name, lines.filter(line => line.startsWith(`${name}.ts(`))]));
}

describe('examples/kubernetes by the schemas that Kubernetes 1.30 publishes', () => {
  const WRONG = {
    misspelt: ['hostPID: true', 'hostPid: true'],
    misplaced: ['      hostPID: true\n', '      hostPID: true\n      readinessProbe: {}\n'],
    type: ['containerPort: 8434', 'containerPort: "8434"'],
    missing: ['      containers:\n        - name: collect\n', '      containers:\n        -\n'],
    kind: ['kind: DaemonSet', 'kind: DeamonSet'],
    api: ['apiVersion: apps/v1', 'apiVersion: apps/v2'],
  } as const;
  const found = problemsOf({
    manifest: MANIFEST,
    ...Object.fromEntries(
      Object.entries(WRONG).map(([name, [from, to]]) => [name, MANIFEST.replace(from, to)]),
    ),
  });

  it('is valid', () => {
    expect(found.manifest).toEqual([]);
  });

  it.each([
    ['misspelt', /hostPid.*does not exist in type 'PodSpec'/],
    ['misplaced', /readinessProbe.*does not exist in type 'PodSpec'/],
    ['type', /'string' is not assignable to type 'number'/],
    ['missing', /'name' is missing/],
    ['kind', /no exported member.*DeamonSet/],
    ['api', /Cannot find module/],
  ])('is not with one mistake: %s', (name, message) => {
    expect(found[name]?.join('\n')).toMatch(message);
  });
});
