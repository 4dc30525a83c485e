import { withTopics } from '../../app/channels/streams_file.ts';
import { openTo } from './announcement.ts';
import type { ReadSettings } from './settings.ts';

/** What would be served, a line each: for `--check`, which starts nothing. */
export function wordsOfCheck({ config, streams, warnings }: ReadSettings): string {
  const { channels } = streams?.file ?? { channels: [] };
  const topics = streams?.file.topics ?? [];
  const served = withTopics(config.topics, { topics, channels });
  const lines = served.map(({ path, topic, require, where, every }) => {
    const right = require === null ? '' : `, require ${require}`;
    const beats = every === null ? '' : `, every ${every} ms`;
    return `${path}: ${topic.includes(',') ? 'topics' : 'topic'} ${topic}${right}${where === null ? '' : `, where ${where}`}${beats}`;
  });
  const everywhere = openTo(config) ?? `everywhere required: ${config.require}`;
  return `${[...warnings.map((warning) => `warning: ${warning}`), ...lines, everywhere].join('\n')}\n`;
}
