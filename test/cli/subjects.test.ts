import { describe, expect, it } from '@jest/globals';
import { SubjectFilter, type SubjectFlags } from '../../cli/rules/subjects.ts';

const WEB = { host: 'a', service: 'shop/web', container: 'web-1' };
const DB = { host: 'a', service: 'shop/db', container: 'db-1' };

describe('a filter of subjects', () => {
  const asked = (flags: SubjectFlags) => {
    const filter = new SubjectFilter(flags);
    return { taken: [WEB, DB].filter(subject => filter.takes(subject)), text: filter.noneText() };
  };

  it('takes those whose names all fit, by globs over whole names', () => {
    expect(asked({})).toEqual({ taken: [WEB, DB], text: null });
    expect(asked({ container: 'web-*' })).toEqual({ taken: [WEB], text: null });
    expect(asked({ service: 'shop/*', container: 'd?-1', host: '*' })).toEqual({ taken: [DB], text: null });
  });

  it('takes an incident of several when all names of one of them fit', () => {
    const both = { host: 'a', service: 'shop/web', container: '', members: [WEB, DB] };
    const takes = (flags: SubjectFlags) => new SubjectFilter(flags).takes(both);
    expect(takes({ container: 'db-*' })).toBe(true);
    expect(takes({ container: 'web-1', service: 'shop/db' })).toBe(false);
    expect(takes({ service: 'shop/web' })).toBe(true);
  });

  it('says what is near when nobody has such a name', () => {
    expect(asked({ container: 'wbe-*' }).text).toBe(
      'no container of 2 is named "wbe-*" (did you mean "web-1"?)',
    );
    expect(asked({ service: 'web' }).text).toBe('no service of 2 is named "web" (did you mean "shop/web"?)');
    expect(asked({ container: 'payments' }).text).toBe(
      'no container of 2 is named "payments" (there are "web-1", "db-1")',
    );
    expect(asked({ container: 'web-1', service: 'shop/db' }).text).toBe(
      'nobody has service "shop/db" and container "web-1" at once',
    );
    expect(new SubjectFilter({ container: 'x' }).noneText()).toBeNull();
  });
});
