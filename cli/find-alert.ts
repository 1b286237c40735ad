import { z } from 'zod';
import { type AlertItem, alertItemSchema } from '../console/api/alert-json.ts';
import type { ApiClient } from './api-client.ts';
import { CommandError, EXIT } from './exit-code.ts';

export const alertPageSchema = z.object({ items: z.array(alertItemSchema), next: z.string().optional() });

/** The alert whose uid begins so. Errors: CommandError `notFound`; `usage` where several do. */
export async function findAlert(client: ApiClient, prefix: string): Promise<AlertItem> {
  const wanted = prefix.toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(wanted)) {
    throw new CommandError(EXIT.usage, 'a uid is written in 0-9, a-f; its beginning is enough');
  }
  const found: AlertItem[] = [];
  let cursor: string | undefined;
  do {
    const page: z.output<typeof alertPageSchema> = await client.json('GET', '/api/v1/alerts', {
      query: { uid: wanted, limit: '500', cursor },
      schema: alertPageSchema,
    });
    found.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && found.length < 2);

  const [alert, other] = found;
  if (alert === undefined) throw new CommandError(EXIT.notFound, `no alert's uid begins with ${wanted}`);
  if (other === undefined || alert.uid === wanted) return alert;
  throw new CommandError(EXIT.usage, `several uids begin with ${wanted}: ${alert.uid}, ${other.uid}; write more of it`);
}
