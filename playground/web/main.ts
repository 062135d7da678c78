import { render } from 'preact';
import { App } from './app.ts';
import { createClient } from './client.ts';
import { html } from './html.ts';

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
// Per tab: two tabs can be two people at once.
const client = createClient(`${scheme}://${location.host}/client`, sessionStorage);
const root = document.getElementById('root');
if (root) render(html`<${App} client=${client} />`, root);
