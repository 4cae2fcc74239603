/** The laboratory's containers: a small shop, some hundred messages a second in all. */

export const PROJECT = 'lab';

/** A container of a service. */
export interface Member {
  readonly service: string;
  /** From 1. */
  readonly replica: number;
  readonly address: string;
  /** Words after `node actor.ts`. */
  readonly args: readonly string[];
}

/** All are in one network of Docker. The range is one for measuring devices (RFC 2544), which nobody routes. */
export const SUBNET = '198.18.77';
/** Addresses for documentation (RFC 5737) stand for the outside; inside each container they are translated to the world's. */
export const OUTSIDE = '198.51.100.0/24';
export const OUTSIDE_ADDRESS = '198.51.100.7';
/** The service that takes the part of everybody outside; it is not watched. */
export const WORLD = 'world';

/** `program`: role and options of actor.ts. */
const member = (service: string, last: number, program: string, replica = 1): Member => ({
  service,
  replica,
  address: `${SUBNET}.${last}`,
  args: program.split(' '),
});

/** Options that name the servers to ask, by the last parts of their addresses and their ports. */
const to = (...servers: readonly string[]): string =>
  servers.map(server => `--to ${SUBNET}.${server}`).join(' ');

const [DB, STANDBY, CACHE] = ['31:5432', '32:5432', '33:6379'];
const [API, SEARCH, FILES] = ['41:8000', '42:9200', '43:9000'];
const [QUEUE, IDLE] = ['51:5672', '61:8080'];
const WEB = ['21:8080', '22:8080', '23:8080'];

const WEB_PROGRAM = `serve --port 8080 --request 150 --answer 6000~0.6 ${to(DB, CACHE)}`;

/** Those that run from the start to the end; servers first, so that nobody's first attempts fail. */
export const MEMBERS: readonly Member[] = [
  member('standby', 32, 'serve --port 5432 --answer 20~0'),
  // A third of what it is asked changes something, which the standby is sent.
  member('db', 31, `serve --port 5432 --answer 900 --share 0.3 --request 300 ${to(STANDBY)}`),
  member('cache', 33, 'serve --port 6379 --answer 500'),
  member('search', 42, 'serve --port 9200 --answer 2500'),
  member('files', 43, 'serve --port 9000 --answer 9000 --faulty-size 0.5'),
  member('queue', 51, 'serve --port 5672 --answer 60~0'),
  member('idle', 61, 'serve --port 8080 --answer 40~0'),
  ...WEB.map((_, i) => member('web', 21 + i, WEB_PROGRAM, i + 1)),
  member('api', 41, `serve --port 8000 --request 200 --answer 1500 --share 0.6 ${to(SEARCH, FILES)}`),
  // Their day has ten minutes: two of them are learnt.
  member(
    'visitors',
    11,
    `request --rate 12 --day 600 --depth 0.6 --request 400 --faulty-weights 1.8,0.6,0.6 ${to(...WEB)}`,
  ),
  member('partners', 12, `request --rate 5 --request 300 ${to(API)}`),
  member('worker', 52, `poll --rate 1 --request 50~0 --share 0.1 ${to(QUEUE, FILES)}`),
  member('monitor', 62, `check --rate 0.2 --request 80~0 ${to(...WEB, API, SEARCH, IDLE)}`),
  member('batch', 71, `batch --rate 12 --request 200 ${to(DB)}`),
];

/** Started each minute, each time in a container with a new name. */
export const JOB: Member = member('report', 81, `job --rate 40 --request 250 ${to(DB)}`);

export const WORLD_MEMBER: Member = member(WORLD, 250, 'sink --port 443 --answer 70~0');

export const nameOf = ({ service, replica }: Pick<Member, 'service' | 'replica'>): string =>
  `${PROJECT}-${service}-${replica}`;

/** As frames name it. */
export const serviceOf = (service: string): string => `${PROJECT}/${service}`;
