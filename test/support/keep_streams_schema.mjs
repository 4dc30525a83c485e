/**
 * Writes the JSON Schema of the streams file anew, from its shape in `app/`: after `npm run build`.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';

const built = new URL('../../dist/app/channels/streams_file.js', import.meta.url);
const { streamsFileSchema } = await import(built.href);
const file = new URL('../../public/streams.schema.json', import.meta.url);
await writeFile(file, `${JSON.stringify(streamsFileSchema(), null, 2)}\n`);
