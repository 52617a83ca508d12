// Follow the events of Reelworks in Redis, with the package `redis`.
//
//     npm install redis
//     REDIS_URL=redis://events:PASSWORD@HOST:6379/0 node follow-events.mjs
//
// Start the program as often as you like: the processes of a group share the events. Each event is handled once, although
// it may come more than once: the table `seen` has the ids of the handled events. So keep the table in the database in
// which `handle` writes, and let one transaction contain both.

import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';

const { REDIS_URL, STREAM = 'reelworks:events', GROUP = 'my-service', DATABASE = 'events.sqlite' } = process.env;
const CONSUMER = `${hostname()}-${process.pid}`;

// What a consumer has not acknowledged within this time goes to another one. Longer than `handle` takes.
const IDLE_MS = Number(process.env.IDLE_MS ?? 60_000);
const BLOCK_MS = 2000;

const database = new DatabaseSync(DATABASE, { timeout: 30_000 });
database.exec(`
  CREATE TABLE IF NOT EXISTS seen (event_id INTEGER PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS threads (
    thread TEXT, generation_id TEXT, sequence INTEGER, status TEXT, PRIMARY KEY (thread, generation_id)
  );
`);
const remember = database.prepare('INSERT OR IGNORE INTO seen VALUES (?)');
const update = database.prepare(`
  INSERT INTO threads VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence,
    status = excluded.status WHERE excluded.sequence > sequence
`);

/** Do your work here: this program keeps the newest state of each thread. */
function handle(event) {
  const { generation_id, metadata, status, links } = event.data;
  update.run(metadata.thread ?? '', generation_id, event.sequence, status);
  console.log(event.type, generation_id, links.content);
}

function handleOnce(event) {
  database.exec('BEGIN IMMEDIATE');
  try {
    if (remember.run(event.sequence).changes) handle(event);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Entries that a dead consumer left, or else new ones. */
async function nextEntries(redis) {
  const { messages } = await redis.xAutoClaim(STREAM, GROUP, CONSUMER, IDLE_MS, '0-0', { COUNT: 100 });
  const left = messages.filter(Boolean);
  if (left.length) return left;
  const found = await redis.xReadGroup(GROUP, CONSUMER, { key: STREAM, id: '>' }, { COUNT: 100, BLOCK: BLOCK_MS });
  return found?.[0].messages ?? [];
}

/** Make the group, from the first entry on: those that were handled before are in `seen`. */
async function makeGroup(redis) {
  try {
    await redis.xGroupCreate(STREAM, GROUP, '0', { MKSTREAM: true });
  } catch (error) {
    if (!error.message.startsWith('BUSYGROUP')) throw error; // another process was faster
  }
}

const redis = createClient({ url: REDIS_URL });
redis.on('error', error => console.error('Redis does not answer:', error.message));
await redis.connect();

for (;;) {
  try {
    for (const { id, message } of await nextEntries(redis)) {
      handleOnce(JSON.parse(message.event));
      await redis.xAck(STREAM, GROUP, id);
    }
  } catch (error) {
    // Redis was emptied, or the stream was deleted: Reelworks appends the last minutes again.
    if (/^(NOGROUP|UNBLOCKED)/.test(error.message)) await makeGroup(redis);
    else if (/^[A-Z]+ /.test(error.message)) throw error; // a refusal of Redis, or of SQLite
    else await sleep(1000); // the client connects again by itself
  }
}
