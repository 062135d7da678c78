import { apiErrors } from './api-error.ts';
import type { Route } from './rest-call.ts';
import { commandRoutes } from './rest-commands.ts';
import { interactionRoutes } from './rest-interactions.ts';
import { messageRoutes } from './rest-messages.ts';
import { worldRoutes } from './rest-world.ts';

const routes: readonly Route[] = [
  ...worldRoutes,
  ...commandRoutes,
  ...interactionRoutes,
  ...messageRoutes,
];

const compiled = routes.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
}));

export type FoundRoute = { route: Route; params: Readonly<Record<string, string>>; major: string };

/** `path` without /api and version, still percent-encoded. Throws 404 or 405. */
export function findRoute(method: string, path: string): FoundRoute {
  const onPath = compiled.flatMap(({ route, pattern }) => {
    const match = pattern.exec(path);
    return match ? [{ route, groups: match.groups ?? {} }] : [];
  });
  if (onPath.length === 0) throw apiErrors.notFound();
  const found = onPath.find(({ route }) => route.method === method);
  if (!found) throw apiErrors.methodNotAllowed();
  const params = Object.fromEntries(
    Object.entries(found.groups).map(([name, value]) => [name, decoded(value)]),
  );
  const major = params['channel_id'] ?? params['guild_id'] ?? params['webhook_id'] ?? '';
  const token = params['webhook_token'] ?? params['interaction_token'] ?? '';
  return { route: found.route, params, major: `${major}${token}` };
}

/** A percent sign before anything but two digits is no way to write a path. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw apiErrors.notFound();
  }
}
