/** A server of files that can break off, stall, lie about sizes, ignore ranges and serve other bytes. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** so many bytes, then the connection is cut */
  | { breakAfter: number }
  | { status: number }
  /** a range is answered with the whole file */
  | 'no-ranges'
  /** a range is answered from another place */
  | 'wrong-range'
  | { length: number }
  /** more bytes than there should be, without saying how many */
  | { endless: true }
  | 'stall'
  /** as many, none of them right */
  | 'other-bytes'
  | { bytes: Uint8Array };

export type Registry = {
  url: string;
  /** path -> what lies there; objects are JSON */
  files: Map<string, Uint8Array | object>;
  /** taken one by one by requests for this path */
  faults: Map<string, Fault[]>;
  /** path and range of each request */
  asked: string[];
  close(): Promise<void>;
};

export async function openRegistry(): Promise<Registry> {
  const files: Registry['files'] = new Map();
  const faults: Registry['faults'] = new Map();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const { range } = request.headers;
    asked.push(range === undefined ? path : `${path} ${range}`);
    const fault = faults.get(path)?.shift();
    const found = files.get(path);
    if (typeof fault === 'object' && 'status' in fault)
      return void response.writeHead(fault.status).end();
    if (found === undefined) return void response.writeHead(404).end();
    if (!(found instanceof Uint8Array)) {
      response.setHeader('content-type', 'application/json');
      return void response.end(JSON.stringify(found));
    }
    const served = fault === 'other-bytes' ? randomBytes(found.length) : found;
    const whole = typeof fault === 'object' && 'bytes' in fault ? fault.bytes : served;
    let from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (fault === 'no-ranges') from = 0;
    if (fault === 'wrong-range') from = Math.max(0, from - 7);
    if (range !== undefined && from >= whole.length) return void response.writeHead(416).end();
    const body = whole.subarray(from);
    const isPart = range !== undefined && fault !== 'no-ranges';
    if (isPart)
      response.setHeader('content-range', `bytes ${from}-${whole.length - 1}/${whole.length}`);
    const isEndless = typeof fault === 'object' && 'endless' in fault;
    const length = typeof fault === 'object' && 'length' in fault ? fault.length : body.length;
    if (!isEndless) response.setHeader('content-length', length);
    response.writeHead(isPart ? 206 : 200);
    if (typeof fault === 'object' && 'breakAfter' in fault) {
      response.write(body.subarray(0, fault.breakAfter), () =>
        setTimeout(() => response.destroy(), 20),
      );
    } else if (fault === 'stall') response.write(body.subarray(0, 10));
    else if (isEndless) {
      response.write(body);
      response.end(Buffer.alloc(5000));
    } else if (length === body.length) response.end(body);
    else response.write(body.subarray(0, Math.min(length, body.length)), () => response.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    files,
    faults,
    asked,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
