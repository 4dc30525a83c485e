import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/** @param {string} folder */
const files = (folder) => serveStatic({ root: fileURLToPath(new URL(folder, import.meta.url)) });

/**
 * The page, its dial and its buttons. Only for who asks by a name of this machine, so that no page of
 * a stranger whose name leads here gets at it, and the buttons only for the page itself.
 *
 * @param {number} port its own
 * @param {number} door
 * @param {() => object} dial
 * @param {Record<string, () => void>} buttons
 */
export function web(port, door, dial, buttons) {
  const hosts = [`localhost:${port}`, `127.0.0.1:${port}`];
  const app = new Hono();
  app.use(async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!hosts.includes(host)) return context.text(`Ask for http://${hosts[0]}\n`, 403);
    const isButton = context.req.method !== 'GET' && context.req.method !== 'HEAD';
    if (isButton && context.req.header('origin') !== `http://${host}`) {
      return context.text('Only for the page of the demo itself\n', 403);
    }
    return next();
  });
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'", `http://localhost:${door}`, `http://127.0.0.1:${door}`],
        frameAncestors: ["'none'"],
      },
    }),
  );
  app.get('/dial', (context) => context.json(dial(), 200, { 'cache-control': 'no-store' }));
  app.post('/kill/:what', (context) => {
    const press = Object.hasOwn(buttons, context.req.param('what'))
      ? buttons[context.req.param('what')]
      : undefined;
    if (press === undefined) return context.notFound();
    press();
    return context.body(null, 204);
  });
  // Its styles, and the client.
  app.get('/public/*', files('..'));
  app.get('*', files('page'));
  return app;
}
