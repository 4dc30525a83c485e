import { GatewayError } from '../../app/errors.ts';
import { CLIENT_ID } from '../kafka/brokers/kafka_connection.ts';
import { Admin } from '../kafka/protocol/platformatic_on_node20.ts';

type AdminClient = InstanceType<typeof Admin>;

const ASK_DEADLINE_MS = 3000;
const CREATE_DEADLINE_MS = 30_000;

/**
 * The id of the Kafka cluster on a port of 127.0.0.1; `null` when nothing there answers as a Kafka
 * without TLS and sign-in, within 3 s.
 */
export async function askClusterId(port: number, signal: AbortSignal): Promise<string | null> {
  try {
    return await withAdmin(port, ASK_DEADLINE_MS, signal, async (admin) => {
      const { id, brokers } = await admin.metadata({ topics: [] });
      return brokers.size > 0 ? id : null;
    });
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

/**
 * Creates the topics that are not there, compacted, one partition each. Those that are there stay
 * as they are.
 * @throws GatewayError when the broker refuses, any error when it does not answer in time.
 */
export async function createTopics(
  port: number,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await withAdmin(port, CREATE_DEADLINE_MS, signal, async (admin) => {
    for (const topic of topics) {
      await createTopic(admin, topic);
    }
  });
}

async function createTopic(admin: AdminClient, topic: string): Promise<void> {
  try {
    await admin.createTopics({
      topics: [topic],
      partitions: 1,
      replicas: 1,
      configs: [{ name: 'cleanup.policy', value: 'compact' }],
    });
  } catch (error) {
    const { apiId, serverErrorMessage, message } = innermost(error);
    if (apiId === 'TOPIC_ALREADY_EXISTS') return;
    throw new GatewayError(
      'EMBEDDED_KAFKA',
      `The embedded Kafka did not create topic ${topic} (${serverErrorMessage ?? message}): ` +
        'set TOPICS to other names, or look into its log.',
      { cause: error },
    );
  }
}

/** The broker's own words stand two errors deep. */
function innermost(error: unknown): {
  apiId?: string;
  serverErrorMessage?: string;
  message: string;
} {
  const inner: unknown = (error as Partial<AggregateError>).errors?.[0];
  return inner === undefined ? (error as Error) : innermost(inner);
}

async function withAdmin<T>(
  port: number,
  deadlineMs: number,
  signal: AbortSignal,
  use: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const admin = new Admin({
    clientId: CLIENT_ID,
    bootstrapBrokers: [{ host: '127.0.0.1', port }],
    connectTimeout: deadlineMs,
    requestTimeout: deadlineMs,
    timeout: deadlineMs,
    retries: 0,
  });
  let end!: () => void;
  const ended = new Promise<never>((_resolve, reject) => {
    end = () => reject(signal.aborted ? signal.reason : new Error(`no answer on port ${port}`));
  });
  // No AbortSignal.timeout(): its timer cannot be taken back, and Deno would stay up for it.
  const timer = setTimeout(end, deadlineMs);
  signal.addEventListener('abort', end);
  try {
    return await Promise.race([use(admin), ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    // Not waited for: it closes its sockets, and one that hangs is none of ours.
    admin.close().catch(() => {});
  }
}
