/** Runs a playground as a process of its own, to be killed: `node playground-process.ts DATA_FILE PORT`. */
import { startPlayground } from '../../../playground/playground.ts';

const [dataFile = ':memory:', port = '0'] = process.argv.slice(2);
const { url, apiBase, token } = await startPlayground({ port: Number(port), dataFile });
console.log(JSON.stringify({ url, apiBase, token }));
