import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import type { Incident } from '../../../core/incident/incident.ts';
import { UTC } from '../../../core/time-zone.ts';
import { NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import { html } from '../../../review/html/html.ts';
import { incidentHtml } from '../../../review/html/incident.ts';
import { reportHtml } from '../../../review/html/page.ts';
import { emptyPage, HOSTILE, hostilePage, hostileReport } from './pages.ts';

const MIB = 1024 ** 2;

/** All elements of a document, as a browser would have them. `errors`: what it would have had to guess. */
function elementsOf(text: string): { elements: Tree.Element[]; errors: string[] } {
  const errors: string[] = [];
  const elements: Tree.Element[] = [];
  const visit = (node: Tree.Node): void => {
    if ('tagName' in node) elements.push(node);
    if ('childNodes' in node) for (const child of node.childNodes) visit(child);
  };
  visit(parse(text, { onParseError: ({ code }) => errors.push(code) }));
  return { elements, errors };
}

const textOf = (node: Tree.Node): string =>
  'value' in node ? node.value : 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
const named = (elements: readonly Tree.Element[], name: string) =>
  elements.filter(({ tagName }) => tagName === name);
const attribute = ({ attrs }: Tree.Element, name: string) => attrs.find(one => one.name === name)?.value;

/** Links within a page to what is not on it. */
function deadLinks(elements: readonly Tree.Element[]): string[] {
  const ids = new Set(elements.map(element => attribute(element, 'id')));
  const links = named(elements, 'a').map(link => attribute(link, 'href')?.slice(1) ?? '');
  return links.filter(id => !ids.has(id));
}

describe('a report of hosts, services and containers with hostile names', () => {
  const text = hostileReport();
  const { elements, errors } = elementsOf(text);

  it('is one HTML document in which a browser has nothing to guess', () => {
    expect(errors).toEqual([]);
    expect(text.startsWith('<!doctype html>')).toBe(true);
    expect(text.length).toBeLessThan(5 * MIB);
  });

  it('has no script, no handler and no style but its own, and refers to nothing outside', () => {
    for (const name of [
      'script',
      'img',
      'link',
      'iframe',
      'object',
      'form',
      'base',
      'image',
      'use',
      'foreignObject',
    ])
      expect(named(elements, name)).toEqual([]);
    expect(named(elements, 'style')).toHaveLength(1);
    const attributes = elements.flatMap(({ attrs }) => attrs);
    expect(
      attributes.filter(({ name }) => name.startsWith('on') || name === 'style' || name === 'src'),
    ).toEqual([]);
    const links = attributes.filter(({ name }) => name === 'href').map(({ value }) => value);
    expect(links.filter(value => !/^#[\w-]+$/.test(value))).toEqual([]);
    const [style] = named(elements, 'style');
    expect(style && textOf(style)).not.toMatch(/url\(|@import/);
  });

  it('shows each name literally', () => {
    const shown = named(elements, 'bdi').map(textOf);
    expect(shown).toEqual(
      expect.arrayContaining([HOSTILE.script, HOSTILE.single, HOSTILE.style, HOSTILE.attribute]),
    );
    // What turns the text around is shown as a code, what is too long cut.
    expect(shown).toContain('\\u{202e}مرحبا-web');
    expect(shown.some(name => /^x{50,}…$/.test(name))).toBe(true);
  });

  it('links lead to what is there, each id once', () => {
    const ids = elements.flatMap(element => attribute(element, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(deadLinks(elements)).toEqual([]);
  });

  it('has a picture in words, and for each incident its charts, numbers and peers', () => {
    const pictures = named(elements, 'svg').filter(svg => attribute(svg, 'role') === 'img');
    expect(pictures.filter(svg => attribute(svg, 'aria-label') === undefined)).toEqual([]);
    const articles = named(elements, 'article');
    // All of them send more at once.
    expect(articles).toHaveLength(1);
    for (const article of articles) {
      const said = textOf(article);
      expect(said).toContain('bytes sent');
      expect(said).toContain('expected by limit');
      expect(said).toContain('Mostly 960 B to 1 KiB (100%, before 100%)');
      expect(said).toContain('Peers during the incident');
    }
  });
});

describe('a report', () => {
  it('of nothing says that nothing is known', () => {
    const { elements, errors } = elementsOf(reportHtml(emptyPage()));
    const said = elements.map(textOf).join();
    expect(errors).toEqual([]);
    expect(said).toContain('No host has stored frames: nothing is known.');
    expect(said).toContain('No incidents');
  });

  it('of very many incidents stays small: the worst are shown, all are counted', () => {
    const page = hostilePage();
    const [one] = page.incidents;
    const record = one && page.records.get(one.id);
    if (!one || !record) throw new Error('no incident');
    const many = Array.from({ length: 900 }, (_, i) => ({
      ...one,
      severity: 'warning' as Incident['severity'],
      id: `id${i}`,
      start: one.start + i,
    }));
    many[700] = { ...one, id: 'worst', severity: 'critical', start: one.start + 700 };
    many[899] = { ...one, id: 'least', container: 'late', severity: 'info', start: one.start + 899 };
    const records = new Map(many.map(incident => [incident.id, { ...record, incident }]));
    const text = reportHtml({ ...page, incidents: many, records });
    expect(Buffer.byteLength(text)).toBeLessThan(5 * MIB);
    const said = [
      '900 incidents: 1 critical, 898 warning, 1 info',
      'id="i-worst"',
      '400 later ones are not listed',
    ];
    expect(said.filter(one => !text.includes(one))).toEqual([]);
    const { elements } = elementsOf(text);
    expect(deadLinks(elements)).toEqual([]);
  });

  it('calls no peer new where nobody watched before the incident', () => {
    const [incident, record] =
      [...hostilePage().records.values()].map(one => [one.incident, one] as const)[0] ?? [];
    const [part] = record?.parts ?? [];
    if (!incident || !part) throw new Error('nothing was recorded');
    const peers = (record?.peers ?? []).map(one => ({
      ...one,
      before: NO_EXCHANGE,
      during: { ...NO_EXCHANGE, sentBytes: 1 },
    }));
    const last = (from: number) => {
      const parts = [{ ...part, start: from, end: incident.end }];
      const shown = incidentHtml(incident, {
        record: { incident, bands: [], parts, peers },
        zone: UTC,
        blind: [],
        note: null,
      });
      return /([^>]*)(<\/span>)?<\/td><\/tr>\s*<\/tbody><\/table><\/div>\s*<\/article>/.exec(
        shown.toString(),
      )?.[1];
    };
    expect(peers.length).toBeGreaterThan(0);
    expect([last(incident.start - 60_000), last(incident.start)]).toEqual(['nothing', '-']);
  });

  it('says of an incident what of it nobody saw', () => {
    const [incident] = hostilePage().incidents;
    if (!incident) throw new Error('no incident');
    const shown = (from: number): string => {
      const blind = [{ from, to: from + 500 }];
      return incidentHtml(incident, { record: null, zone: UTC, blind, note: null }).toString();
    };
    expect(shown(incident.start)).toContain(
      `blind ${UTC.text(incident.start)} for 500ms: nothing can be said about it`,
    );
    expect(shown(incident.start - 500)).not.toContain('blind');
  });

  it('has one row for new edges to many ports of the same, which would hide all others', () => {
    const page = hostilePage();
    const [host] = page.hosts;
    const [edge] = host?.map.edges ?? [];
    if (!host || !edge) throw new Error('no edges');
    const edges = Array.from({ length: 300 }, (_, i) => ({ ...edge, port: 40_000 + i }));
    const report = reportHtml({
      ...page,
      hosts: [{ ...host, newEdges: { edges, partly: 0, before: 'in the 1d before' } }],
    });
    expect(report).toContain('300 edges that nobody saw in the 1d before');
    expect(report).toContain('300 ports (40000, 40001, 40002, 40003 and 296 more)');
    expect(report).not.toContain('more are not listed');
  });

  it('does not say that every edge was seen before where that is not known of all', () => {
    const page = hostilePage();
    const [host] = page.hosts;
    if (!host) throw new Error('no host');
    const newEdges = { edges: [], partly: 2, before: 'in the 1d before' };
    const report = reportHtml({ ...page, hosts: [{ ...host, newEdges }] });
    expect(report).toContain('Whether further edges of 2 containers are new is not known');
    expect(report).toContain('Every other edge was seen in the 1d before as well.');
  });

  it('says of an incident whose traffic was not recorded why it has no charts', () => {
    const text = reportHtml({ ...hostilePage(), records: new Map() });
    expect(text).toContain('No charts: traffic is recorded of the first 100 incidents only.');
  });
});

describe('markup', () => {
  it('holds any text as text, in elements and in attributes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), raw => {
        // A parser replaces these; names are made printable before.
        const value = raw.replace(/[\p{Cc}\p{Cs}]|\p{Noncharacter_Code_Point}/gu, '');
        const { elements } = elementsOf(`<!doctype html>${html`<p title="${value}">${value}</p>`}`);
        const [p] = named(elements, 'p');
        expect(p && textOf(p)).toBe(value);
        expect(p && attribute(p, 'title')).toBe(value);
        expect(elements.map(({ tagName }) => tagName)).toEqual(['html', 'head', 'body', 'p']);
      }),
    );
  });

  it('joins lists and leaves out what is not there', () => {
    expect(String(html`<b>${[html`<i>${1}</i>`, null, false, undefined, ['<']]}</b>`)).toBe(
      '<b><i>1</i>&lt;</b>',
    );
  });
});
