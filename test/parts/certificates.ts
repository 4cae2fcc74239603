import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An authority of our own, and a certificate for 127.0.0.1 that it has signed. */
export interface Certificates {
  /** File with the authority's certificate. */
  readonly ca: string;
  readonly server: { readonly key: string; readonly cert: string };
}

export function makeCertificates(folder: string): Certificates {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...pair, '-subj', '/CN=authority', '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem'];
  openssl('req', '-x509', ...pair, '-subj', '/CN=server', ...signed, ...files);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  return { ca: join(folder, 'ca.pem'), server: { key: read('key.pem'), cert: read('cert.pem') } };
}
