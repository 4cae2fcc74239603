import { expect, it } from '@jest/globals';
import { incidentsCsv } from '../../review/csv.ts';
import { incidentOf } from '../data/incidents.ts';

const START = Date.UTC(2026, 0, 31, 22);

it('a line names all whom an incident of several is about, a service by its name, and nobody else for one alone', () => {
  const members = [
    { service: 'shop/web', container: 'web-1', since: START },
    { service: 'shop/db', container: '', since: START },
  ];
  const incidents = [incidentOf(START), { ...incidentOf(START), members }];
  const [header, one, several] = incidentsCsv([{ name: 'own', incidents }]).split('\r\n');
  expect(header?.split(',').at(-1)).toBe('members');
  expect(one?.split(',').at(-1)).toBe('');
  expect(several?.split(',').at(-1)).toBe('web-1;shop/db');
});
