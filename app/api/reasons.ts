import { severityReason } from '../../alert/finding/severity.ts';
import type { Config } from '../../core/config/config.ts';
import type { Reasons } from '../../http/api/contract.ts';
import { makePolicy, severitiesOf } from '../wire.ts';

/** Why incidents are as severe as they are, and who is told of them, by the configuration as it is now. */
export function reasonsFrom(config: Config): Reasons {
  const { router } = makePolicy(config);
  const settings = { alert: config.alert, severities: severitiesOf(config) };
  return {
    page: config.http.external_url,
    receivers: config.receivers.map(({ name }) => name),
    everReceiversOf: incident => router.everReceiversOf(incident),
    severityReason: incident => severityReason(incident, settings),
  };
}
