/** An order as code, for the shell, Python and Node. The key stays a placeholder. */
import type { OrderFields } from '../../../api/schemas';

export type Language = 'curl' | 'python' | 'node';

/** The code that places these orders at a gateway; several orders are a batch. `extension`: that of the results. */
export function codeOf(language: Language, orders: readonly OrderFields[], gateway: string, extension: string): string {
  const url = gateway.replace(/\/$/, '');
  const [first] = orders;
  const isOne = orders.length === 1 && (first?.number_of_outputs ?? 1) === 1;
  if (language === 'curl') return curl(url, orders);
  if (language === 'python') return isOne && first ? pythonOne(url, first) : pythonBatch(url, orders);
  return isOne && first ? nodeOne(url, first, extension) : nodeBatch(url, orders, extension);
}

function curl(url: string, orders: readonly OrderFields[]): string {
  const [path, body] = orders.length === 1 ? ['generations', orders[0]] : ['batches', { requests: orders }];
  return [
    `curl ${shell(`${url}/v1/${path}`)} \\`,
    `  -H "Authorization: Bearer $REELWORKS_API_KEY" \\`,
    `  -H 'Content-Type: application/json' -H "Idempotency-Key: $(uuidgen)" \\`,
    `  -d ${shell(JSON.stringify(body, null, 2))}`,
  ].join('\n');
}

function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function pythonOne(url: string, { prompt, ...rest }: OrderFields): string {
  const lines = [python(prompt), ...Object.entries(rest).map(([name, value]) => `${name}=${python(value)}`)];
  return `${pythonHead(url)}
    result = reelworks.generate(
${lines.map((line) => `        ${line},`).join('\n')}
    )
    print(reelworks.download(result.id, "."))
`;
}

function pythonBatch(url: string, orders: readonly OrderFields[]): string {
  const requests = orders.map((order) => {
    const lines = Object.entries(order).map(([name, value]) => `            ${python(name)}: ${python(value)},`);
    return `        {\n${lines.join('\n')}\n        },`;
  });
  return `${pythonHead(url)}
    batch = reelworks.order_batch([
${requests.join('\n')}
    ])
    for result in reelworks.wait_for_batch(batch.id).generations.data:
        print(reelworks.download(result.id, "."))
`;
}

function pythonHead(url: string): string {
  return `import os

from reelworks_client import Client

with Client(${python(url)}, os.environ["REELWORKS_API_KEY"]) as reelworks:`;
}

/** A value as Python writes it. The texts of JSON are texts of Python. */
function python(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === null || value === undefined) return 'None';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  return JSON.stringify(value);
}

function nodeOne(url: string, order: OrderFields, extension: string): string {
  return `${nodeHead(url)}
const result = await reelworks.generate(${object(order)});
await download(reelworks, result.id, \`\${result.id}.${extension}\`);
`;
}

function nodeBatch(url: string, orders: readonly OrderFields[], extension: string): string {
  return `${nodeHead(url)}
const batch = await reelworks.orderBatch({
  requests: [${orders.map((order) => indented(object(order))).join(', ')}],
});
for (const result of (await reelworks.waitForBatch(batch.id)).generations.data) {
  await download(reelworks, result.id, \`\${result.id}.${extension}\`);
}
`;
}

function nodeHead(url: string): string {
  return `import { Reelworks } from '@reelworks/client';
import { download } from '@reelworks/client/node';

const reelworks = new Reelworks({ url: ${JSON.stringify(url)}, apiKey: process.env.REELWORKS_API_KEY });
`;
}

function object(order: OrderFields): string {
  const lines = Object.entries(order).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`);
  return `{\n${lines.join('\n')}\n}`;
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}
