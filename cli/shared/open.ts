import type { Command } from 'commander';
import { reasonsFrom } from '../../app/api/reasons.ts';
import { addCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { openState, readStore, storeReader } from '../open-data.ts';
import { ApiClient } from './client.ts';
import type { SharedState, SharedTraffic } from './contract.ts';
import { localState, localTraffic } from './local.ts';
import { remoteState, remoteTraffic } from './remote.ts';

/** As `addCommand`, for commands whose data can be another process's. */
export const addSharedCommand = (parent: Command, name: string, description: string): Command =>
  addCommand(parent, name, description).option(
    '--server <url>',
    'ask this `tidegauge serve` or `run` instead of store and state (its token: TIDEGAUGE_SERVER_TOKEN)',
  );

/** Runs `action` on the state, or on what a server says of it. Returns the exit code, as `openState` does. */
export async function openSharedState(
  context: Context,
  access: 'read' | 'write',
  action: (state: SharedState) => Promise<unknown>,
  onNoData: () => void = () => undefined,
): Promise<number> {
  const { server } = context.config;
  if (server.url === '')
    return openState(
      context,
      access,
      state =>
        action(localState(state, { reasons: reasonsFrom(context.config), readStore: storeReader(context) })),
      onNoData,
    );
  await action(remoteState(new ApiClient(server)));
  return 0;
}

/** The same for stored traffic. */
export async function readSharedTraffic(
  context: Context,
  action: (traffic: SharedTraffic) => Promise<unknown>,
  onNoData: () => void = () => undefined,
): Promise<number> {
  const { server } = context.config;
  if (server.url === '') return readStore(context, store => action(localTraffic(store)), onNoData);
  await action(remoteTraffic(new ApiClient(server)));
  return 0;
}
