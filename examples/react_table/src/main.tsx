import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useTable } from 'sse-kafka-fanout-client/react';

/** A compacted topic. */
const STREAM: string = import.meta.env.VITE_STREAM ?? 'http://localhost:8080/events';

function Latest() {
  const { data: rows, status } = useTable(STREAM, { parse: String });
  return (
    <table>
      <caption>
        {rows.size} keys, {status}
      </caption>
      <tbody>
        {[...rows].map(([key, value]) => (
          <tr key={String(key)}>
            <th scope="row">{String(key)}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <Latest />
  </StrictMode>,
);
