import type { Channel } from '../channels/channels.ts';
import type { MergedGroup, MergedLogs } from '../several/merged_logs.ts';
import { MergedStream } from '../several/merged_stream.ts';
import type { StartOfSeveral } from '../several/several_cursors.ts';
import { SeveralTopics } from '../several/several_topics.ts';
import type { ClientStream } from '../stretches/client_stream.ts';
import type { Filter } from '../views/filter.ts';
import type { Format } from '../views/format.ts';
import type { OpenView, ViewLimit } from '../views/open_views.ts';
import type { View } from '../views/view.ts';
import { NameOfSeveral } from '../wire/blocks_of_several.ts';
import { cursorFor } from '../wire/cursor.ts';
import type { Until } from '../wire/until.ts';

/** What a request wants of a topic. */
export interface WantedTopic {
  readonly channel: Channel;
  readonly nameHash: Uint8Array;
  /** Which records; `null` for all. */
  readonly filter: Filter | null;
  readonly limit: ViewLimit | null;
}

/** The views of what a client reads, for as long as it does. */
export interface Reading {
  /** The same two objects for all who want the same. */
  readonly sharedBy: readonly [object, object];
  /**
   * @param until when it is over; `null` for never
   * @param isDocument whether no record is to come before it is known where each topic begins
   */
  subscribe(start: StartOfSeveral, until: Until | null, isDocument?: boolean): ClientStream;
  /** To be called once it is not needed any more; a second call does nothing. */
  letGo(): void;
}

interface HowToRead {
  readonly group: MergedGroup;
  readonly until: Until | null;
  readonly isDocument: boolean | undefined;
}

/**
 * @param everyMs between two beats; `null` for none
 * @returns `null` where there are as many views of a topic as there may be
 */
export function openReading(
  wanted: readonly WantedTopic[],
  format: Format,
  everyMs: number | null,
  merged: MergedLogs,
): Reading | null {
  const open: OpenView[] = [];
  const letGoOfViews = (): void => {
    for (const one of open) one.letGo();
  };
  for (const { channel, filter, limit } of wanted) {
    // Of several topics the beat is that of the whole.
    const ofTopic = wanted.length === 1 ? everyMs : null;
    const one = channel.feed.views.open(format, filter, limit, ofTopic);
    if (one === null) {
      letGoOfViews();
      return null;
    }
    open.push(one);
  }
  const views = open.map(({ view }) => view);
  const feeds = wanted.map(({ channel }) => channel.feed);
  const group = wanted.length === 1 ? null : merged.group([...feeds, ...views], everyMs);
  let isOpen = true;
  return {
    sharedBy: group === null ? [feeds[0]!, views[0]!] : [group, group],
    letGo: () => {
      letGoOfViews();
      if (isOpen) group?.letGo();
      isOpen = false;
    },
    subscribe: (start, until, isDocument) =>
      group === null
        ? subscribeToOne(wanted[0]!, views[0]!, start, until)
        : subscribeToSeveral(wanted, views, { group, until, isDocument }, start),
  };
}

/** A topic that the cursor of several does not name is sent from its beginning. */
function subscribeToOne(
  { channel, nameHash }: WantedTopic,
  view: View,
  { cursor, since }: StartOfSeveral,
  until: Until | null,
): ClientStream {
  const isPlain = cursor === null || cursor === 'unreadable' || !('topics' in cursor);
  const start = isPlain ? { cursor, since } : { cursor: cursorFor(cursor, nameHash), since: null };
  return channel.feed.subscribe(view, start, until);
}

function subscribeToSeveral(
  wanted: readonly WantedTopic[],
  views: readonly View[],
  { group, until, isDocument }: HowToRead,
  start: StartOfSeveral,
): ClientStream {
  const topics = wanted.map(({ channel: { feed }, nameHash }, n) => ({
    topic: feed,
    name: new NameOfSeveral(feed.topic, nameHash),
    subscribe: feed.subscribe.bind(feed, views[n]!),
  }));
  const beginsTogether = isDocument === true;
  if (until !== null) return new SeveralTopics(topics, start, until, { beginsTogether });
  return new MergedStream(topics, group, start);
}
