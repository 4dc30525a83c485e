/**
 * The two faces of the gateway that the cases of the contract are run against: gateways in one
 * process a runtime with a Kafka in its memory, where a start takes milliseconds; and gateways as
 * their users run them, each a process, with a real Kafka. The project of jest says which one.
 *
 * @module
 */
import { afterAll } from '@jest/globals';
import type { GatewayOptions } from '../support/gateway.ts';
import type { GatewayClient } from '../support/gateway_client.ts';
import { HostedGateway, IN_MEMORY } from '../support/hosted_gateway.ts';
import type { Topic, TopicOptions } from '../support/kafka.ts';
import type { Runtime } from '../support/runtime.ts';
import { SimulatedKafka } from './simulated_kafka.ts';

/** Topics of the Kafka that the gateways read. */
export interface ContractKafka {
  createTopic(options?: TopicOptions): Promise<Topic>;
  /** Deletes a topic, if there is one of that name. */
  deleteTopic(name: string): Promise<void>;
}

/** A gateway with ports of its own. */
export interface Gateway extends GatewayClient, AsyncDisposable {
  /** Starts it again on the same ports. */
  start(): Promise<void>;
  /** Ends it as an operator does. */
  stop(): Promise<unknown>;
}

/** The ways to one. */
interface Starts {
  /** Starts one; topics may still be loading. */
  start(runtime: Runtime, options?: GatewayOptions): Promise<Gateway>;
  /** Starts one and waits until its topics are loaded. */
  startReady(runtime: Runtime, options?: GatewayOptions): Promise<Gateway>;
}

const isReal = (globalThis as { FACE?: string }).FACE === 'real';

export const kafka: ContractKafka = isReal ? await realKafka() : simulatedKafka();
export const Gateway: Starts = isReal ? await realGateways() : hostedGateways();

/** Loaded only here: they look for the Kafka of the run at once. */
async function realKafka(): Promise<ContractKafka> {
  return (await import('../support/kafka.ts')).kafka;
}

async function realGateways(): Promise<Starts> {
  return (await import('../support/gateway.ts')).Gateway;
}

function simulatedKafka(): ContractKafka {
  const simulated = new SimulatedKafka();
  afterAll(() => simulated[Symbol.asyncDispose]());
  return simulated;
}

function hostedGateways(): Starts {
  const inMemory = ({ env, ...options }: GatewayOptions = {}): GatewayOptions => ({
    ...options,
    env: { KAFKA_BROKERS: IN_MEMORY, ...env },
  });
  return {
    start: (runtime, options) => HostedGateway.start(runtime, inMemory(options)),
    startReady: (runtime, options) => HostedGateway.startReady(runtime, inMemory(options)),
  };
}
