import { readFile } from 'node:fs/promises';
import type { Config } from '../../app/config/config.ts';
import type { GuardedClients } from '../../app/describe/admin_clients.ts';
import type { Clients } from '../../app/http/client_list.ts';

/** Who is connected, for those who know the token; `null` where none is set. */
export function guardedClients(
  { adminTokenFile }: Pick<Config, 'adminTokenFile'>,
  clients: Clients,
): GuardedClients | null {
  if (adminTokenFile === null) return null;
  // Read each time: whoever renews it need not start the gateway anew.
  const token = async (): Promise<string> => (await readFile(adminTokenFile, 'utf8')).trim();
  return { clients, token };
}
