/** Older ones leave the page, so that a tab that stays open for weeks does not grow. */
const MAX_MESSAGES = 1000;

/** What a gap's reason means to a reader; the words of the gateway's stream. */
const GAP_REASONS = {
  retention: 'Kafka had deleted records before they could be sent',
  recreated: 'the topic was deleted and created anew; it starts over',
  truncated: 'the end of the topic was cut off',
  'unreadable-cursor': 'the last id could not be read; the topic starts over',
};

const form = document.getElementById('form');
const locationInput = document.getElementById('location');
const status = document.getElementById('status');
const messages = document.getElementById('messages');

/** @type {EventSource | null} */
let source = null;

locationInput.value = `${location.origin}/events`;
offerFirstTopic();

form.addEventListener('submit', (event) => {
  event.preventDefault();
  go(locationInput.value.trim());
});

/** Starts afresh: the stream before it ends, its messages leave. */
function go(url) {
  source?.close();
  messages.replaceChildren();
  show('connecting', 'connecting');
  try {
    source = open(url);
  } catch {
    console.log('error', url);
    show('failed', 'closed: this location is not a URL');
  }
}

/** @throws when the location is not a URL */
function open(url) {
  const opened = new EventSource(url);
  opened.addEventListener('open', () => {
    console.log('open', url);
    show('open', 'open');
  });
  opened.addEventListener('error', () => {
    console.log('error', url);
    if (opened.readyState === EventSource.CLOSED) {
      show('failed', 'closed: the browser has given up, Go tries again');
    } else {
      show('retrying', 'connection lost, retrying');
    }
  });
  opened.addEventListener('message', ({ data }) => {
    console.log('message', data);
    add('message', data);
  });
  opened.addEventListener('delete', ({ data }) => {
    console.log('delete', data);
    add('delete', `Deleted: key ${decodeKey(data)}`);
  });
  opened.addEventListener('gap', ({ data }) => {
    console.log('gap', data);
    add('gap', describeGap(data));
  });
  return opened;
}

/** `state` is for the style sheet, `words` for people. */
function show(state, words) {
  status.dataset.state = state;
  status.textContent = words;
}

/** Newest on top, always as text. */
function add(kind, text) {
  const line = document.createElement('p');
  line.className = kind;
  line.textContent = text;
  messages.prepend(line);
  if (messages.childElementCount > MAX_MESSAGES) messages.lastElementChild.remove();
}

/** A key as text where its bytes are UTF-8, else as it came: base64url. */
function decodeKey(base64url) {
  try {
    const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return base64url;
  }
}

function describeGap(json) {
  try {
    const { reason, topic, partitions } = JSON.parse(json);
    const words = GAP_REASONS[reason] ?? reason;
    const places = partitions.map(
      ({ partition, from, to }) => `partition ${partition} goes on at ${to} instead of ${from}`,
    );
    return [`Gap in ${topic}: ${words}`, ...places].join('\n');
  } catch {
    return `Gap: ${json}`;
  }
}

/** The gateway knows its topics; another server of this page need not. */
async function offerFirstTopic() {
  const untouched = locationInput.value;
  try {
    const response = await fetch('/-/topics');
    const { name, path } = (await response.json()).topics[0];
    const url = new URL(path, location.origin).href;
    document.getElementById('topic').textContent = name;
    if (locationInput.value === untouched) locationInput.value = url;
  } catch {
    // The default stays.
  }
}
