import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board } from './shared/board.ts';
import { markdown } from './shared/panels.ts';

/** What to do, at hand where the alert is read: each alert rule links to its section, by the id of its panel. */
export const SECTIONS = {
  incident: {
    id: 1,
    title: 'Container traffic is not normal',
    text: `
1. Open the container from the alert or from **What is wrong now** on the overview: which rule, since when, how far from what was expected.
2. **Sizes** and **Peers** on that dashboard say what changed: larger messages, more of them, another peer, connections that fail.
3. On its host: \`tidegauge incidents\` has the evidence of each rule, and whether it happened before.
4. Not a problem? \`tidegauge incident mark ID --expected\` or \`--false-alarm\` moves the limit; \`tidegauge silence add\` keeps messages back while you work.

It is over when tidegauge says so. An incident whose host is not watched any more stays open.`,
  },
  noFrames: {
    id: 2,
    title: 'No frames from a host',
    text: `
None of its containers is watched, and open incidents there stay open.

1. Does tidegauge run? \`systemctl status tidegauge\`, or \`docker compose ps collector\`.
2. What does \`tidegauge doctor\` say on that host?
3. It runs, but \`/readyz\` names the store or the queue: frames wait in the spool on its disk and arrive when that is mended.
4. The host is gone for good: the alert ends a day after its last frame.`,
  },
  blind: {
    id: 3,
    title: 'No frames are stored, or the database does not answer',
    text: `
No dashboard and no other alert says anything true now.

1. Does InfluxDB answer (\`curl -i URL/ping\`)? Is its disk full? Does Grafana's token still read the database?
2. Frames wait in the spools of the hosts until \`capture.spool.size\` is reached. tidegauge itself alerts all the same: see your receivers.
3. InfluxDB is well: no host stores frames. See *No frames from a host* for each of them.`,
  },
  lostEvents: {
    id: 4,
    title: 'Capture loses messages',
    text: `
Frames with losses are marked incomplete and not judged: a burst may hide behind this.

1. **Map occupancy** near 100 %: raise \`capture.map_keys\`.
2. Otherwise the host is short of processor time: see what else runs there.`,
  },
  framesWait: {
    id: 6,
    title: 'Frames wait in a spool',
    text: `
Dashboards show the newest frames; the older ones are on the disk of their host and not judged yet. Alerts come late, none is lost.

1. After an outage of the store this is usual: it ends by itself when the spool is empty.
2. It goes on: what does \`/readyz\` of the collector say? Does the store answer slowly? *Writes to the store* below **From /metrics** shows it.
3. \`capture.spool.size\` bounds the spool. Beyond it the oldest frames are given up.`,
  },
  frameLoss: {
    id: 5,
    title: 'Frames were given up',
    text: `
The spool was full before the store was back, or the store refused frames for good. They are lost; windows of that time are a gap.

1. Why did the store not take them? \`/readyz\` and the log of the collector name the reason.
2. To bridge longer outages raise \`capture.spool.size\` and \`capture.spool.age\`.`,
  },
} as const;

/** Heights in rows of 30 pixels: as much as the longest of a line of panels needs. */
const HEIGHT = 10;

export const runbook = (): DashboardBuilder =>
  Object.values(SECTIONS).reduce(
    (made, { id, title, text }) =>
      made.withPanel(markdown({ id, title, width: 12, height: HEIGHT }, text.trim())),
    board('runbook', 'what to do'),
  );
