import { defineRoute, type Route } from '../route.ts';
import { ICON } from './layout.ts';
import { LIVE_SCRIPT } from './live-script.ts';
import { STYLE } from './style.ts';

const ASSETS = [
  { name: 'style.css', id: 'style', contentType: 'text/css; charset=utf-8', text: STYLE },
  { name: 'live.js', id: 'liveScript', contentType: 'text/javascript; charset=utf-8', text: LIVE_SCRIPT },
  { name: 'icon.svg', id: 'icon', contentType: 'image/svg+xml', text: ICON },
] as const;

export function assetRoutes(): Route[] {
  return ASSETS.map(({ name, id, contentType, text }) =>
    defineRoute({
      method: 'GET',
      path: `/assets/${name}`,
      operationId: id,
      summary: `Part of the pages: ${name}`,
      tag: 'pages',
      responses: { 200: { description: 'The file', contentType } },
      handle: async (_input, _request, reply) => {
        void reply.header('content-type', contentType);
        return text;
      },
    }),
  );
}
